"""Curves over training, and whether they had converged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from srbench.analysis.convergence import (
    convergence_heading,
    plateaus,
    ranking_text,
    tolerance_text,
)
from srbench.analysis.curves import Curve, band, curve_names, curve_title, read_curve, thinned
from srbench.analysis.plateaus import LEAST_POINTS
from srbench.analysis.published_comparison import published_curves
from srbench.analysis.ranking import drawn_names
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import by_variant, trained
from srbench.core.numbers import justified_decimals
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.colours import REST, colours, dashes
from srbench.report.figure import Axis, Band, Figure, Line
from srbench.report.section import Section

MOST_POINTS, FEWEST_POINTS = 300, 40  # of one line
ALL_POINTS = 60_000  # of one figure, single seeds included


def section(results: Results) -> Section:
    """Every stored curve, and what each variant's would still change."""
    names = {file_name(name, curve_names(results)): name for name in curve_names(results)}
    return Section(
        "curves",
        "Curves",
        convergence_heading(results),
        (convergence_shown(results),),
        {key: curves_figure(results, name) for key, name in names.items()},
        "section_curves.html",
        {
            "curves": [(key, curve_title(name, results.facts)) for key, name in names.items()],
            "variants": drawn_names(results),
            "known": bool(plateaus(results)),
            "ranking": ranking_text(results),
            "tolerance": tolerance_text(results),
        },
    )


def curves_figure(results: Results, name: str) -> Figure:
    """One stored curve: mean and band over seeds, single seeds, runs that did not finish."""
    hues, curve, rows = colours(results), read_curve(results, name), by_variant(results)
    names = set(drawn_names(results))
    lines = sum(1 for variant, _ in curve.lines if variant in names)
    most = max(FEWEST_POINTS, min(MOST_POINTS, ALL_POINTS // max(lines, 1)))
    marks: list[Line | Band] = []
    for variant in sorted(drawn_names(results), key=lambda v: hues[v] != REST):  # grey lines first
        done = [cell.seed for cell in rows[variant] if cell.state == "done"]
        marks += _mean(results, curve, variant, done, most)
        for cell in rows[variant]:
            if cell.state != "done" and cell.run_id is not None:
                message = f"{variant}, seed {cell.seed}, not finished"
                marks += _single(curve, variant, cell.seed, most, Line(
                    (), (), hues[variant], "broken", variant, message, pattern="dot"))  # fmt: skip
        few = max(FEWEST_POINTS, most // max(len(done), 1)) if lines > 200 else most
        for seed in done:
            line = Line((), (), hues[variant], "seed", variant, seed=seed)
            marks += _single(curve, variant, seed, few, line)
    for (source, variant), (epochs, values) in published_curves(results, name).items():
        if variant not in names:
            continue
        keep = thinned(len(epochs), most)
        label = f"{variant}, published" if hues[variant] != REST else ""
        message = f"{variant}, published by {source}"
        marks.append(
            Line(np.array(epochs)[keep], np.array(values)[keep], hues[variant], "published",
                 variant, message, label, pattern="dash", marked=True)
        )  # fmt: skip
    loss = "loss" in name
    y = Axis(curve_title(name, results.facts), log=loss, late=not loss)
    return Figure(Axis(curve.axis), y, tuple(marks))


def _mean(
    results: Results, curve: Curve, variant: str, seeds: list[int], most: int
) -> Iterator[Line | Band]:
    """Mean and band of one variant; nothing without a finished run."""
    x, values = curve.over_seeds(variant, seeds)
    if not len(values):
        return
    hue, keep, found = colours(results)[variant], thinned(len(x), most), band(values)
    if found.kind != "none":
        yield Band(x[keep], found.low[keep], found.high[keep], hue, variant)
    width = 3 if variant == results.facts.baseline else 1 if hue == REST else 2
    pattern, label = dashes(results)[variant], variant if hue != REST else ""
    yield Line(x[keep], found.mean[keep], hue, "mean", variant, variant, label, width, pattern)


def _single(curve: Curve, variant: str, seed: int, most: int, line: Line) -> Iterator[Line]:
    """The line of one seed, where it has the curve."""
    if (variant, seed) in curve.lines:
        x, y = curve.lines[variant, seed]
        keep = thinned(len(x), most)
        yield replace(line, x=x[keep], y=y[keep])


def file_name(name: str, names: list[str]) -> str:
    """A curve's name as part of a file name and an id."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
    alike = [n for n in names if n.lower() == name.lower()]
    return f"curves-{safe}" if alike == [name] else f"curves-{safe}-x"


def convergence_shown(results: Results) -> Table:
    """One row a variant: what its curve would still change in another third of training."""
    found, unit = plateaus(results), results.facts.unit
    d = justified_decimals([(end.high - end.low) / 2 for end in found.values()], unit)
    rows: list[tuple[Value, ...]] = []
    for name in trained(results):
        end = found.get(name)
        if end is None:
            rows.append((name, Mark("no curve", "no finished run has this curve"), *[Mark("")] * 4))
            continue
        short = Mark("too short", f"{end.points} validations; {LEAST_POINTS} are needed")
        known = [x if x == x else short for x in (end.change, end.low, end.high)]
        rows.append((name, end.state, *known, end.points))
    columns = (
        Column("variant", "variant"),
        Column("state", "state"),
        in_unit("change", "would change by", unit, d),
        *limits(unit, d),
        Column("validations", "validations", kind="count"),
    )
    caption = (
        "Change still to come in another third of training, extrapolated from the gains so far, "
        f"{results.facts.heading()} on validate; converged: within ±{tolerance_text(results)}"
    )
    return Table("convergence", caption, columns, tuple(rows))
