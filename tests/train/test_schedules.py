"""Schedules at the places where their values are known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.core import slots

slots.load()


def factors(written: Any, steps: int) -> list[float]:
    factor = slots.schedule.parse(written).build()(steps, 1)
    return [factor(step) for step in range(steps)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("cosine", [1, 0.962, 0.854, 0.691, 0.5, 0.309, 0.146, 0.038]),
        ({"cosine": {"end": 0.5}}, [1, 0.981, 0.927, 0.846, 0.75, 0.654, 0.573, 0.519]),
        ({"cosine": {"warmup": 0.5}}, [0.2, 0.4, 0.6, 0.8, 1, 0.854, 0.5, 0.146]),
        ({"warm_up": {"share": 0.5}}, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]),
        ({"warm_up": {"of": "cosine", "share": 0.5}}, [0.2, 0.4, 0.6, 0.8, 1, 0.854, 0.5, 0.146]),
        ({"warm_restarts": {"cycles": 2}}, [1, 0.854, 0.5, 0.146, 1, 0.854, 0.5, 0.146]),
        ({"warm_restarts": {"cycles": 1}}, [1, 0.962, 0.854, 0.691, 0.5, 0.309, 0.146, 0.038]),
        ("step", [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"step": {"at": [0.5, 0.5], "gamma": 0.1}}, [1, 1, 1, 1, 0.01, 0.01, 0.01, 0.01]),
        ({"step": {"at": []}}, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_eight_steps_by_hand(written: Any, expected: list[float]) -> None:
    assert factors(written, 8) == pytest.approx(expected, abs=6e-4)


@given(st.integers(1, 400), st.integers(1, 12))
def test_every_cycle_starts_at_the_full_rate(length: int, cycles: int) -> None:
    found = factors({"warm_restarts": {"cycles": cycles}}, length * cycles)
    assert found[::length] == [1.0] * cycles


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_cosine_rises_once_and_then_falls_to_its_end(steps: int, warmup: float, end: float) -> None:
    found = factors({"cosine": {"warmup": warmup, "end": end}}, steps)
    top = found.index(max(found))
    assert found[:top] == sorted(found[:top])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert all(0 < f <= 1 or f >= end for f in found)
