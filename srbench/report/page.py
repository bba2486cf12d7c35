"""One study as one HTML page: everything inside, nothing fetched, nothing run that is not hashed.

Numbers are in the HTML; scripts only sort, filter, toggle and zoom. Data reach scripts as JSON
in inert script elements, and a content security policy names the hash of each script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import plotly
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from srbench.analysis.ranking import drawn_text
from srbench.analysis.results import Results
from srbench.core.table import Mark, Table
from srbench.report.colours import REST, colours
from srbench.report.figure_matplotlib import inline
from srbench.report.figure_plotly import plain
from srbench.report.section import Section

TEMPLATES = Path(__file__).parent / "template"
SCRIPTS = ("theme.js", "tables.js", "tiles.js", "figures.js", "pictures.js")
STYLES = ("page.css", "tiles.css")
MOST_ROWS = 200  # of a table that the page has whole; a longer one is paged
PAGE_ROWS = 50
Plotly = Literal["inline", "beside"]


def environment() -> Environment:
    """Templates with everything escaped and every mistake in a name an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["linked"] = linked
    made.filters["breakable"] = breakable
    made.filters["tight"] = tight
    made.filters["packed"] = packed
    made.globals |= {"most_rows": MOST_ROWS, "page_rows": PAGE_ROWS}
    return made


def packed(table: Table, row_head: int, page_rows: int) -> dict[str, Any]:
    """A table for the script that shows it page by page: a cell is a text, a mark word and reason.

    Rows as HTML would take ten times the room.
    """
    return {
        "head": row_head,
        "page": page_rows,
        "kinds": ["long" if column.long else column.kind for column in table.columns],
        "rows": [
            [
                [value.word, value.reason] if isinstance(value, Mark) else table.cell(value, column)
                for value, column in zip(row, table.columns, strict=True)
            ]
            for row in table.rows
        ],
    }


def linked(text: str) -> Markup:
    """Text with its http addresses as links, all of it escaped."""
    parts = re.split(r"(https?://[^\s<>\"']+[^\s<>\"'.,;)])", text)
    links = '<a href="{0}">{0}</a>'
    return Markup("").join(
        Markup(links).format(part) if i % 2 else escape(part) for i, part in enumerate(parts)
    )


def breakable(text: str) -> Markup:
    """Text that may break after an underscore or a plus, so that names wrap at their joints."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_+])(?=.)", text))


def tight(text: str) -> str:
    """Text in which a number stays on the line of its unit."""
    return re.sub(r"(?<=\d) (?=%|dB\b)", "\N{NO-BREAK SPACE}", text)


def page(
    results: Results,
    sections: Sequence[Section],
    drawings: Mapping[str, str],
    *,
    plotly_js: Plotly = "inline",
) -> str:
    """The HTML of one study; `drawings` are the static figures as SVG text, by name."""
    shown = [section for section in sections if section.heading]
    scripts = [Markup((TEMPLATES / name).read_text("utf-8")) for name in SCRIPTS]
    library = Markup(plotly_source()) if plotly_js == "inline" else None
    hashed = [*scripts, library] if library is not None else scripts
    templates, facts = environment(), results.facts
    common = {
        "facts": facts,
        "metric": facts.heading(),
        "colours": colours(results),
        "drawings": {name: Markup(inline(svg, name)) for name, svg in drawings.items()},
        "beside": library is None,
        "drawn": drawn_text(results),
    }
    bodies = {section.id: _body(section, templates, common) for section in shown}
    placed = "".join(bodies.values())
    figures = {
        name: plain(figure)
        for section in shown
        for name, figure in section.figures.items()
        if f'data-figure="{name}"' in placed
    }
    data: dict[str, Any] = {"figures-data": {"rest": REST, "drawn": figures}}
    for section in shown:
        data |= section.data
    return templates.get_template("page.html").render(
        facts=facts,
        sections=shown,
        bodies=bodies,
        data=data,
        style=style(),
        scripts=scripts,
        library=library,
        policy=policy(hashed, beside=plotly_js == "beside"),
    )


def _body(section: Section, templates: Environment, common: Mapping[str, Any]) -> Markup:
    """What stands below the heading of a section."""
    tables = {table.name: table for table in section.tables}
    template = templates.get_template(section.template)
    return Markup(template.render(section=section, tables=tables, **common, **section.shows))


def style() -> Markup:
    """The style sheets of a page."""
    return Markup("".join((TEMPLATES / name).read_text("utf-8") for name in STYLES))


def policy(scripts: list[Markup], *, beside: bool) -> str:
    """The content security policy: only these scripts, only local pictures, no network."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # strict-dynamic lets a hashed script load plotly.min.js from beside the page on request
    dynamic = " 'strict-dynamic'" if beside else ""
    return (
        f"default-src 'none'; script-src {hashes}{dynamic}; style-src 'unsafe-inline'; "
        "img-src 'self' file: data: blob:; base-uri 'none'; form-action 'none'"
    )


def plotly_source() -> str:
    """plotly.js as the plotly package carries it."""
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return path.read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
