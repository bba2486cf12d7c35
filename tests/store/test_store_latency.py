"""Latency passes: stored whole, and found by every plan with the same networks."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from typing import Any

from pandas.testing import assert_frame_equal
from store_samples import plan, provenance, training

from srbench.analysis.results import LATENCY, PASSES, Results
from srbench.store import LatencyNetwork, LatencyPass, LatencySample, PlanRecord, Store


def planned(name: str = "demo", **changed: Any) -> PlanRecord:
    """A plan whose networks are known by their variants' names."""
    made = plan(name, **changed)
    named = {v.fingerprint: v.name for v in made.variants}
    trainings = tuple(
        replace(t, network=f"net {named[t.fingerprint]}", step=f"step {named[t.fingerprint]}")
        for t in made.trainings
    )
    return replace(made, trainings=trainings)


def taken(store: Store, *names: str, base: float = 10.0, **changed: Any) -> Any:
    """A pass of three rounds; the first network is the baseline, and is there twice."""
    subjects = [(f"net {name}", 0) for name in names] + [(f"net {names[0]}", 1)]
    values: dict[str, Any] = {
        "quantity": "latency", "device": "cpu", "lr_height": 64, "lr_width": 96, "batch": 1,
        "scale": 2, "precision": "fp32", "memory_format": "contiguous", "mode": "eager",
        "threads": 1, "study": "demo", "baseline": f"net {names[0]}", "order_seed": 0,
        "steady": True, "warnings": ["a", "b"], "seconds": 1.5,
        "provenance_id": store.measurements.add_provenance(provenance()),
    }  # fmt: skip
    networks = [LatencyNetwork(s, c, s[4:], 99.0, 2) for s, c in subjects]
    samples = [
        LatencySample(s, c, turn, place, base + place + turn / 10, nan if turn else 0.25)
        for turn in range(3)
        for place, (s, c) in enumerate(subjects)
    ]
    return LatencyPass(**values | changed), networks, samples


def test_a_pass_comes_back_by_variant_and_round(store: Store) -> None:
    number = store.measurements.write_latency(*taken(store, "plain", "se"))
    found = store.reading.results(store.plans.add(planned()))
    assert list(found.passes.columns) == list(PASSES)
    assert list(found.latency.columns) == list(LATENCY)
    (row,) = found.passes.to_dict("records")
    assert (row["pass_id"], row["lr_width"], row["steady"], row["warnings"]) == (
        number, 96, True, '["a","b"]',
    )  # fmt: skip
    names = found.latency[["variant", "copy"]].drop_duplicates().to_numpy().tolist()
    assert names == [["plain", 0], ["se", 0], ["plain", 1]]
    se = found.latency[found.latency["variant"] == "se"]
    assert se["ms"].tolist() == [11.0, 11.1, 11.2]
    assert se["first_ms"].tolist() == [99.0] * 3
    assert se["lost"].iloc[0] == 0.25
    assert isnan(se["lost"].iloc[1])


def test_a_pass_without_the_baseline_does_not_count(store: Store) -> None:
    number = store.plans.add(planned())
    store.measurements.write_latency(*taken(store, "se", "other"))
    store.measurements.write_latency(*taken(store, "plain", "other", scale=4))
    store.measurements.write_latency(*taken(store, "plain", "other", quantity="step_time"))
    found = store.reading.results(number)
    assert (len(found.passes), len(found.latency)) == (0, 0)
    assert found.latency["ms"].dtype == "float64"


def test_of_each_variant_the_newest_times_count_and_settings_stay_apart(store: Store) -> None:
    number = store.plans.add(planned(variants=("plain", "se", "wide")))
    first = store.measurements.write_latency(*taken(store, "plain", "se", "wide"))
    store.measurements.write_latency(*taken(store, "plain", "se"))
    newest = store.measurements.write_latency(*taken(store, "plain", "se", base=20.0))
    bf16 = store.measurements.write_latency(*taken(store, "plain", "se", precision="bf16"))
    found = store.reading.results(number)
    assert found.passes["pass_id"].tolist() == [first, newest, bf16]


def test_a_study_with_the_same_networks_has_their_times_too(store: Store) -> None:
    store.measurements.write_latency(*taken(store, "plain", "se"))
    other = planned("another")
    assert len(store.reading.results(store.plans.add(other)).passes) == 1
    unknown = replace(other, trainings=(training("plain"), training("se")), digest="d2")
    unknown = replace(unknown, trainings=tuple(
        replace(t, fingerprint=v.fingerprint, network="changed")
        for t, v in zip(unknown.trainings, unknown.variants, strict=True)
    ))  # fmt: skip
    assert len(store.reading.results(store.plans.add(unknown)).passes) == 0


def test_times_survive_a_folder(store: Store, tmp_path: Path) -> None:
    store.measurements.write_latency(*taken(store, "plain", "se"))
    found = store.reading.results(store.plans.add(planned()))
    found.to_folder(tmp_path / "csv")
    again = Results.from_folder(tmp_path / "csv")
    assert_frame_equal(again.latency, found.latency, check_dtype=False)
    assert_frame_equal(again.passes, found.passes, check_dtype=False)
