"""An image that one run reproduces exactly counts for none, wherever its score is read.

Its PSNR is infinite, as that of black frames and white pages is: mmagic's issue 490.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_study import study
from through_the_store import stored

from srbench.analysis.answer import answer
from srbench.analysis.claims import claims_of
from srbench.analysis.limits import labels
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import left_out, set_scores
from srbench.report import write
from srbench.store import open_store
from srbench.store.sql import ask

CLAIM = {"id": "A", "says": "it helps", "test": "psnr_y(residual) > psnr_y(plain)"}
CASES = {
    "one run": [("residual", 1)],
    "every run": [(name, seed) for name in ("plain", "residual") for seed in range(3)],
    "an interpolation": [("bicubic", 0)],
    "the baseline": [("plain", 0), ("plain", 2)],
}


def made(exact: list[tuple[str, int]] = (), images: tuple[str, ...] = ("chelsea",)) -> Results:  # type: ignore[assignment]
    """A study whose scores by PSNR of these images are infinite for these runs."""
    whole = study({"plain": 0.0, "residual": 0.8})
    scores = whole.scores.copy()
    for variant, seed in exact:
        own = (scores["variant"] == variant) & (scores["seed"] == seed)
        own &= scores["image"].isin(images) & (scores["metric"] == "psnr_y")
        scores.loc[own, "value"] = math.inf
    return replace(whole, scores=scores, facts=replace(whole.facts, claims=(CLAIM,)))


def without(results: Results, image: str) -> Results:
    """The study as if the image had never been scored by PSNR."""
    scores = results.scores
    gone = (scores["image"] == image) & (scores["metric"] == "psnr_y")
    return replace(results, scores=scores[~gone])


@pytest.mark.parametrize("exact", CASES.values(), ids=CASES)
def test_the_study_is_that_without_the_image(exact: list[tuple[str, int]]) -> None:
    found, wanted = made(exact), without(made(), "chelsea")
    assert set_scores(found) == set_scores(wanted)
    assert answer(found) == answer(wanted)
    assert [c.result for c in claims_of(found)] == [c.result for c in claims_of(wanted)]
    assert left_out(found) == {("psnr_y", "photos"): (["chelsea"], 3)}


def test_the_page_and_its_files_say_so_and_hold_no_infinity(tmp_path: Path) -> None:
    page = write([made(CASES["one run"])], tmp_path / "report").read_text()
    assert "1 of 3 images of photos (chelsea) left out of means of PSNR-Y" in page
    for file in (tmp_path / "report").glob("*.csv"):
        assert "inf" not in file.read_text().split(","), file.name


def test_sql_gives_the_means_of_the_page_and_keeps_what_was_measured(tmp_path: Path) -> None:
    results = stored(made(CASES["one run"]), tmp_path)
    store = open_store(tmp_path / "db" / "srbench.sqlite")
    query = (
        "SELECT variant, seed, avg(value) FROM v_scores WHERE metric = 'psnr_y' "
        "AND role <> 'interpolation' GROUP BY variant, seed"
    )
    means = set_scores(results)
    for variant, seed, value in ask(store, query)[1]:
        assert value == pytest.approx(means["psnr_y", variant, "photos"][seed], abs=1e-12)
    kept = "SELECT count(measured), count(value), count(not_finite) FROM v_scores"
    assert ask(store, f"{kept} WHERE metric = 'psnr_y' AND image = 'chelsea'")[1] == [(9, 0, 1)]
    assert ask(store, f"{kept} WHERE metric = 'ssim_y' AND image = 'chelsea'")[1] == [(10, 10, 0)]


def test_a_set_of_nothing_but_such_images_has_no_score() -> None:
    every = [(name, seed) for name in ("plain", "residual") for seed in range(3)]
    found = made(every, ("astronaut", "chelsea", "coffee"))
    assert ("psnr_y", "plain", "photos") not in set_scores(found)
    (label,) = [label for label in labels(found) if label.word == "flat images"]
    assert "3 of 3 images" in label.says
    assert "No answer yet" in answer(found)
