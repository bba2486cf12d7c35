"""Whether training had converged, variant by variant, and whether the ranking was stable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from srbench.analysis.curves import band, curve_names, read_curve, thinned
from srbench.analysis.metric_names import VALIDATE
from srbench.analysis.plateaus import (
    SETTLED,
    State,
    measured,
    plateaus_of_runs,
    plateaus_of_variants,
    settled_at,
)
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import finished
from srbench.analysis.significance import Floats
from srbench.core.numbers import plural, with_unit

ABOVE_FLAT = "validate/psnr_above_flat"
STATES: tuple[State, ...] = ("still moving", "converged", "not known")
MOST_POINTS = 60  # at which the ranking is looked at


@dataclass(frozen=True)
class Plateau:
    """How the curves of one variant ended: what is still to come, and its 95 % interval."""

    state: State
    change: float  # NaN where the curves are too short
    low: float
    high: float
    points: int  # of the longest curve


@dataclass(frozen=True)
class Ranking:
    """When the order of the variants on validate became, nearly, the last one."""

    axis: str  # epoch | step
    last: float  # the last point of the axis
    settled_from: float | None  # None: only at the last point
    variants: int


def tolerance(results: Results) -> float:
    """The gain still to come that counts as none: `min_effect`, or 0.05 dB (0.001 without a unit).

    What is below `min_effect` is no effect by the study's own definition. A smaller tolerance, such
    as half of it, would call nearly every curve of ten validations unknown.
    """
    facts = results.facts
    return facts.min_effect or (0.05 if facts.unit == "dB" else 0.001)


def tolerance_text(results: Results) -> str:
    """The tolerance with its unit."""
    return with_unit(f"{tolerance(results):g}", results.facts.unit)


def validation_curve(results: Results) -> str | None:
    """The curve of the primary metric on `validate`, where there is one."""
    name = f"{VALIDATE}{results.facts.metric}"
    return name if name in curve_names(results) else None


def collapsed(results: Results) -> dict[str, tuple[int, int]]:
    """variant -> finished runs whose last validation was worth less than one flat colour, of all.

    Empty where the study does not score psnr_above_flat.
    """
    if ABOVE_FLAT not in curve_names(results):
        return {}
    lines = read_curve(results, ABOVE_FLAT).lines
    ends = {
        variant: [float(lines[variant, seed][1][-1]) for seed in seeds if (variant, seed) in lines]
        for variant, seeds in finished(results).items()
    }
    return {
        variant: (sum(x < 0 for x in last), len(last)) for variant, last in ends.items() if last
    }


@lru_cache(maxsize=8)
def plateaus(results: Results) -> dict[str, Plateau]:
    """variant -> how its curves on `validate` ended; variants without such a curve are left out."""
    curves = _curves(results)
    found = plateaus_of_variants(measured(list(curves.values())), tolerance(results))
    points = {name: max((len(y) for y in mine), default=0) for name, mine in curves.items()}
    ends = (x.tolist() for x in (found.state, found.change, found.low, found.high))
    return {
        name: Plateau(state, change, low, high, points[name])
        for name, state, change, low, high in zip(curves, *ends, strict=True)
        if points[name]
    }


@lru_cache(maxsize=8)
def states_of_runs(results: Results) -> dict[str, list[State]]:
    """variant -> how the curve of each finished run ended; "not known" where it has none."""
    curves = _curves(results)
    found = plateaus_of_runs(measured(list(curves.values())), tolerance(results)).state
    return {name: found[v, : len(mine)].tolist() for v, (name, mine) in enumerate(curves.items())}


def _curves(results: Results) -> dict[str, list[Floats]]:
    """variant -> the curve on `validate` of each finished run; an empty one where it has none."""
    name = validation_curve(results)
    lines = read_curve(results, name).lines if name else {}
    none = np.empty(0)
    return {
        variant: [lines.get((variant, seed), (none, none))[1] for seed in seeds]
        for variant, seeds in finished(results).items()
    }


@lru_cache(maxsize=8)
def ranking_settled(results: Results) -> Ranking | None:
    """The variants' order over training; None below 3 variants or 3 points."""
    name = validation_curve(results)
    if name is None:
        return None
    curve = read_curve(results, name)
    found = {v: curve.over_seeds(v, seeds) for v, seeds in finished(results).items()}
    means = {v: pd.Series(band(values).mean, x) for v, (x, values) in found.items() if len(x)}
    if len(means) < 3:
        return None
    every = pd.DataFrame(means).sort_index()  # (points, variants)
    chosen = every.iloc[thinned(len(every), MOST_POINTS)]
    if len(every) < 3 or not chosen.iloc[-1].notna().any():
        return None
    place = settled_at(chosen.to_numpy().T)
    settled_from = None if place is None else float(chosen.index[place])
    return Ranking(curve.axis, float(chosen.index[-1]), settled_from, len(means))


def moving(results: Results) -> list[str]:
    """The variants whose curve was still moving."""
    return [name for name, end in plateaus(results).items() if end.state == "still moving"]


def converged(results: Results) -> str:
    """yes, no with a count, shown with a count, or not known."""
    found = _counts(results)
    still, shown, unknown = (found[state] for state in STATES)
    if unknown == found.total():
        return "not known"
    if shown == found.total():
        return "yes, on validate"
    open_ = f", {unknown} not known" if unknown else ""
    if still:
        return f"no: {still} of {found.total()} variants still moving{open_}"
    return f"shown for {shown} of {found.total()}{open_}"


def convergence_heading(results: Results) -> str:
    """Whether training had converged."""
    found = _counts(results)
    still, shown, unknown = (found[state] for state in STATES)
    if unknown == found.total():
        return "Whether training had converged is not known"
    if shown == found.total():
        return "The validation curves of all variants had converged"
    if still == found.total():
        return "No variant had converged when training ended"
    of = plural(found.total(), "variant")
    if not still:
        return f"Convergence is shown for {shown} of {of}"
    open_ = f"; of {unknown} it is not known" if unknown else ""
    return f"{still} of {of} had not converged{open_}"


def _counts(results: Results) -> Counter[State]:
    """How many variants that have a curve ended in which state."""
    return Counter(end.state for end in plateaus(results).values())


def ranking_text(results: Results) -> str:
    """Whether the order had settled before the end; "" where it is unknown."""
    known = ranking_settled(results)
    if known is None:
        return ""
    of = f"of {plural(known.variants, 'variant')} by {results.facts.heading()} on validate"
    if known.settled_from is None:
        return (
            f"The order {of} was still changing: Kendall's rank correlation with the last "
            f"{known.axis} ({known.last:g}) stayed below {SETTLED} until the end."
        )
    return (
        f"The order {of} was the last one, nearly (Kendall's rank correlation {SETTLED} or more), "
        f"from {known.axis} {known.settled_from:g} of {known.last:g} on."
    )
