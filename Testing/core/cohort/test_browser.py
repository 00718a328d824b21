"""`cohort.html` in a real browser: it sorts by a click, its thumbnails load, its histograms have a size, and no script fails."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from PIL import Image as Pillow

from MedSegDLLib.cohort.page import write_page
from MedSegDLLib.cohort.table import Row, _with_outliers
from MedSegDLLib.cohort.thumbnail import THUMBNAIL_FILE
from MedSegDLLib.tasks import BRAIN
from Testing.browser import MISSING, dumped, find_chromium

from .test_page import USUAL, brain

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=MISSING)
HASHED = [brain("12ab", 41.0), brain("9f", 41.5), brain("7e2", 42.0)]  # names, not numbers
WATCH = "<script>window.errors = []; addEventListener('error', event => errors.push(String(event.message)));</script>"
PROBE = """
<script>addEventListener("load", () => {
  const names = () => [...document.querySelectorAll("tbody tr")].map(row => row.cells[0].textContent);
  const heads = [...document.querySelectorAll("th")], volume = heads.find(head => head.textContent.startsWith("Whole tumour"));
  const found = { at_first: names() };
  volume.click(); found.falling = names(); found.marked = volume.getAttribute("aria-sort");
  volume.click(); found.rising = names();
  heads[0].click(); heads[0].click(); found.by_name = names(); found.marks = document.querySelectorAll("[aria-sort]").length;
  found.pictures = [...document.images].map(image => [image.complete, image.naturalWidth, image.clientHeight]);
  found.plots = [...document.querySelectorAll("svg")].map(plot => plot.clientWidth);
  found.wide = document.documentElement.scrollWidth > innerWidth;
  found.errors = errors;
  document.body.dataset.found = JSON.stringify(found);
});</script>
"""


def probed(page: Path, profile: Path) -> dict:
    """What a browser sees of the page, and does at clicks."""
    text = page.read_text(encoding="utf-8")
    page.with_name("probed.html").write_text(WATCH + text.replace("</html>", PROBE + "</html>"), encoding="utf-8")
    seen = re.search(r'data-found="([^"]*)"', dumped(page.with_name("probed.html"), profile))
    assert seen, "the page's scripts did not end"
    return json.loads(unescape(seen[1]))


def test_a_browser_shows_and_sorts_the_page(tmp_path):
    for name in ("c3", "huge"):
        (tmp_path / name).mkdir()
        Pillow.new("RGB", (150, 192), (90, 90, 90)).save(tmp_path / name / THUMBNAIL_FILE)
    rows = _with_outliers([*USUAL, brain("huge", 4000), brain("small", 9.5), *HASHED, Row("bad", "failed", reason="It is damaged.")])
    found = probed(write_page(rows, BRAIN, tmp_path), tmp_path / "profile")
    assert found["errors"] == [] and not found["wide"]
    assert found["at_first"][:2] == ["bad", "huge"]
    measured = ["small", "c0", "12ab", "9f", "7e2", *(f"c{n}" for n in range(1, 9)), "huge"]  # 9.5 before 40, and 4,000 last
    assert found["rising"] == [*measured, "bad"] and found["marked"] == "descending"
    assert found["falling"] == [*measured[::-1], "bad"], "what has no size comes last either way"
    assert found["by_name"] == ["7e2", "9f", "12ab", "bad", *(f"c{n}" for n in range(9)), "huge", "small"] and found["marks"] == 1
    assert found["pictures"] == [[True, 150, 96]] * 2
    assert len(found["plots"]) == 3 and all(width > 100 for width in found["plots"])
