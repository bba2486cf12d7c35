"""Everything measured comes back, once, as it was."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from store_samples import (
    METRICS,
    PHOTOS,
    TRAINED,
    claimed,
    digest,
    finish_all,
    outcome,
    plan,
    scores,
)

from srbench.analysis.results import FRAMES, Results
from srbench.core.errors import UserError
from srbench.store import DatasetRecord, Image, PictureRow, Point, ScoreRow, Store
from srbench.store.sql import ask

NUMBERS = [
    0.0, -0.0, -1.5, 5e-324, 1e-320, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2,
    math.nan, math.inf, -math.inf,
]  # fmt: skip


def test_every_number_comes_back_to_the_bit(store: Store) -> None:
    claim = claimed(store, store.plans.add(plan()))
    points = [Point("loss", step, step / 7, value) for step, value in enumerate(NUMBERS)]
    store.measurements.write_points(claim, points)
    curve = store.reading.results("demo").curves
    assert [struct.pack("d", v) for v in curve["value"]] == [
        struct.pack("d", v + 0.0)
        for v in NUMBERS  # minus zero is stored as zero
    ]
    assert curve["epoch"].tolist() == [point.epoch for point in points]


def test_numbers_that_are_not_finite_stay_out_of_averages(store: Store) -> None:
    claim = claimed(store, store.plans.add(plan()))
    values = [1.0, math.nan, math.inf, 3.0]
    store.measurements.write_points(
        claim, [Point("loss", n, n, value) for n, value in enumerate(values)]
    )
    assert ask(store, "SELECT avg(value), count(not_finite) FROM v_curves")[1] == [(2.0, 2)]


def test_a_finished_run_has_everything_at_once(store: Store) -> None:
    number = store.plans.add(plan())
    claim = claimed(store, number)
    store.measurements.finish(claim, outcome(store, claim, math.inf))
    run = store.runs.show(claim.run)
    assert (run["state"], run["steps"], run["train_seconds"]) == ("done", 60, 6.0)
    assert [score["value"] for score in run["scores"]] == [math.inf] * 4
    assert run["provenance"]["versions"] == {"numpy": "2.4", "torch": "2.11"}
    assert run["training"]["dead_modules"] == ["body.2.se", "tail"]
    assert [use["variant"] for use in run["variants"]] == ["plain"]
    assert [picture["image"] for picture in run["pictures"]] == ["chelsea"]


def test_a_score_of_an_unknown_image_leaves_the_run_unfinished(store: Store) -> None:
    claim = claimed(store, store.plans.add(plan()))
    unknown = ScoreRow(PHOTOS.manifest, "sr-y-v1", "nobody", "psnr_y", 1.0)
    with pytest.raises(ValueError, match="nobody"):
        store.measurements.finish(claim, outcome(store, claim, scores=(*scores(), unknown)))
    assert store.runs.show(claim.run)["state"] == "running"
    assert store.runs.show(claim.run)["scores"] == []


def test_results_fit_their_description(store: Store) -> None:
    number = store.plans.add(plan(variants=("plain", "se"), seeds=(5, 2)))
    finish_all(store, number)
    results = store.reading.results(number)
    assert results.facts.seeds == (5, 2)
    assert results.facts.references == (("scse", "Roy et al., 2018"),)
    assert results.facts.plan == plan(seeds=(5, 2)).digest
    assert results.variants["variant"].tolist() == ["plain", "se"]
    assert results.variants["dead_modules"].tolist() == ["body.2.se, tail"] * 2
    cells = list(zip(results.runs["variant"], results.runs["seed"], strict=True))
    assert cells == [("plain", 5), ("plain", 2), ("se", 5), ("se", 2)]
    assert len(results.scores) == 4 * len(PHOTOS.images) * len(METRICS)
    assert results.scores["dataset"].unique().tolist() == ["photos"]
    assert results.datasets["role"].tolist() == ["train", "eval"]
    assert results.datasets["megapixels"].tolist() == pytest.approx([0.27328, 0.397144])
    assert results.root == store.root


def test_a_plan_without_results_has_every_column(store: Store) -> None:
    store.plans.add(plan())
    results = store.reading.results("demo")
    for frame in FRAMES:
        named = [name.strip() for name in columns_of(Results.__doc__ or "", frame)]
        assert list(getattr(results, frame)) == named


def columns_of(text: str, frame: str) -> list[str]:
    """The columns that the docstring of Results promises for a frame."""
    lines = text.split("\n\n")[2].splitlines()
    start = next(n for n, line in enumerate(lines) if line.split()[:1] == [frame])
    words = lines[start].split(maxsplit=1)[1]
    for line in lines[start + 1 :]:
        if not line.startswith(" " * 12):
            break
        words += " " + line.strip()
    bare = words.split(";")[0]
    while "(" in bare:
        bare = bare[: bare.index("(")] + bare[bare.index(")") + 1 :]
    return bare.split(",")


def test_results_show_the_latest_attempt(store: Store) -> None:
    number = store.plans.add(plan(variants=("plain",), seeds=(0,)))
    finish_all(store, number)
    store.queue.add_attempts(number)
    finish_all(store, number)
    results = store.reading.results("demo")
    assert results.runs["attempt"].tolist() == [2]
    assert set(results.scores["run_id"]) == {2}


def long_curve(number: int, per_epoch: int) -> list[Point]:
    return [Point("loss", n, n / per_epoch, float(n)) for n in range(1, number + 1)]


def test_a_long_curve_is_thinned_and_keeps_its_ends(store: Store) -> None:
    claim = claimed(store, store.plans.add(plan()))
    store.measurements.write_points(claim, long_curve(1000, per_epoch=10))
    steps = store.reading.results("demo", points=50).curves["step"].tolist()
    assert (len(steps), steps[0], steps[-1]) == (50, 1, 1000)
    gaps = np.diff(steps)
    assert set(gaps) <= {20, 21}


@pytest.mark.parametrize(("number", "per_epoch"), [(50, 10), (1000, 1)])
def test_short_curves_and_curves_by_epoch_are_not_thinned(
    store: Store, number: int, per_epoch: int
) -> None:
    claim = claimed(store, store.plans.add(plan()))
    store.measurements.write_points(claim, long_curve(number, per_epoch))
    assert len(store.reading.results("demo", points=50).curves) == number


@pytest.mark.parametrize(
    ("test", "read"),
    [("psnr_y(plain) > 30", {"validate/psnr_y"}),
     ("loss_step(plain)/loss_step(wide) < 1", {"validate/psnr_y", "loss", "loss_step"})],
)  # fmt: skip
def test_what_is_judged_rests_on_convergence_and_on_what_claims_name(
    store: Store, test: str, read: set[str]
) -> None:
    asked = plan()
    claims = [{"id": "A", "says": "it ends low", "test": test}]
    asked = replace(asked, facts=asked.facts | {"claims": claims})
    claim = claimed(store, store.plans.add(asked))
    every = {"loss", "loss_step", "lr", "validate/psnr_y"}
    store.measurements.write_points(claim, [Point(name, 1, 1.0, 0.5) for name in every])
    assert set(store.reading.results("demo").curves["name"]) == every
    assert set(store.reading.results("demo", curves="judged").curves["name"]) == read
    assert store.reading.results("demo", curves="none").curves.empty


def test_what_a_new_dataset_or_metric_lacks_is_named_and_filled(store: Store) -> None:
    finish_all(store, store.plans.add(plan(seeds=(0,))))
    more = DatasetRecord("m-more", "more", "eval", (Image("coffee", 600, 400, "dd"),))
    wider = plan(seeds=(0,), digest="wider", datasets=(TRAINED, PHOTOS, more))
    number = store.plans.add(replace(wider, metrics=(*METRICS, "l1")))
    lacks = [(entry.variants, entry.dataset, entry.metrics) for entry in
             store.measurements.missing_scores(number)]  # fmt: skip
    assert lacks[:2] == [
        (("plain",), PHOTOS.manifest, ("l1",)),
        (("plain",), "m-more", (*METRICS, "l1")),
    ]
    for entry in store.measurements.missing_scores(number):
        images = (PHOTOS if entry.dataset == PHOTOS.manifest else more).images
        rows = [
            ScoreRow(entry.dataset, "sr-y-v1", image.name, metric, 1.0)
            for image in images
            for metric in entry.metrics
        ]
        picture = PictureRow(entry.dataset, images[0].name, "hr", "hr.png")
        store.measurements.write_scores(entry.run, rows, [picture])
    assert store.measurements.missing_scores(number) == []
    assert store.queue.states(number) == {"done": 2}


def test_scores_of_sets_that_the_plan_does_not_name_are_not_shown(store: Store) -> None:
    finish_all(store, store.plans.add(plan("with")))
    number = store.plans.add(plan("without", datasets=(TRAINED,)))
    assert len(store.reading.results(number).scores) == 0
    assert len(store.reading.results("with").scores) > 0


def test_scores_that_another_study_asked_for_are_not_shown(store: Store) -> None:
    finish_all(store, store.plans.add(plan()))
    asked = plan("fewer", metrics=METRICS[:1], digest=digest("fewer"), key=digest("key fewer"))
    store.plans.add(asked)
    assert set(store.reading.results("demo").scores["metric"]) == set(METRICS)
    assert set(store.reading.results("fewer").scores["metric"]) == {METRICS[0]}


def test_a_step_is_timed_by_finished_runs(store: Store) -> None:
    number = store.plans.add(plan())
    plain = digest("plain")
    assert store.runs.step_seconds({plain}, "cpu") == {}
    finish_all(store, number)
    assert store.runs.step_seconds({plain}, "cpu") == pytest.approx({plain: 0.1})
    assert store.runs.step_seconds({plain}, "cuda") == {}


def test_studies_are_listed_with_how_far_they_are(store: Store) -> None:
    assert len(store.reading.studies()) == 0
    number = store.plans.add(plan("b"))
    store.plans.add(plan("a", ("atrous",)))
    finish_all(store, store.plans.add(plan("b", ("plain",))))
    store.queue.fail(claimed(store, number), "error", "", steps=0)
    store.plans.make_latest(number)
    table = store.reading.studies()
    assert table["study"].tolist() == ["a", "b"]
    assert table[["plans", "runs", "done", "failed"]].to_numpy().tolist() == [
        [1, 2, 0, 0],
        [2, 4, 2, 1],
    ]


def test_unknown_numbers_are_named(store: Store) -> None:
    with pytest.raises(UserError, match=r"no run 7 .*no runs yet"):
        store.runs.show(7)
    store.plans.add(plan())
    with pytest.raises(UserError, match=r"no run 7 \(known: 1 to 4\)"):
        store.runs.show(7)
    with pytest.raises(UserError, match="no plan 9"):
        store.reading.results(9)
