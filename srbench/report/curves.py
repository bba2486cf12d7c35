"""Curves over training, and whether they had converged."""

from __future__ import annotations

from srbench.analysis.convergence import (
    convergence_heading,
    plateaus,
    ranking_said,
    tolerance_said,
)
from srbench.analysis.curves import curve_names, curve_title
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import trained
from srbench.core.numbers import justified_decimals
from srbench.core.table import Column, Mark, Table, Value
from srbench.report import figures_interactive as interactive
from srbench.report import figures_static as static
from srbench.report.section import Section


def section(results: Results) -> Section:
    """Every stored curve, and what each variant's would still change."""
    names = {file_name(name, curve_names(results)): name for name in curve_names(results)}
    return Section(
        "curves",
        "Curves",
        convergence_heading(results),
        (convergence_shown(results),),
        {key: lambda n=n: static.curves_figure(results, n) for key, n in names.items()},  # type: ignore[misc]
        {key: lambda n=n: interactive.curves_plain(results, n) for key, n in names.items()},  # type: ignore[misc]
        "section_curves.html",
        {
            "curves": [(key, curve_title(name, results.facts)) for key, name in names.items()],
            "variants": trained(results),
            "known": bool(plateaus(results)),
            "ranking": ranking_said(results),
            "tolerance": tolerance_said(results),
        },
    )


def file_name(name: str, names: list[str]) -> str:
    """A curve's name as part of a file name and an id."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
    alike = [n for n in names if n.lower() == name.lower()]
    return f"curves-{safe}" if alike == [name] else f"curves-{safe}-x"


def convergence_shown(results: Results) -> Table:
    """One row a variant: what its curve would change over another third of training."""
    found, unit = plateaus(results), results.facts.unit
    suffix = f"_{unit.lower()}" if unit else ""
    d = justified_decimals([(end.high - end.low) / 2 for end in found.values()], unit)
    rows: list[tuple[Value, ...]] = []
    for name in trained(results):
        end = found.get(name)
        if end is None:
            rows.append((name, Mark("no curve", "no finished run has this curve"), *[Mark("")] * 4))
            continue
        short = Mark("too short", f"{end.points} points in the last third; 10 are needed")
        known = [x if x == x else short for x in (end.change, end.low, end.high)]
        rows.append((name, end.state, *known, end.points))
    columns = (
        Column("variant", "variant"),
        Column("state", "state"),
        Column(f"change{suffix}", "would change by", unit, "difference", d),
        Column(f"low{suffix}", "95 % from", unit, "difference", d),
        Column(f"high{suffix}", "95 % to", unit, "difference", d),
        Column("points", "points in the last third", kind="count"),
    )
    caption = (
        "Change over another third of training at the pace of the last third, "
        f"{results.facts.heading()} on validate; converged: within "
        f"±{tolerance_said(results)}"
    )
    return Table("convergence", caption, columns, tuple(rows))
