"""Points through segments and back: to the bit, at a size. Costs 3 s."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import claimed, plan

from srbench.store import Point, Store
from srbench.store.doctor import database_facts
from srbench.store.segments import BITS, LONGEST, Points, packed
from srbench.store.sql import ask

FLOAT32 = st.floats(width=32)
CURVES = st.dictionaries(
    st.integers(0, 10**9) | st.integers(1, 30),
    st.one_of(st.floats(), FLOAT32, st.floats(2**-10, 1, width=32)),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=50)
@given(CURVES, st.integers(1, 5000))
def test_any_points_come_back_to_the_bit(curve: dict[int, float], per_epoch: int) -> None:
    rows = [*packed(1, {step: (step / per_epoch, value) for step, value in curve.items()})]
    found = Points.of([SimpleNamespace(**row) for row in rows])
    assert found.steps.tolist() == sorted(curve)
    assert found.epochs.tolist() == [step / per_epoch for step in sorted(curve)]
    expected = [curve[step] + 0.0 for step in sorted(curve)]  # minus zero is stored as zero
    finite = [struct.pack("d", v) if v == v else "nan" for v in found.values.tolist()]
    assert finite == [struct.pack("d", v) if v == v else "nan" for v in expected]
    numbers = [n for row in rows for n in row["numbers"] if isinstance(n, int)]
    assert all(abs(n) < 2**BITS for n in numbers)


@settings(max_examples=50)
@given(CURVES, st.data())
def test_segments_depend_on_the_points_alone(curve: dict[int, float], data: st.DataObject) -> None:
    """Points that come one after another are cut as if they had come at once."""
    points = {step: (step / 7, value) for step, value in sorted(curve.items())}
    whole = [*packed(1, points)]
    cut = data.draw(st.integers(0, len(whole) - 1))
    later = {step: point for step, point in points.items() if step >= whole[cut]["first"]}
    assert [*whole[:cut], *packed(1, later)] == whole


def test_an_epoch_that_is_no_step_of_it_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        [*packed(1, {7: (0.3, 1.0)})]


def test_a_long_curve_is_small_and_the_same_in_the_view(store: Store) -> None:
    """Losses in float32; written by messages, with a resume and a repeat among them."""
    values = np.random.default_rng(0).uniform(0.01, 0.5, 12_000).astype(np.float32).tolist()
    points = [Point("loss_step", step, step / 120, v) for step, v in enumerate(values, 1)]
    lease = claimed(store, store.plans.add(plan()))
    before = size_of(store)
    for start in range(0, 12_000, 1500):
        store.measurements.write_points(lease, points[start : start + 1500])
    most = 16 if store.address.path else 24  # a small table of PostgreSQL has half-empty pages
    assert (size_of(store) - before) / 12_000 < most
    store.measurements.forget_points(lease, 11_000 + LONGEST // 3)
    store.measurements.write_points(lease, points[11_000:12_000])
    found = ask(store, "SELECT step, epoch, value FROM v_curves ORDER BY step")[1]
    assert found == [(point.step, point.epoch, point.value) for point in points]
    assert ask(store, "SELECT count(*) FROM segments")[1] == [(12_000 // LONGEST,)]


def size_of(store: Store) -> int:
    store.engine.dispose()  # SQLite writes its log into the file
    return int(database_facts(store)["size_bytes"])
