"""Verdicts agree with an implementation that was written from docs/verdicts.md alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from analysis.random_studies import studies
from analysis.verdicts_oracle import judge, judge_looks

from srbench.analysis.looks import sequential
from srbench.analysis.verdicts import Rules, Verdict, verdicts

LOOKS = (3, 5, 8)


def numbers(row: Verdict) -> dict[str, float]:
    """The numbers of a verdict by the names that the oracle gives them."""
    return {
        "effect": row.effect,
        "p": row.p,
        "p_holm": row.p_holm,
        "p_within": row.p_within,
        "p_within_holm": row.p_within_holm,
        "low": row.interval.low,
        "high": row.interval.high,
        "all_low": row.simultaneous.low,
        "all_high": row.simultaneous.high,
    }


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_studies_get_the_same_verdicts_and_numbers(count: int) -> None:
    words: dict[str | None, int] = {}
    for scores, least, higher, pairs, paired in studies(count, seed=18):
        rules = Rules(least, "higher" if higher else "lower", paired, pairs)
        expected = judge(scores, least, higher, pairs, paired)
        for own, other in zip(verdicts(scores, rules), expected, strict=True):
            assert own.word == other["word"]
            words[own.word] = words.get(own.word, 0) + 1
            size = np.nanmax(np.abs(scores)) * 1e-9
            for name, value in numbers(own).items():
                if own.word is not None or name == "effect":
                    assert value == pytest.approx(other[name], rel=1e-6, abs=size, nan_ok=True), (
                        name
                    )
    assert (
        min(words[word] for word in ("helps", "hurts", "equivalent", "unresolved", None))
        > count / 20
    )


def test_looks_decide_alike() -> None:
    rng = np.random.default_rng(7)
    words: dict[str, int] = {}
    for _ in range(300):
        m = int(rng.integers(1, 7))
        base = max(LOOKS[-1], round(LOOKS[-1] * math.sqrt(m)))
        scores = 30 + rng.normal(rng.choice([0, 0.5, 1, 3], (1 + m, 1)), 1.0, (1 + m, base))
        least = float(rng.choice([0.5, 2.0]))
        expected = judge_looks(scores, least, LOOKS)
        for own, (word, seeds) in zip(
            sequential(scores, Rules(least), LOOKS), expected, strict=True
        ):
            assert (own.word, own.looks[-1].seeds) == (word, seeds)
            words[word] = words.get(word, 0) + 1
    assert min(words[word] for word in ("helps", "equivalent", "unresolved")) > 30
