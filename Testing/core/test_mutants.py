"""The mistakes of `make mutants` can still be made: the text that each changes stands once in its file, and its tests are there."""

from __future__ import annotations

import pytest

from ..mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_still_fits_the_code(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.right) == 1
    assert mutant.wrong != mutant.right
    assert all((ROOT / test).exists() for test in mutant.tests)
