"""In what condition the evidence is: converged or not, synthetic, stale, few seeds.

A label must stand wherever the numbers it concerns are quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

from srbench.report.cells import cells, scores_by_seed, text, trained, yardstick
from srbench.report.curves import curve_names, read_curve
from srbench.report.numbers import LOWER_IS_BETTER, metric_name, plural, shown, with_unit
from srbench.results import Results
from srbench.stats.curves import Rest, band, rest


@dataclass(frozen=True)
class Label:
    """A word that qualifies every number of the page, and the sentence that explains it."""

    word: str
    says: str


def labels(results: Results) -> tuple[Label, ...]:
    """The labels that apply to this study, gravest first."""
    out: list[Label] = []
    if _mentions(results, "synthetic"):
        out.append(Label("synthetic", "these numbers come from made-up data, not from photographs"))
    if _mentions(results, "random weights") or results.facts.steps == 0:
        out.append(Label("random weights", "the networks were scored without training"))
    found = resting(results)
    moving = [name for name, at in found.items() if at.moving]
    if moving:
        size = next(iter(found.values())).tolerance
        name, unit = metric_name(results.facts.metric), results.facts.unit
        least = with_unit(shown(size, 3 if size < 0.1 else 2).rstrip("0"), unit)
        out.append(
            Label(
                "unconverged",
                f"{len(moving)} of {plural(len(found), 'variant')} still changed by more than "
                f"{least} in {name} on validate over the last fifth of training",
            )
        )
    elif (below := _below_interpolation(results)) is not None:
        out.append(Label("unconverged", f"no variant has reached {below}, which needs no training"))
    stale = sum(cell.stale for cell in cells(results))
    if stale:
        out.append(
            Label("stale", f"{plural(stale, 'run')} used source code that has since changed")
        )
    return tuple(out)


def resting(results: Results) -> dict[str, Rest]:
    """variant -> whether its mean curve on `validate` has come to rest; empty without curves.

    The tolerance is half of `min_effect`, or 0.05 dB (0.001 for a metric without a unit).
    """
    facts = results.facts
    name = validation_curve(results)
    if name is None:
        return {}
    tolerance = 0.05 if facts.unit == "dB" else 0.001
    tolerance = facts.min_effect / 2 if facts.min_effect else tolerance
    done = {(c.variant, c.seed) for c in cells(results) if c.state == "done"}
    out, curve = {}, read_curve(results, name)
    for variant in trained(results):
        seeds = sorted(seed for v, seed in done if v == variant)
        _, values = curve.over_seeds(variant, seeds)
        at = rest(band(values).mean if len(values) else [], tolerance)
        if at.known:
            out[variant] = at
    return out


def validation_curve(results: Results) -> str | None:
    """The curve of the primary metric on `validate`, where there is one."""
    wanted = [n for n in curve_names(results) if "val" in n and results.facts.metric in n]
    return wanted[0] if wanted else None


def _below_interpolation(results: Results) -> str | None:
    """The interpolation that every trained variant still scores worse than, if there is one."""
    known = yardstick(results)
    means = [sum(s.values()) / len(s) for s in scores_by_seed(results).values() if s]
    if known is None or not means:
        return None
    name, level = known
    lower = results.facts.metric in LOWER_IS_BETTER
    worse = min(means) > level if lower else max(means) < level
    return f"{name} interpolation" if worse else None


def _mentions(results: Results, word: str) -> bool:
    """Whether a dataset is named so, or a note of the study opens with the word."""
    facts = results.facts
    if any(note.lower().startswith(word) for note in facts.notes):
        return True
    places = [facts.dataset, str(facts.data), *(text(name) for name in results.datasets["name"])]
    return any(word in place.lower() for place in places)
