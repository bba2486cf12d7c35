"""The contribution of each factor of a design: an estimate per seed, then t over seeds.

Two codings answer different questions:

    averaged   effect coding (-1, 1): the effect of a factor averaged over the levels of all others.
               An interaction is the effect of a with b minus that without b, averaged likewise;
               textbooks print half of it.
    at_base    treatment coding (0, 1): the effect of a factor added alone to the base. An
               interaction is y(ab) - y(a) - y(b) + y(base).

Full factorials have both. A fraction has the first only, each estimate with its aliases. Shapley
shares (Shapley, 1953), a factor's gain averaged over every order of adding the factors, need a
full factorial. leave_one_out and add_one have single differences, which are not treated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial, fsum

import numpy as np
from numpy.typing import NDArray

from srbench.analysis.effects import CONFIDENCE, t_interval

Levels = Mapping[str, Mapping[str, int]]  # cell -> factor -> level; 0 is the first, or off
Scores = Mapping[str, Mapping[int, float]]  # cell -> seed -> value
Weights = Mapping[str, float]  # cell -> weight: one estimate is one weighted sum of cells
MOST_SHAPLEY = 10  # factors; the sums double with each


@dataclass(frozen=True)
class Contribution:
    """One estimate, in the metric's unit."""

    term: tuple[str, ...]  # ("se",), ("se", "atrous"); a level of a longer list as "channels_64"
    mean: float
    low: float  # 95 % t interval over seeds; NaN below two
    high: float
    simultaneous_low: float  # Bonferroni over the estimates of this list
    simultaneous_high: float
    by_seed: tuple[float, ...]
    mixed_with: tuple[str, ...] = ()  # fractions: "-atrous:residual"

    @property
    def name(self) -> str:
        """se, or se:atrous."""
        return ":".join(self.term)


@dataclass(frozen=True)
class Attribution:
    """The contributions of all factors of a design."""

    seeds: tuple[int, ...]  # those that every cell has finished
    left_out: tuple[int, ...]  # those missing in some cell
    averaged: tuple[Contribution, ...]
    at_base: tuple[Contribution, ...]
    shapley: tuple[Contribution, ...]
    missing: tuple[str, ...]  # cells without any score; then there are no estimates

    @property
    def whole(self) -> bool:
        """Whether the design has every combination of levels."""
        return bool(self.at_base)


def attribute(levels: Levels, scores: Scores, names: Mapping[str, Sequence[str]] | None = None,
              ) -> Attribution:  # fmt: skip
    """Main effects, two-way interactions and Shapley shares of a factorial or a fraction.

    `names` are the names of the levels of a factor with more than two.

    Raises:
        ValueError: the cells do not all have the same factors, or two cells are alike.
    """
    factors = _factors(levels)
    missing = tuple(cell for cell in levels if not _finite(scores.get(cell, {})))
    finished = [_finite(scores.get(cell, {})) for cell in levels]
    every = set().union(*finished) if finished else set()
    seeds = tuple(sorted(set.intersection(*finished))) if finished else ()
    left_out = tuple(sorted(every - set(seeds)))
    if not seeds:
        return Attribution((), left_out, (), (), (), missing)
    y = {s: {cell: float(scores[cell][s]) for cell in levels} for s in seeds}
    counts = {f: 1 + max(cell[f] for cell in levels.values()) for f in factors}
    whole = len(levels) == int(np.prod(list(counts.values())))
    labels = names or {}
    averaged = _estimates(_averaged(levels, counts, labels), y)
    if not whole:
        _two_levels(counts)
        return Attribution(seeds, left_out, _mixed(averaged, levels), (), (), missing)
    at_base = _estimates(_at_base(levels, counts, labels), y)
    shapley: tuple[Contribution, ...] = ()
    if set(counts.values()) == {2} and len(factors) <= MOST_SHAPLEY:
        shapley = _estimates({(f,): _shapley(f, factors, levels) for f in factors}, y)
    return Attribution(seeds, left_out, averaged, at_base, shapley, missing)


def aliases(levels: Levels, term: Sequence[str], highest: int = 3) -> tuple[str, ...]:
    """The aliases of a main effect or interaction in these cells, with their signs.

    Pairs are compared with pairs, main effects with terms of up to `highest` factors.
    """
    factors = _factors(levels)
    own = _column(levels, term)
    orders = range(1, highest + 1) if len(term) == 1 else [len(term)]
    found = []
    for order in orders:
        for other in combinations(factors, order):
            if set(other) != set(term):
                column = _column(levels, other)
                if np.array_equal(column, own) or np.array_equal(column, -own):
                    sign = "" if np.array_equal(column, own) else "-"
                    found.append(sign + ":".join(other))
    return tuple(found)


def _averaged(
    levels: Levels, counts: Mapping[str, int], labels: Mapping[str, Sequence[str]]
) -> dict[tuple[str, ...], Weights]:
    """Each level minus the first, and differences of differences, over all other factors."""

    def mean(chosen: Mapping[str, int]) -> Weights:
        cells = [c for c, at in levels.items() if all(at[f] == i for f, i in chosen.items())]
        return {cell: 1 / len(cells) for cell in cells}

    found = {}
    for factor, i in _steps(counts):
        found[_term({factor: i}, counts, labels)] = _sum(
            (1, mean({factor: i})), (-1, mean({factor: 0}))
        )
    for (a, i), (b, j) in _pairs(counts):
        corners = [(1, {a: i, b: j}), (-1, {a: i, b: 0}), (-1, {a: 0, b: j}), (1, {a: 0, b: 0})]
        parts = [(sign, mean(chosen)) for sign, chosen in corners]
        if all(weights for _, weights in parts):
            found[_term({a: i, b: j}, counts, labels)] = _sum(*parts)
    return found


def _at_base(
    levels: Levels, counts: Mapping[str, int], labels: Mapping[str, Sequence[str]]
) -> dict[tuple[str, ...], Weights]:
    cell_at = {tuple(at[f] for f in counts): cell for cell, at in levels.items()}

    def cell(chosen: Mapping[str, int]) -> str:
        return cell_at[tuple(chosen.get(f, 0) for f in counts)]

    found: dict[tuple[str, ...], Weights] = {}
    for factor, i in _steps(counts):
        found[_term({factor: i}, counts, labels)] = {cell({factor: i}): 1.0, cell({}): -1.0}
    for (a, i), (b, j) in _pairs(counts):
        found[_term({a: i, b: j}, counts, labels)] = {
            cell({a: i, b: j}): 1.0, cell({a: i}): -1.0, cell({b: j}): -1.0, cell({}): 1.0,
        }  # fmt: skip
    return found


def _shapley(factor: str, factors: Sequence[str], levels: Levels) -> Weights:
    """The weight of every cell in a factor's share: |S|! (k - |S| - 1)! / k! for each set S."""
    k = len(factors)
    found = {}
    for cell, at in levels.items():
        on = sum(at[f] for f in factors)
        if at[factor]:
            found[cell] = factorial(on - 1) * factorial(k - on) / factorial(k)
        else:
            found[cell] = -factorial(on) * factorial(k - on - 1) / factorial(k)
    return found


def _estimates(
    weights: Mapping[tuple[str, ...], Weights], y: Mapping[int, Mapping[str, float]]
) -> tuple[Contribution, ...]:
    found = []
    for term, cells in weights.items():
        by_seed = tuple(fsum(w * cell[c] for c, w in cells.items()) for cell in y.values())
        one = t_interval(by_seed)
        family = t_interval(by_seed, 1 - (1 - CONFIDENCE) / len(weights))
        found.append(
            Contribution(term, one.mean, one.low, one.high, family.low, family.high, by_seed)
        )
    return tuple(found)


def _mixed(found: Sequence[Contribution], levels: Levels) -> tuple[Contribution, ...]:
    """Estimates of a fraction with their aliases; of several aliases, the first."""
    first: list[Contribution] = []
    seen: set[frozenset[str]] = set()
    for one in found:
        if frozenset(one.term) not in seen:
            mixed = aliases(levels, one.term)
            seen |= {frozenset(other.removeprefix("-").split(":")) for other in mixed}
            first.append(replace(one, mixed_with=mixed))
    return tuple(first)


def _steps(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(factor, i) for factor, count in counts.items() for i in range(1, count)]


def _pairs(counts: Mapping[str, int]) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    return [(a, b) for a, b in combinations(_steps(counts), 2) if a[0] != b[0]]


def _term(
    chosen: Mapping[str, int], counts: Mapping[str, int], labels: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    return tuple(f if counts[f] == 2 else labels[f][i] if f in labels else f"{f}_{i}"
                 for f, i in chosen.items())  # fmt: skip


def _sum(*parts: tuple[int, Weights]) -> Weights:
    found: dict[str, float] = {}
    for sign, weights in parts:
        for cell, weight in weights.items():
            found[cell] = found.get(cell, 0.0) + sign * weight
    return found


def _factors(levels: Levels) -> tuple[str, ...]:
    if not levels:
        raise ValueError("a design without cells")
    factors = tuple(next(iter(levels.values())))
    rows = [tuple(at.get(f, -1) for f in factors) for at in levels.values()]
    if any(set(at) != set(factors) for at in levels.values()):
        raise ValueError("every cell must name every factor")
    if len(set(rows)) < len(rows):
        raise ValueError("two cells have the same levels")
    return factors


def _two_levels(counts: Mapping[str, int]) -> None:
    if set(counts.values()) != {2}:
        raise ValueError("cells are missing, and a factor has more than two levels")


def _column(levels: Levels, term: Sequence[str]) -> NDArray[np.int64]:
    columns = [[2 * at[f] - 1 for at in levels.values()] for f in term]
    product: NDArray[np.int64] = np.prod(np.asarray(columns, dtype=np.int64), axis=0)
    return product


def _finite(values: Mapping[int, float]) -> set[int]:
    return {seed for seed, value in values.items() if np.isfinite(value)}
