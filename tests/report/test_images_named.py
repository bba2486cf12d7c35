"""Images that are trained and judged on head the page; the source of LR stands with the limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from synthetic_study import study
from through_the_store import stored

from srbench.analysis.answer import warnings
from srbench.analysis.limits import cannot_tell
from srbench.report import write

SHARED = "1 of 2 images of eval photos are also trained on, in folder: {path: mine}: astronaut"
LR = ("train folder: {path: mine}: made by matlab_bicubic", "eval photos: own LR files")


def test_what_is_trained_and_judged_on_heads_the_page(tmp_path: Path) -> None:
    made = study()
    facts = replace(made.facts, overlaps=(SHARED,), lr=LR)
    results = stored(replace(made, facts=facts), tmp_path)
    assert f"Check the images: {SHARED}." in warnings(results)
    [images] = [sentence for sentence in cannot_tell(results) if sentence.startswith("Images:")]
    assert f"LR of {LR[0]}, of {LR[1]}." in images
    page = write([results], tmp_path / "page").read_text("utf-8")
    top = page[: page.index("also trained on")]
    assert top.count("<section") <= 1
