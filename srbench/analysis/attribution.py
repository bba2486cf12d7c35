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
from functools import lru_cache
from itertools import combinations
from math import factorial, fsum, prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from srbench.analysis.effects import CONFIDENCE, t_interval
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import scores_by_seed
from srbench.analysis.significance import Floats
from srbench.core.numbers import justified_decimals, listed, plural, shown, with_unit

Levels = Mapping[str, Mapping[str, int]]  # cell -> factor -> level; 0 is the first, or off
Scores = Mapping[str, Mapping[int, float]]  # cell -> seed -> value
Names = Mapping[str, Sequence[str]]  # factor with more than two levels -> their names
Columns = Mapping[str, NDArray[np.int64]]  # factor -> level of every cell
Term = tuple[str, ...]  # ("se",), ("se", "atrous"); a level of a longer list as "channels_64"
MOST_SHAPLEY = 10  # factors; the sums double with each


@dataclass(frozen=True)
class Contribution:
    """One estimate, in the metric's unit."""

    term: Term
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
    missing: tuple[str, ...]  # cells without any score; then there are no estimates
    averaged: tuple[Contribution, ...] = ()
    at_base: tuple[Contribution, ...] = ()  # of a full factorial only, as Shapley shares are
    shapley: tuple[Contribution, ...] = ()


def attribute(levels: Levels, scores: Scores, names: Names | None = None) -> Attribution:
    """Main effects, two-way interactions and Shapley shares of a factorial or a fraction.

    Raises:
        ValueError: the cells do not all have the same factors, or two cells are alike.
    """
    at = _columns(levels)
    y = pd.DataFrame([scores.get(cell, {}) for cell in levels], index=list(levels), dtype=float)
    y = y.sort_index(axis=1)
    there = np.isfinite(y.to_numpy())  # (cells, seeds)
    every, some = there.all(axis=0), there.any(axis=0)
    seeds, left_out = (tuple(map(int, y.columns[which])) for which in (every, some & ~every))
    found = Attribution(seeds, left_out, tuple(y.index[~there.any(axis=1)]))
    if not seeds:
        return found
    values = y[list(seeds)].to_numpy()
    counts = {factor: 1 + int(column.max()) for factor, column in at.items()}
    is_binary = set(counts.values()) == {2}
    averaged = _estimates(_contrasts(at, counts, names or {}, {}), values)
    if len(levels) < prod(counts.values()):
        if not is_binary:
            raise ValueError("cells are missing, and a factor has more than two levels")
        return replace(found, averaged=_mixed(averaged, levels))
    at_base = _contrasts(at, counts, names or {}, dict.fromkeys(at, 0))
    shares = _shares(at) if is_binary and len(at) <= MOST_SHAPLEY else {}
    return replace(
        found,
        averaged=averaged,
        at_base=_estimates(at_base, values),
        shapley=_estimates(shares, values),
    )


def aliases(levels: Levels, term: Sequence[str]) -> tuple[str, ...]:
    """The aliases of a main effect or interaction in these cells, with their signs.

    Pairs are compared with pairs, main effects with terms of up to three factors.
    """
    signs = {factor: 2 * column - 1 for factor, column in _columns(levels).items()}
    own = np.prod([signs[factor] for factor in term], axis=0)
    orders = range(1, 4) if len(term) == 1 else [len(term)]
    found = []
    for other in (other for order in orders for other in combinations(signs, order)):
        if set(other) != set(term):
            product = own * np.prod([signs[factor] for factor in other], axis=0)
            if abs(product.sum()) == len(product):
                found.append(("" if product[0] > 0 else "-") + ":".join(other))
    return tuple(found)


def _contrasts(
    at: Columns, counts: Mapping[str, int], names: Names, base: Mapping[str, int]
) -> dict[Term, Floats]:
    """Each level minus the first, and differences of differences, as weights of the cells.

    Factors of `base` are held at that level; the estimates are averaged over all others.
    """

    def mean(*chosen: tuple[str, int]) -> Floats:
        wanted = dict(base) | dict(chosen)
        cells = np.all([at[factor] == i for factor, i in wanted.items()], axis=0)
        return np.asarray(cells / max(cells.sum(), 1), dtype=np.float64)

    def name(factor: str, i: int) -> str:
        if counts[factor] == 2:
            return factor
        return names[factor][i] if factor in names else f"{factor}_{i}"

    steps = [(factor, i) for factor, count in counts.items() for i in range(1, count)]
    found: dict[Term, Floats] = {}
    for step in steps:
        found[(name(*step),)] = mean(step) - mean((step[0], 0))
    for one, two in combinations(steps, 2):
        first, second = (one[0], 0), (two[0], 0)
        corners = [mean(one, two), mean(first, second), mean(one, second), mean(first, two)]
        if one[0] != two[0] and all(corner.any() for corner in corners):
            both, neither, left, right = corners
            found[name(*one), name(*two)] = both + neither - left - right
    return found


def _shares(at: Columns) -> dict[Term, Floats]:
    """The weight of every cell in each share: |S|! (k - |S| - 1)! / k! for each set S."""
    k, on = len(at), np.sum(list(at.values()), axis=0)
    return {
        (factor,): np.array([
            (1 if x else -1) * factorial(n - x) * factorial(k - 1 - n + x) / factorial(k)
            for n, x in zip(on.tolist(), column.tolist(), strict=True)
        ])
        for factor, column in at.items()
    }  # fmt: skip


def _estimates(weights: Mapping[Term, Floats], values: Floats) -> tuple[Contribution, ...]:
    """Weighted sums of the cells by seed, and their intervals over seeds."""
    found = []
    for term, weight in weights.items():
        by_seed = tuple(fsum(column) for column in (weight[:, None] * values).T)
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


def _columns(levels: Levels) -> Columns:
    """The level of every factor, by cell."""
    table = pd.DataFrame(list(levels.values()))
    if table.empty:
        raise ValueError("a design without cells")
    if table.isna().any(axis=None):
        raise ValueError("every cell must name every factor")
    if table.duplicated().any():
        raise ValueError("two cells have the same levels")
    return {str(factor): table[factor].to_numpy() for factor in table}


KINDS = ("factorial", "fractional")


@lru_cache(maxsize=8)
def attributed(results: Results) -> Attribution | None:
    """The estimates of a factorial or fractional design; None for every other study."""
    design = results.facts.design
    if not design or design.get("kind") not in KINDS or not design.get("levels"):
        return None
    planned = set(scores_by_seed(results))
    levels = {c: dict(at) for c, at in design["levels"].items() if c in planned}
    if len(levels) < len(design["levels"]):  # --only has left out cells
        return None
    factors = design.get("factors") or {}
    longer = {name: [str(x) for x in each] for name, each in factors.items() if len(each) > 2}
    try:
        return attribute(levels, scores_by_seed(results), longer)
    except ValueError:  # levels that are no design: written by hand into the database
        return None


def attribution_heading(results: Results) -> str:
    """The factor with the largest effect, and how many interactions exclude zero."""
    found = attributed(results)
    if found is None or not found.averaged:
        return "No factor can be estimated before runs have finished"
    parts = found.shapley or tuple(c for c in found.averaged if len(c.term) == 1)
    best = max(parts, key=lambda c: abs(c.mean))
    size = shown(best.mean, attribution_decimals(results), signed=True)
    message = f"{best.name} has the largest effect, {with_unit(size, results.facts.unit)}"
    pairs = [c for c in found.averaged if len(c.term) == 2]
    clear = sum(c.simultaneous_low > 0 or c.simultaneous_high < 0 for c in pairs)
    if not pairs:
        return message
    if not clear:
        return f"{message}; no interaction excludes zero"
    verb = "excludes" if clear == 1 else "exclude"
    return f"{message}; {clear} of {plural(len(pairs), 'interaction')} {verb} zero"


def attribution_decimals(results: Results) -> int:
    """Decimals that the intervals of the estimates justify."""
    found = attributed(results)
    rows = found.averaged if found else ()
    return justified_decimals([(c.high - c.low) / 2 for c in rows], results.facts.unit)


def attribution_notes(results: Results) -> list[str]:
    """What qualifies the estimates: aliases, seeds left out, cells without a score."""
    found, design = attributed(results), results.facts.design or {}
    if found is None:
        return []
    notes = []
    if found.missing:
        names = listed(found.missing[:5]) + (" and others" if len(found.missing) > 5 else "")
        notes.append(f"No estimate is possible while cells are empty: {names}.")
    elif not found.seeds:
        notes.append("No estimate is possible: no seed has finished in every cell.")
    elif len(found.seeds) < 2:
        notes.append("One seed gives no interval.")
    if found.seeds and found.left_out:
        count, them = len(found.left_out), "it" if len(found.left_out) == 1 else "them"
        notes.append(f"{plural(count, 'seed')} left out: some cell has no score for {them}.")
    if design.get("kind") == "fractional":
        size = f" of resolution {design['resolution']}" if design.get("resolution") else ""
        message = "; ".join(str(alias) for alias in design.get("aliases", ()))
        notes.append(
            f"A fraction{size}: each estimate also contains the effects it is aliased with"
            + (f" ({message})." if message else ".")
        )
    return notes
