"""Ratios of times by round: robust to slow rounds, and judged against the A/A noise."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from srbench.analysis.claims import evaluate
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_parser import parse
from srbench.analysis.latency_ratios import Ratio, drifted, enough, is_quiet, ratio, word

RNG = np.random.default_rng(3)


def noisy(factor: float, rounds: int = 60, noise: float = 0.005) -> tuple[list[float], list[float]]:
    """A variant and its baseline on a machine whose speed wanders by half."""
    pace = np.exp(np.cumsum(RNG.normal(0, 0.05, rounds)))
    base = 10 * pace * np.exp(RNG.normal(0, noise, rounds))
    return (factor * 10 * pace * np.exp(RNG.normal(0, noise, rounds))).tolist(), base.tolist()


def test_a_drifting_machine_does_not_change_the_ratio() -> None:
    times, base = noisy(1.2)
    found = ratio(times, base)
    assert found.low < 1.2 < found.high
    assert found.half < 0.01
    assert np.std(base) / np.mean(base) > 0.05


def test_one_disturbed_round_in_ten_changes_little() -> None:
    times, base = noisy(1.0)
    for i in range(0, 60, 10):
        times[i] *= 30
    assert abs(ratio(times, base).value - 1) < 0.01


def test_the_interval_is_that_of_claims() -> None:
    times, base = noisy(1.15)
    rounds = {("latency", "a"): dict(enumerate(times)), ("latency", "b"): dict(enumerate(base))}
    test = parse("latency(a) / latency(b) in [1.1, 1.2]")
    (finding,) = evaluate(test, Evidence(rounds=rounds)).findings
    found, claimed = ratio(times, base), finding.reading
    assert claimed is not None
    assert (claimed.value, *claimed.interval) == (found.value, found.low, found.high)


def test_below_twenty_rounds_there_is_no_interval() -> None:
    found = ratio([1.0] * 19, [1.0] * 19)
    assert found.value == 1
    assert np.isnan(found.low)
    assert found.noise == inf
    assert not is_quiet(found)


def test_a_round_missing_in_either_is_left_out() -> None:
    assert ratio([2.0, np.nan, 2.0], [1.0, 1.0, np.nan]).rounds == 1
    assert ratio([np.nan], [1.0]).rounds == 0


def test_rounds_in_which_the_baseline_drifted_are_flagged() -> None:
    assert drifted([10, 10.1, 9.9, 10.3, 9.7]).tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("low", "high", "control", "expected"),
    [
        (1.02, 1.05, (0.995, 1.004), "slower"),
        (0.90, 0.98, (0.995, 1.004), "faster"),
        (0.996, 1.006, (0.995, 1.004), "same"),
        (0.98, 1.03, (0.995, 1.004), "unresolved"),
        (1.02, 1.05, (0.96, 1.01), "unresolved"),  # A/A noise of 4 %
        (1.06, 1.09, (0.96, 1.01), "slower"),
        (0.97, 1.03, (0.96, 1.01), "same"),  # within A/A noise
        (float("nan"), float("nan"), (0.99, 1.01), "unresolved"),
    ],
)
def test_verdicts_depend_on_the_noise_of_the_control(
    low: float, high: float, control: tuple[float, float], expected: str
) -> None:
    assert word(Ratio(1.0, low, high, 30), Ratio(1.0, *control, 30)) == expected


def test_it_is_enough_when_every_interval_is_narrow() -> None:
    sure, base = noisy(1.1, noise=0.002)
    wild = (np.array(base) * np.exp(RNG.normal(0, 0.2, 60))).tolist()
    assert enough({"a": sure}, base, 0.005)
    assert not enough({"a": sure, "b": wild}, base, 0.005)
    assert not enough({"a": sure[:19]}, base[:19], 0.5)
