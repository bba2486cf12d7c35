"""The files of a report: the page, CSV and LaTeX tables, SVG and PDF figures, pictures.

Each file is written whole or not at all, and the page last, so that all it refers to exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from srbench.analysis.answer import answer, warnings
from srbench.analysis.limits import facts_line
from srbench.analysis.results import Results
from srbench.core.csv_text import encoded
from srbench.core.errors import InputError
from srbench.core.files import write_derived
from srbench.report.figure_matplotlib import draw_all
from srbench.report.page import Plotly, environment, page, plotly_source, style
from srbench.report.pictures import copy_pictures, scenes
from srbench.report.section import figures_of
from srbench.report.sections import sections_of


def write_report(results: Sequence[Results], folder: Path, *, plotly: Plotly = "inline") -> Path:
    """Write one study into `folder`, several into folders below it with a page that lists them."""
    if not results:
        raise InputError("there is no study to report: nothing has been planned yet")
    if len(results) == 1:
        return _write_one(results[0], folder, plotly)
    places: list[str] = []
    for result in results:
        place = _free(folder_name(result.facts.name), places)
        places.append(place)
        _write_one(result, folder / place, plotly)
    rows = [
        {
            "name": r.facts.name, "question": r.facts.question, "warnings": warnings(r),
            "answer": answer(r), "place": place, "facts": facts_line(r),
        }
        for r, place in zip(results, places, strict=True)
    ]  # fmt: skip
    html = environment().get_template("list.html").render(rows=rows, style=style())
    return _put(folder / "index.html", html)


def folder_name(study: str) -> str:
    """A study's name as the name of a folder: nothing that leads elsewhere, no other study's.

    A name that has to change gets a piece of its own digest: `x=1` is not `x_1`.
    """
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in study).strip(". ")
    safe = f"_{safe[1:]}" if safe.startswith("-") else safe
    if safe == study:
        return study
    return f"{safe or 'study'}-{sha256(study.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _write_one(results: Results, folder: Path, plotly: Plotly) -> Path:
    sections = sections_of(results)
    for table in (table for section in sections for table in section.tables):
        write_derived(folder / f"{table.name}.csv", encoded(table.csv()))
        _put(folder / f"{table.name}.tex", table.latex())
    drawings = draw_all(figures_of(sections))
    for name, (svg, pdf) in drawings.items():
        _put(folder / "figures" / f"{name}.svg", svg)
        write_derived(folder / "figures" / f"{name}.pdf", pdf)
    copy_pictures(scenes(results), folder)
    if plotly == "beside":
        _put(folder / "plotly.min.js", plotly_source())
    svgs = {name: svg for name, (svg, _) in drawings.items()}
    return _put(folder / "index.html", page(results, sections, svgs, plotly_js=plotly))


def _put(path: Path, content: str) -> Path:
    write_derived(path, content.encode())
    return path


def _free(name: str, taken: Sequence[str]) -> str:
    count = sum(1 for other in taken if other.lower() == name.lower())
    return f"{name}-{count + 1}" if count else name
