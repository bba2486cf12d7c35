"""Whether training had converged, variant by variant, and whether the ranking was stable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from srbench.analysis.curves import band, curve_names, read_curve, thinned
from srbench.analysis.metric_names import VALIDATE
from srbench.analysis.plateaus import SETTLED, Plateau, plateau, settled_at
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import by_variant
from srbench.core.numbers import plural, with_unit

ABOVE_FLAT = "validate/psnr_above_flat"
MOST_POINTS = 60  # at which the ranking is looked at


@dataclass(frozen=True)
class Ranking:
    """When the order of the variants on validate became, nearly, the last one."""

    axis: str  # epoch | step
    last: float  # the last point of the axis
    settled_from: float | None  # None: only at the last point
    variants: int


def tolerance(results: Results) -> float:
    """What a curve may still change: half of `min_effect`, or 0.05 dB (0.001 without a unit)."""
    facts = results.facts
    return facts.min_effect / 2 if facts.min_effect else 0.05 if facts.unit == "dB" else 0.001


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
        for variant, seeds in _finished(results).items()
    }
    return {
        variant: (sum(x < 0 for x in last), len(last)) for variant, last in ends.items() if last
    }


@lru_cache(maxsize=8)
def plateaus(results: Results) -> dict[str, Plateau]:
    """variant -> how its mean curve on `validate` ended; empty without such a curve."""
    _, _, means = _means(results)
    return {name: plateau(y, tolerance(results)) for name, y in means.items()}


@lru_cache(maxsize=8)
def ranking_settled(results: Results) -> Ranking | None:
    """The variants' order over training; None below 3 variants or 3 points."""
    axis, x, means = _means(results)
    if len(means) < 3 or len(x) < 3:
        return None
    keep = thinned(len(x), MOST_POINTS)
    curves = np.stack([y[keep] for y in means.values()])
    if not np.isfinite(curves[:, -1]).any():
        return None
    at, place = x[keep], settled_at(curves)
    settled_from = None if place is None else float(at[place])
    return Ranking(axis, float(at[-1]), settled_from, len(means))


@lru_cache(maxsize=8)
def _means(results: Results) -> tuple[str, np.ndarray, dict[str, np.ndarray]]:
    """Axis, positions, and variant -> mean over its finished seeds, NaN where it has no point."""
    name = validation_curve(results)
    if name is None:
        return "", np.empty(0), {}
    curve = read_curve(results, name)
    found = {v: curve.over_seeds(v, seeds) for v, seeds in _finished(results).items()}
    lines = {v: (x, band(values).mean) for v, (x, values) in found.items() if len(values)}
    if not lines:
        return curve.axis, np.empty(0), {}
    axis = np.unique(np.concatenate([x for x, _ in lines.values()]))
    out = {}
    for v, (x, mean) in lines.items():
        out[v] = np.full(len(axis), np.nan)
        out[v][np.searchsorted(axis, x)] = mean
    return curve.axis, axis, out


def _finished(results: Results) -> dict[str, list[int]]:
    """The seeds of each variant whose runs have finished."""
    return {
        variant: [cell.seed for cell in planned if cell.state == "done"]
        for variant, planned in by_variant(results).items()
    }


def moving(results: Results) -> list[str]:
    """The variants whose curve was still changing."""
    return [name for name, end in plateaus(results).items() if end.state == "changing"]


def converged(results: Results) -> str:
    """yes, no with a count, not shown with a count, or not known."""
    variants, changing, shown = _counts(results)
    if not variants:
        return "not known"
    if changing:
        return f"no: {changing} of {variants} variants still changing"
    return "yes, on validate" if shown == variants else f"shown for {shown} of {variants}"


def convergence_heading(results: Results) -> str:
    """Whether training had converged."""
    variants, changing, shown = _counts(results)
    if not variants:
        return "Whether training had converged is not known"
    if shown == variants:
        return "The validation curves of all variants had converged"
    if changing == variants:
        return "No variant had converged when training ended"
    if changing:
        return f"{changing} of {plural(variants, 'variant')} had not converged"
    return f"Convergence is shown for {shown} of {plural(variants, 'variant')}"


def _counts(results: Results) -> tuple[int, int, int]:
    """Variants, those still changing, those that had converged; 0 if all curves are too short."""
    found = [end.state for end in plateaus(results).values()]
    known = len(found) if set(found) - {"too short"} else 0
    return known, found.count("changing"), found.count("converged")


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
