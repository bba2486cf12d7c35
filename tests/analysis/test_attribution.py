"""Contributions of factors: planted effects are recovered, shares agree with their definition."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.attribution import Contribution, aliases, attribute
from srbench.analysis.effects import t_interval

NAMES = ("se", "atrous", "residual")
WHOLE = {"+".join(n for n, on in zip(NAMES, row, strict=True) if on) or "base":
         dict(zip(NAMES, row, strict=True)) for row in product((0, 1), repeat=3)}  # fmt: skip
HALF = {cell: at for cell, at in WHOLE.items() if sum(at.values()) % 2 == 0}  # I = -abc


def planted(levels: Mapping[str, Mapping[str, int]], **worth: float) -> dict[str, dict[int, float]]:
    """Scores of three seeds: a level of their own, and what the terms that are on are worth."""
    scores = {}
    for cell, at in levels.items():
        y = sum(w for term, w in worth.items() if all(at[f] for f in term.split("__")))
        scores[cell] = {seed: 37.0 + seed + y for seed in range(3)}
    return scores


def by_name(found: tuple[Contribution, ...]) -> dict[str, float]:
    return {one.name: one.mean for one in found}


def test_the_two_codings_differ_by_the_interaction() -> None:
    """By hand: se alone brings 0.1, with atrous 0.1 + 0.4; on average 0.3, and so its share."""
    found = attribute(WHOLE, planted(WHOLE, se=0.1, se__atrous=0.4))
    assert by_name(found.at_base)["se"] == pytest.approx(0.1)
    assert by_name(found.averaged)["se"] == pytest.approx(0.3)
    assert by_name(found.shapley)["se"] == pytest.approx(0.3)
    assert by_name(found.shapley)["atrous"] == pytest.approx(0.2)
    for coding in (found.averaged, found.at_base):
        assert by_name(coding)["se:atrous"] == pytest.approx(0.4)
        assert by_name(coding)["se:residual"] == pytest.approx(0.0)


VALUES = st.lists(st.floats(-5, 5), min_size=8, max_size=8)


@given(VALUES)
def test_a_share_is_the_mean_over_all_orders(values: list[float]) -> None:
    score = dict(zip(WHOLE, values, strict=True))
    cell = {frozenset(f for f in at if at[f]): name for name, at in WHOLE.items()}
    gains = {name: [] for name in NAMES}  # type: dict[str, list[float]]
    for order in permutations(NAMES):
        for i, name in enumerate(order):
            before = frozenset(order[:i])
            gains[name].append(score[cell[before | {name}]] - score[cell[before]])
    found = attribute(WHOLE, {c: {0: y, 1: y} for c, y in score.items()}).shapley
    expected = {name: float(np.mean(gain)) for name, gain in gains.items()}
    assert by_name(found) == pytest.approx(expected, abs=1e-12)


def test_averaged_effects_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=8)
    signs = np.array([[2 * at[f] - 1 for f in NAMES] for at in WHOLE.values()])
    pairs = np.column_stack([signs[:, a] * signs[:, b] for a, b in ((0, 1), (0, 2), (1, 2))])
    design = np.column_stack([np.ones(8), signs, pairs])
    slopes = np.linalg.lstsq(design, y, rcond=None)[0][1:]
    found = attribute(WHOLE, {c: {0: v, 1: v} for c, v in zip(WHOLE, y, strict=True)}).averaged
    assert [one.mean for one in found] == pytest.approx([*(2 * slopes[:3]), *(4 * slopes[3:])])


def test_intervals_are_t_over_seeds() -> None:
    rng = np.random.default_rng(1)
    scores = {c: dict(enumerate(rng.normal(size=5))) for c in WHOLE}
    for one in (lambda a: (*a.averaged, *a.at_base, *a.shapley))(attribute(WHOLE, scores)):
        expected = t_interval(one.by_seed)
        assert (one.mean, one.low, one.high) == (expected.mean, expected.low, expected.high)
        assert one.simultaneous_low < one.low


def test_a_fraction_names_aliases() -> None:
    assert all(aliases(WHOLE, (name,)) == () for name in NAMES)
    found = attribute(HALF, planted(HALF, se=0.1))
    assert found.shapley == found.at_base == ()
    assert {one.name: one.mixed_with for one in found.averaged} == {
        "se": ("-atrous:residual",), "atrous": ("-se:residual",), "residual": ("-se:atrous",),
    }  # fmt: skip
    assert by_name(found.averaged) == pytest.approx({"se": 0.1, "atrous": 0.0, "residual": 0.0})
    mixed = attribute(HALF, planted(HALF, atrous__residual=0.4)).averaged
    assert by_name(mixed)["se"] == pytest.approx(-0.2)  # half of it, with the sign of the alias


def test_seeds_missing_in_a_cell_are_left_out_and_listed() -> None:
    scores = planted(WHOLE, se=0.1)
    del scores["se"][1]
    scores["base"][2] = float("nan")
    found = attribute(WHOLE, scores)
    assert (found.seeds, found.left_out) == ((0,), (1, 2))
    assert np.isnan(found.averaged[0].low)


def test_with_a_missing_cell_there_are_no_estimates() -> None:
    scores = planted(WHOLE, se=0.1)
    del scores["se+atrous"]
    found = attribute(WHOLE, scores)
    assert found.missing == ("se+atrous",)
    assert found.averaged == found.shapley == ()


def test_longer_lists_are_compared_with_their_first_value() -> None:
    levels = {f"{c}{'+se' * se}": {"channels": c, "se": se} for c in range(3) for se in (0, 1)}
    scores = {cell: {s: s + (0.0, 0.3, 0.5)[at["channels"]] for s in range(3)}
              for cell, at in levels.items()}  # fmt: skip
    found = attribute(levels, scores, {"channels": ("channels_32", "channels_64", "channels_128")})
    means = by_name(found.averaged)
    assert means["channels_64"] == pytest.approx(0.3)
    assert means["channels_128"] == pytest.approx(0.5)
    assert means["channels_128:se"] == pytest.approx(0.0)
    assert found.shapley == ()


def test_cells_that_do_not_make_a_design_are_refused() -> None:
    with pytest.raises(ValueError, match="same levels"):
        attribute({"a": {"x": 0}, "b": {"x": 0}}, {})
    with pytest.raises(ValueError, match="every factor"):
        attribute({"a": {"x": 0}, "b": {"y": 0}}, {})
