"""The table's numbers, who is an outlier, and a page that needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from MedSegDLLib.cohort.page import write_page
from MedSegDLLib.cohort.table import FAR, Row, _with_outliers, outliers_first, robust_z, write_table
from MedSegDLLib.cohort.thumbnail import THUMBNAIL_FILE
from MedSegDLLib.tasks import BRAIN, NUCLEI


def brain(name: str, volume: float) -> Row:
    return Row(name, "done", dict.fromkeys(("WT", "TC", "ET"), volume), dict.fromkeys(("WT", "TC", "ET"), int(1000 * volume)), seconds=2.0)


USUAL = [brain(f"c{n}", 40 + 3 * n) for n in range(9)]


def test_an_outlier_is_far_from_the_others_in_either_direction():
    rows = {row.case: row for row in _with_outliers([*USUAL, brain("huge", 4000), brain("none", 0.0), Row("bad", "failed")])}
    assert rows["huge"].outlier > FAR and rows["none"].outlier > FAR
    assert all(rows[f"c{n}"].outlier < FAR for n in range(9)) and rows["bad"].outlier == 0
    assert [row.case for row in outliers_first(rows.values())][:3] == ["bad", "huge", "none"]


@pytest.mark.parametrize("values", [[], [1.0, 99.0], [5.0] * 8, [5.0] * 7 + [9.0]])
def test_what_makes_no_distribution_has_no_outliers(values):
    assert robust_z(values) == [0.0] * len(values)


def test_robust_z_by_hand():
    assert robust_z([1, 2, 3, 4, 100])[-1] == pytest.approx((100 - 3) / (1.4826 * 1))


class Cells(HTMLParser):
    """First cells of the table's rows, and every attribute that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.loads += [value for name, value in attributes if name in ("src", "href") and not value.startswith("data:")]

    def handle_data(self, text) -> None:
        self.words.append(text)


def test_the_page_shows_all_and_loads_nothing(tmp_path):
    (tmp_path / "c3").mkdir()
    (tmp_path / "c3" / THUMBNAIL_FILE).write_bytes(b"jpeg")
    rows = _with_outliers([*USUAL, brain("huge", 4000), Row("bad", "failed", reason="<b>It</b> is damaged.")])
    page = write_page(rows, BRAIN, tmp_path).read_text(encoding="utf-8")
    cells = Cells()
    cells.feed(page)
    assert not cells.loads and "http" not in page and "<b>It" not in page
    order = [word for word in cells.words if word in {row.case for row in rows}]
    assert order[:2] == ["bad", "huge"] and len(order) == 11
    assert "<b>It</b> is damaged." in cells.words
    assert page.count("data:image/jpeg") == 1 and page.count("<figure>") == 3
    assert sum(int(n) for n in re.findall(r"Whole tumour, (\d+) cases", page)) == 10
    assert "10 segmented, 1 failed, 1 unusual" in page


def test_a_warning_is_a_word_that_tells_its_sentence(tmp_path):
    row = Row("a", "done", {"WT": 5.0}, {"WT": 50}, warnings=("thick_slices",), sentences=("FLAIR <b> isn't fine. Look.",))
    page = write_page([row], BRAIN, tmp_path).read_text(encoding="utf-8")
    assert "<abbr title='FLAIR &lt;b&gt; isn&#x27;t fine. Look.'>thick slices</abbr>" in page
    assert ",thick_slices," in write_table([row], BRAIN, tmp_path).read_text(encoding="utf-8")


def test_pictures_have_areas_where_the_pixel_size_is_known(tmp_path):
    rows = [Row("a", "done", {"nucleus": 12.5}, {"nucleus": 50}, count=3), Row("b", "done", {"nucleus": None}, {"nucleus": 70}, count=4)]
    table = write_table(rows, NUCLEI, tmp_path).read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("case,status,nucleus_um2,nucleus_pixels,count")
    assert table[1].startswith("a,done,12.5,50,3") and table[2].startswith("b,done,,70,4")
    assert "µm²" in write_page(rows, NUCLEI, tmp_path).read_text(encoding="utf-8")
