"""The geometry of the forest plot: rows, limits and ticks in data units, for page and paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import percent, timings
from srbench.analysis.ranking import best_first, effect_decimals, in_figures, why_missing
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    Cell,
    best_interpolation,
    by_variant,
    number,
    of_variants,
    scores_by_seed,
)
from srbench.core.numbers import MINUS, shown

Shape = Literal["up", "down", "square", "ring", "dot"]
SHAPES: dict[str, Shape] = {
    "helps": "up", "hurts": "down", "equivalent": "square", "identical": "square",
    "unresolved": "ring",
}  # fmt: skip
"""The form of a verdict's mark, so that colour is never the only difference."""


def shape_of(word: str) -> Shape:
    """The mark of a verdict; a plain dot where there is none."""
    return SHAPES.get(word, "dot")


@dataclass(frozen=True)
class ForestRow:
    """One line of the plot; the baseline is a row at zero without an interval."""

    variant: str
    effect: Judged | None  # None for the baseline
    verdict: str  # in words
    shape: Shape
    label: str  # "+3.21", or a word such as "failed"
    interval: str  # "3.18 to 3.25"
    reason: str  # why there is no number, or why it uses fewer seeds than planned
    parameters: str  # change against the baseline, "+2.0 %"
    macs: str  # change against the baseline
    latency: str = ""  # change against the baseline; a word where it is not resolved
    control: bool = False


@dataclass(frozen=True)
class Tick:
    """A labelled place on the axis."""

    at: float
    label: str
    minor: bool  # goes without its label where room is scarce


@dataclass(frozen=True)
class Forest:
    """The whole plot."""

    rows: tuple[ForestRow, ...]  # the controls come last
    low: float
    high: float
    ticks: tuple[Tick, ...]
    band: float | None  # +-min_effect
    reference: tuple[str, float, float] | None  # interpolation, its score, its distance from zero
    repeated: bool  # intervals are repeated ones: seeds were added until decided
    timed: bool = False  # some variant has a latency

    def place(self, value: float) -> float:
        """Percent of the width, 0 to 100."""
        return 100 * (value - self.low) / (self.high - self.low)

    def outside(self, value: float) -> Literal["", "left", "right"]:
        """Beyond which edge of the frame a value lies."""
        return "left" if value < self.low else "right" if value > self.high else ""


def forest_of(results: Results) -> Forest:
    """Rows sorted by effect with the baseline at its place among them, then the controls."""
    facts, found = results.facts, judgement(results)
    effects = in_figures(results)
    rows = [_row(effect, results) for effect in effects]
    above = sum(1 for e in effects if e.seeds and e.mean > 0)
    known = sum(1 for e in effects if e.seeds)
    place = above if facts.better == "higher" else known - above
    rows.insert(place, ForestRow(facts.baseline, None, "baseline", "dot", "0", "", "", "", ""))
    controls = best_first(found.controls, results)
    rows += [replace(_row(effect, results), control=True) for effect in controls]
    low, high = _limits(effects or controls, facts.min_effect)
    reference = _reference(results)
    if reference and low - 0.35 * (high - low) < reference[2] < high + 0.35 * (high - low):
        low, high = min(low, reference[2]), max(high, reference[2])
    pad = 0.04 * (high - low)
    low, high = low - pad, high + pad
    sequential = found.sequential
    return Forest(
        tuple(rows),
        low,
        high,
        axis_ticks(low, high),
        facts.min_effect or None,
        reference,
        sequential,
        bool(timings(results, "latency")),
    )


def _row(effect: Judged, results: Results) -> ForestRow:
    planned: list[Cell] = by_variant(results)[effect.variant]
    word = effect.verdict_word
    if not effect.seeds:
        mark = why_missing(planned)
        return ForestRow(effect.variant, effect, word, "dot", mark.word, "", mark.reason, "", "")
    d, base = effect_decimals(results), results.facts.baseline
    parameters, macs = (
        _change(number(costs.get(effect.variant)), number(costs.get(base)))
        for costs in (of_variants(results, column) for column in ("parameters", "macs_720p"))
    )
    interval = "1 seed" if effect.seeds < 2 else "no look yet" if effect.low != effect.low else ""
    return ForestRow(
        variant=effect.variant,
        effect=effect,
        verdict=word,
        shape=shape_of(word),
        label=shown(effect.mean, d, signed=True),
        interval=interval or f"{shown(effect.low, d)} to {shown(effect.high, d)}",
        reason=effect.incomplete,
        parameters=parameters,
        macs=macs,
        latency=_latency(effect.variant, results),
    )


def _latency(variant: str, results: Results) -> str:
    found = {timing.variant: timing for timing in timings(results, "latency")}.get(variant)
    if found is None:
        return ""
    if found.word in ("slower", "faster"):
        return _change(found.ratio.value, 1.0)
    if found.word == "same network":
        return _change(1.0, 1.0)
    within = "\u00b1" + percent(found.taken.control).replace("\u00a0", NARROW)
    return within if found.word == "same" else found.word


def _change(value: float, base: float) -> str:
    ratio = value / base - 1 if base else float("nan")
    if math.isnan(ratio):
        return ""
    if value == base:
        return f"\u00b10{NARROW}%"
    places = 1 if abs(ratio) < 0.095 else 0
    return f"{100 * ratio:+.{places}f}{NARROW}%".replace("-", MINUS)


NARROW = "\N{NARROW NO-BREAK SPACE}"


def _limits(effects: Sequence[Judged], band: float | None) -> tuple[float, float]:
    points = [0.0]
    if band:
        points += [-band, band]
    for effect in effects:
        points += [x for x in (effect.mean, effect.low, effect.high) if math.isfinite(x)]
    low, high = min(points), max(points)
    span = high - low or 1.0
    wide = [x for e in effects for x in (e.simultaneous.low, e.simultaneous.high) if x == x]
    # a simultaneous interval of few seeds may dwarf the rest: it is cut at the frame, with arrows
    low = max(min([low, *wide]), low - span)
    high = min(max([high, *wide]), high + span)
    return (low, high) if high > low else (-1.0, 1.0)


def axis_ticks(low: float, high: float, most: int = 6) -> tuple[Tick, ...]:
    """At most so many steps of 1, 2 or 5 times a power of ten, counted from zero."""
    raw = (high - low) / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    found = range(math.ceil(low / step), math.floor(high / step) + 1)
    return tuple(
        Tick(
            round(i * step, 10),
            "0" if i == 0 else shown(i * step, places, signed=True),
            minor=i % 2 == 1 and len(found) > 3,
        )
        for i in found
    )


def _reference(results: Results) -> tuple[str, float, float] | None:
    found = best_interpolation(results)
    base = scores_by_seed(results).get(results.facts.baseline, {})
    if found is None or not base:
        return None
    return found[0], found[1], found[1] - sum(base.values()) / len(base)
