"""The first screen: question, answer, how sure, and the forest plot."""

from __future__ import annotations

from collections.abc import Iterator

from srbench.analysis.answer import answer, interpolation_note
from srbench.analysis.limits import facts_line, labels
from srbench.analysis.ranking import metric_title
from srbench.analysis.results import Results
from srbench.report.colours import colours
from srbench.report.figure import Axis, Figure, Guide, Line, Point
from srbench.report.forest import Forest, ForestRow, forest_of
from srbench.report.section import Section


def section(results: Results) -> Section:
    """The answer, with what qualifies it."""
    facts = results.facts
    return Section(
        "answer",
        "Answer",
        facts.question or facts.name,
        figures={"forest": forest_figure(results)},
        template="section_answer.html",
        shows={
            "answer": answer(results),
            "labels": labels(results),
            "note": interpolation_note(results),
            "facts_line": facts_line(results),
            "forest": forest_of(results),
        },
    )


def forest_figure(results: Results) -> Figure:
    """Effects with their intervals and verdicts; the controls stand below a line."""
    plot, hues = forest_of(results), colours(results)
    marks = [
        mark for y, row in enumerate(plot.rows) for mark in _marks(plot, row, y, hues[row.variant])
    ]
    guides = [Guide("x", 0.0)]
    if plot.reference and plot.low < plot.reference[2] < plot.high:
        guides.append(Guide("x", plot.reference[2], plot.reference[0], "dot"))
    first = next((y for y, row in enumerate(plot.rows) if row.control), None)
    if first is not None:
        guides.append(Guide("y", first - 0.5, pattern="dash"))
    names = tuple(
        (float(y), f"control {row.variant}" if row.control else row.variant)
        for y, row in enumerate(plot.rows)
    )
    beside = tuple(
        (row.verdict, f"{row.label}  ({row.interval})" if row.interval else row.label)
        for row in plot.rows
    )
    return Figure(
        Axis(
            "effect on " + metric_title(results.facts),
            limits=(plot.low, plot.high),
            ticks=tuple((tick.at, tick.label) for tick in plot.ticks),
        ),
        Axis(limits=(len(plot.rows) - 0.4, -0.6), ticks=names),
        tuple(marks),
        tuple(guides),
        (-plot.band, plot.band) if plot.band else None,
        beside,
        0.9 + 0.28 * len(plot.rows),
    )


def _marks(plot: Forest, row: ForestRow, y: int, hue: str) -> Iterator[Line | Point]:
    """Both intervals and the mark of the verdict; an arrow where it lies outside the frame."""
    effect = row.effect
    if effect is None:
        yield Point(0.0, y, hue, row.variant, "diamond", row.variant, 5)
    if effect is None or not effect.seeds:
        return
    if effect.low == effect.low:
        both = [effect.simultaneous.low, effect.simultaneous.high]
        yield Line(both, [y, y], hue, "interval", row.variant, width=1.5)
        yield Line([effect.low, effect.high], [y, y], hue, "interval", row.variant, width=5)
    side = plot.outside(effect.mean)
    x = plot.low if side == "left" else plot.high if side else effect.mean
    says = f"{row.variant}: {row.verdict}, {row.label} ({row.interval})"
    yield Point(x, y, hue, row.variant, side or row.shape, says, 4 if row.shape == "dot" else 6.5)
