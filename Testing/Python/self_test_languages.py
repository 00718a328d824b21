"""The panel in German and French, made anew in each, as it is when Slicer starts in that language."""

from __future__ import annotations

from typing import Any

import slicer
from self_test_desktop import open_panel

WORDS = {  # language -> the name of the first segment, and what the button that starts a run says
    "de_DE": ("Gesamttumor (WT)", "Segmentieren"),
    "fr_FR": ("Tumeur entière (WT)", "Segmenter"),
}
ENGLISH = ("Whole tumour (WT)", "Segment")


def spoken(test: Any) -> None:
    """Each language in turn, with a result; English again at the end, whatever happens."""
    test.addCleanup(speaks, test, "en_US")
    for locale, (segment, button) in WORDS.items():
        speaks(test, locale)
        test.load_and_guess()
        test.result()
        test.lesions_shown()
        test.assertEqual((test.shown(0, 0), test.ui.segmentButton.text), (segment, button))
        test.at_widths(f"81-{locale[:2]}-result", test.ui.resultTable)
        test.at_widths(f"81-{locale[:2]}-inputs", test.ui.inputsWidget)
        slicer.mrmlScene.Clear()
    speaks(test, "en_US")
    test.load_and_guess()
    test.result()
    test.assertEqual((test.shown(0, 0), test.ui.segmentButton.text), ENGLISH)


def speaks(test: Any, locale: str) -> None:
    """Make the panel anew in a language."""
    from MedSegDLLib.scene.translation import install

    install(locale)
    slicer.util.reloadScriptedModule("MedSegDL")
    test.take(open_panel())
    test.panel.tour.leave()
