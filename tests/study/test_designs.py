"""Designs: which variants a study trains, what they are called, what they cannot tell apart."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srbench.analysis.attribution import aliases, attribute
from srbench.core.errors import UserError
from srbench.study.designs import Design, design
from srbench.study.fractions import fraction

THREE = {
    "se": {"attention": "scse"},
    "atrous": {"unit.convolution": "atrous"},
    "residual": {"skip": "bilinear"},
}
FOUR = {**THREE, "wide": {"channels": 128}}


def cells(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one.name: dict(one.changes) for one in design(written).combinations}


def test_leave_one_out_starts_from_everything() -> None:
    found = design({"leave_one_out": THREE})
    assert [c.name for c in found.combinations] == ["full", "no_se", "no_atrous", "no_residual"]
    assert found.baseline == "full"
    assert dict(found.combinations[1].changes) == {"unit.convolution": "atrous", "skip": "bilinear"}


def test_add_one_starts_from_nothing_and_takes_lists_too() -> None:
    found = cells({"add_one": {"se": {"attention": "scse"}, "rates": [[1, 2, 1], [2, 4, 1]]}})
    assert found == {
        "base": {}, "se": {"attention": "scse"}, "rates_1-2-1": {"rates": [1, 2, 1]},
        "rates_2-4-1": {"rates": [2, 4, 1]},
    }  # fmt: skip


def test_a_factorial_is_every_combination() -> None:
    found = design({"factorial": THREE})
    assert [c.name for c in found.combinations] == [
        "base", "se", "atrous", "se+atrous", "residual", "se+residual", "atrous+residual",
        "se+atrous+residual",
    ]  # fmt: skip
    assert found.baseline == "base"
    assert cells({"factorial": {"channels": [32, 64], **THREE}})["channels_64+se"] == {
        "channels": 64, "attention": "scse",
    }  # fmt: skip


def test_zip_goes_in_step_and_list_is_as_written() -> None:
    assert cells({"zip": {"unit.rates": [[1], [2]], "channels": [32, 64]}}) == {
        "rates_1+channels_32": {"unit.rates": [1], "channels": 32},
        "rates_2+channels_64": {"unit.rates": [2], "channels": 64},
    }
    assert cells({"list": [{}, {"attention": {"scse": {"reduction": 8}}}]}) == {
        "base": {}, "attention_scse-reduction-8": {"attention": {"scse": {"reduction": 8}}},
    }  # fmt: skip


def test_factors_of_a_group_move_together() -> None:
    found = design({"factorial": THREE, "groups": {"context": ["se", "residual"]}})
    assert [c.name for c in found.combinations] == ["base", "context", "atrous", "context+atrous"]
    assert dict(found.combinations[1].changes) == {"attention": "scse", "skip": "bilinear"}


def test_a_broader_path_is_set_first() -> None:
    written = {"nodes": {"attention.nodes": 8}, "se": {"attention": "scse"}}
    assert list(cells({"factorial": written})["nodes+se"]) == ["attention", "attention.nodes"]


def test_two_paths_that_end_alike_keep_their_whole_names() -> None:
    written = {"add_one": {"entry.kernel": [3, 5], "exit.kernel": [3, 5]}}
    assert "entry.kernel_5" in cells(written)
    assert "exit.kernel_3" in cells(written)


def test_a_fraction_is_a_part_of_the_factorial_and_balanced() -> None:
    found = design({"fractional": FOUR})
    assert len(found.combinations) == 8
    assert found.baseline == found.combinations[0].name == "base"
    assert {c.name for c in found.combinations} <= cells({"factorial": FOUR}).keys()
    assert found.resolution == 4
    assert "wide = se:atrous:residual" in found.aliases
    assert "se:atrous = residual:wide" in found.aliases


@pytest.mark.parametrize(
    ("factors", "resolution", "runs"),  # Box, Hunter and Hunter, Statistics for Experimenters
    [(3, 3, 4), (4, 4, 8), (5, 3, 8), (5, 5, 16), (6, 3, 8), (6, 4, 16), (7, 3, 8), (7, 4, 16),
     (8, 4, 16), (8, 5, 64), (9, 3, 16), (9, 4, 32), (10, 5, 128)],
)  # fmt: skip
def test_fractions_are_as_small_as_the_tables_say(factors: int, resolution: int, runs: int) -> None:
    found = fraction([f"f{i}" for i in range(factors)], resolution)
    assert found is not None
    assert len(found.levels) == runs
    assert found.resolution >= resolution


@pytest.mark.parametrize(("factors", "erased"), [(3, 1), (4, 1), (5, 1), (5, 2), (6, 2), (7, 3)])
def test_a_fraction_aliases_no_more_pairs_than_pydoes_best(factors: int, erased: int) -> None:
    """fracfact_opt counts aliased pairs of terms; ours has as few of the lowest orders.

    pyDOE3 takes d = -a:b for no alias at all, hence off as 1 and on as -1.
    """
    from pyDOE3 import fracfact_aliasing, fracfact_opt

    _, _, theirs = fracfact_opt(factors, erased)
    resolutions = [fraction([f"f{i}" for i in range(factors)], r) for r in (3, 4, 5)]
    same = [f for f in resolutions if f and len(f.levels) == 2 ** (factors - erased)]
    assert min(list(fracfact_aliasing(1 - 2 * np.array(f.levels))[1]) for f in same) == list(theirs)


@given(st.integers(3, 8), st.sampled_from([3, 4, 5]))
@settings(max_examples=30, deadline=None)
def test_aliases_are_what_the_columns_say(factors: int, resolution: int) -> None:
    names = [f"f{i}" for i in range(factors)]
    found = fraction(names, resolution)
    if found is None:
        return
    assert found.levels[0] == (0,) * factors
    assert (np.array(found.levels).mean(axis=0) == 0.5).all()
    levels = {str(i): dict(zip(names, row, strict=True)) for i, row in enumerate(found.levels)}
    told = {line.split(" = ")[0]: set(line.split(" = ")[1:]) for line in found.aliases}
    for name in names:
        assert set(aliases(levels, [name])) == told.get(name, set())
    for pair in combinations(names, 2):
        if ":".join(pair) in told:
            assert set(aliases(levels, pair)) == told[":".join(pair)]


def test_a_design_leads_to_its_attribution() -> None:
    found: Design = design({"factorial": THREE})
    worth = {"attention": 0.1, "unit.convolution": -0.2, "skip": 0.8}
    scores = {one.name: {s: s + sum(worth[path] for path, _ in one.changes) for s in range(3)}
              for one in found.combinations}  # fmt: skip
    shares = {one.name: one.mean for one in attribute(found.levels(), scores).shapley}
    assert shares == pytest.approx({"se": 0.1, "atrous": -0.2, "residual": 0.8})


NAMES = st.text("abcdefgh_1", min_size=1, max_size=6)
FACTORS = st.dictionaries(NAMES, st.none() | st.integers(2, 3), min_size=3, max_size=5)


@given(FACTORS, st.sampled_from(["leave_one_out", "add_one", "factorial", "fractional"]))
@settings(deadline=None)
def test_names_never_collide_and_never_change(factors: dict[str, int | None], kind: str) -> None:
    written = {kind: {name: {f"path.{name}": 1} if levels is None else list(range(levels))
                      for name, levels in factors.items()}}  # fmt: skip
    try:
        found = design(written)
    except UserError:
        return  # refused, in words
    names = [one.name for one in found.combinations]
    assert len(set(names)) == len(names)
    assert found.baseline in names
    assert design(written) == found


@pytest.mark.parametrize(
    ("written", "place", "says"),
    [
        ({}, "design", "write one of leave_one_out"),
        ({"factorail": {}}, "design.factorail", "did you mean 'factorial'?"),
        ({"factorial": {}, "zip": {}}, "design", "one kind of design"),
        ({"factorial": {"a": 3}}, "design.factorial.a", "found 3"),
        ({"factorial": {"a": [3]}}, "design.factorial.a", "found [3]"),
        ({"factorial": {"a": [3, 3]}}, "design.factorial.a", "is in it twice"),
        ({"factorial": {"a+b": {"x": 1}}}, "design.factorial.a+b", "no name for a factor"),
        ({"factorial": {"a": {"x": 1}, "b": {"x": 2}}}, "design.factorial", "both change x"),
        ({"factorial": {"base": {"x": 1}}}, "design.factorial", "would be called 'base'"),
        ({"factorial": {f"x{i}": [1, 2] for i in range(10)}}, "design.factorial", "Try fractional"),
        ({"leave_one_out": {"x": [1, 2]}}, "design.leave_one_out.x", "on or off"),
        ({"fractional": {"a": {"x": 1}}}, "design.fractional", "three factors or more"),
        ({"fractional": {**THREE, "n": [1, 2, 3]}}, "design.fractional", "n has 3"),
        ({"fractional": THREE, "resolution": 5}, "design.resolution", "use factorial"),
        ({"fractional": THREE, "resolution": 9}, "design.resolution", "not 3, 4 or 5"),
        ({"factorial": THREE, "resolution": 3}, "design.resolution", "belongs to fractional"),
        ({"zip": {"a": [1], "b": [1, 2]}}, "design.zip", "a has 1, b has 2"),
        ({"zip": {"a": 1}}, "design.zip.a", "a list of values"),
        ({"list": [1]}, "design.list.0", "found 1"),
        ({"list": [{"a": 1}, {"a": 1}]}, "design.list", "two variants would be called 'a_1'"),
        ({"list": [{}], "groups": {}}, "design.groups", "do not go with list"),
        ({"factorial": THREE, "groups": {"g": ["se", "sea"]}}, "design.groups.g.1", "mean 'se'"),
        ({"factorial": THREE, "groups": {"g": ["se"]}}, "design.groups.g", "two factors or more"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(written: object, place: str, says: str) -> None:
    with pytest.raises(UserError) as problem:
        design(written)
    assert ".".join(map(str, problem.value.path)) == place
    assert says in problem.value.problem
