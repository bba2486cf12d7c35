"""A space as plain values: what exists where, how many points it has, and what it takes for one."""

from __future__ import annotations

import json
from math import inf

import pytest

from srbench.analysis.space import Choices, Dimension, Integers, Needs, Numbers, Space

SKIP = Dimension("skip", Choices(("none", "bilinear", None)))
ATTENTION = Dimension("attention", Choices(("none", "se", "scse")))
REDUCTION = Dimension("attention.reduction", Integers(4, 16, 4), Needs("attention", ("se", "scse")))
BRANCHES = Dimension("attention.branches", Choices(("both", "one")), Needs("attention", ("scse",)))
LR = Dimension("train.optimizer.lr", Numbers(1e-4, 1e-2, log=True))


def test_what_lies_inside_a_part_exists_only_where_the_part_is_chosen() -> None:
    space = Space((ATTENTION, REDUCTION, BRANCHES))
    assert space.holds({"attention": "none"})
    assert space.holds({"attention": "se", "attention.reduction": 8})
    assert not space.holds({"attention": "none", "attention.reduction": 8})
    assert not space.holds({"attention": "scse", "attention.reduction": 8})


def test_the_size_of_a_space_is_the_number_of_its_points() -> None:
    space = Space((SKIP, ATTENTION, REDUCTION, BRANCHES))
    points = list(space.points())
    assert space.size == len(points) == 3 * (1 + 4 + 4 * 2)
    assert all(space.holds(point) for point in points)
    assert Space((SKIP, LR)).size == inf


@pytest.mark.parametrize("dimension", [SKIP, REDUCTION, Dimension("x", Numbers(0.1, 0.7, 0.2))])
def test_a_dimension_holds_its_grid_and_nothing_between(dimension: Dimension) -> None:
    assert all(dimension.holds(value) for value in dimension.grid() or ())
    assert not any(dimension.holds(odd) for odd in (5, 0.2, True, "other"))


def test_a_space_survives_json() -> None:
    space = Space((SKIP, ATTENTION, REDUCTION, BRANCHES, LR))
    assert Space.from_plain(json.loads(json.dumps(space.as_plain()))) == space
