"""One study as one HTML page: everything inside, nothing fetched, nothing run that is not hashed.

Numbers are in the HTML; scripts only sort, filter, toggle and zoom. Data reach scripts as JSON
in inert script elements, and a content security policy names the hash of each script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Literal

import plotly
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from srbench.analysis import headings
from srbench.analysis.answer import answer, yardstick_note
from srbench.analysis.curves import curve_names, curve_title
from srbench.analysis.dead_parameters import unreached_said, unreached_shown
from srbench.analysis.latency import latency_said, latency_shown
from srbench.analysis.limits import cannot_tell, facts_line
from srbench.analysis.metric_names import metric_name
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import trained
from srbench.analysis.warnings import labels
from srbench.report import figures_interactive as interactive
from srbench.report import figures_static as static
from srbench.report.attribution import attribution_section
from srbench.report.colours import REST, colours
from srbench.report.forest import forest_of
from srbench.report.matrix import matrix_section
from srbench.report.pareto import known_costs, pareto_section
from srbench.report.pareto_interactive import quality_cost_plain
from srbench.report.pareto_static import quality_cost_figure
from srbench.report.parts import judged_parts, judged_tables
from srbench.report.pictures import Scene, crops
from srbench.report.reproduce import origin
from srbench.report.search import search_section
from srbench.report.search_static import search_figures
from srbench.report.table_costs import cost_shown
from srbench.report.table_images import images_shown
from srbench.report.table_runs import failures_shown, run_shown
from srbench.report.table_scores import score_shown
from srbench.report.where_it_helps import where_section

TEMPLATES = Path(__file__).parent / "template"
SCRIPTS = ("theme.js", "tables.js", "tiles.js", "figures.js", "pictures.js")
STYLES = ("page.css", "tiles.css")
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
    return made


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
    drawings: dict[str, str],
    found: tuple[Scene, ...],
    *,
    plotly_js: Plotly = "inline",
) -> str:
    """The HTML of one study; `drawings` are the static figures as SVG text, by name."""
    facts = results.facts
    scripts = [Markup((TEMPLATES / name).read_text("utf-8")) for name in SCRIPTS]
    library = Markup(plotly_source()) if plotly_js == "inline" else None
    hashed = [*scripts, library] if library is not None else scripts
    names = curve_names(results)
    names = [name for name in names if f"curves-{_key(name, names)}" in drawings]
    costs = [cost for cost in known_costs(results) if f"cost-{cost}" in drawings]
    inlined = {name: Markup(static.inline(svg, name)) for name, svg in drawings.items()}
    return environment().get_template("page.html").render(
        facts=facts,
        answer=answer(results),
        labels=labels(results),
        note=yardstick_note(results),
        facts_line=facts_line(results),
        forest=forest_of(results),
        metric=metric_name(facts.metric),
        decimals=effect_decimals(results),
        colours=colours(results),
        variants=trained(results),
        tables={
            **judged_tables(results),
            "scores": score_shown(results),
            "images": images_shown(results),
            "costs": cost_shown(results),
            "latency": latency_shown(results),
            "unreached": unreached_shown(results),
            "failures": failures_shown(results),
            "runs": run_shown(results),
        },
        curves=[(f"curves-{_key(n, names)}", curve_title(n)) for n in names],
        attribution=attribution_section(results),
        pareto=pareto_section(results),
        search=search_section(results),
        where=where_section(results),
        matrix=matrix_section(results),
        latency_said=latency_said(results),
        unreached_said=unreached_said(results),
        drawings=inlined,
        figures={"rest": REST, "drawn": _figures(results, names, costs)},
        crops=crops(results, found),
        scenes=[_plain_scene(scene, results) for scene in found],
        scene_count=len(found),
        limits=cannot_tell(results),
        origin=origin(results),
        **judged_parts(results),
        headings=headings,
        results=results,
        style=Markup("".join((TEMPLATES / name).read_text("utf-8") for name in STYLES)),
        scripts=scripts,
        library=library,
        policy=policy(hashed, beside=plotly_js == "beside"),
    )  # fmt: skip


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


def draw_all(results: Results) -> dict[str, tuple[str, bytes]]:
    """Every static figure of a study: name -> (SVG text, PDF bytes)."""
    out = {"forest": static.draw(lambda: static.forest_figure(results))}
    names = curve_names(results)
    for name in names:
        key = f"curves-{_key(name, names)}"
        out[key] = static.draw(lambda name=name: static.curves_figure(results, name))  # type: ignore[misc]
    for cost in known_costs(results):
        out[f"cost-{cost}"] = static.draw(
            lambda cost=cost: quality_cost_figure(results, cost)  # type: ignore[misc]
        )
    for name, make in search_figures(results).items():
        out[name] = static.draw(lambda make=make: make(results))  # type: ignore[misc]
    return out


def _key(name: str, names: list[str]) -> str:
    """A curve's name as part of a file name and an id."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
    return safe if [n for n in names if n.lower() == name.lower()] == [name] else f"{safe}-x"


def _figures(results: Results, names: list[str], costs: list[str]) -> dict[str, Any]:
    out = {f"curves-{_key(n, names)}": interactive.curves_plain(results, n) for n in names}
    for cost in costs:
        out[f"cost-{cost}"] = quality_cost_plain(results, cost)
    return out


def _plain_scene(scene: Scene, results: Results) -> dict[str, Any]:
    return {
        "image": scene.image,
        "width": scene.width,
        "height": scene.height,
        "seed": scene.seed,
        "panels": [
            {"name": p.name, "kind": p.kind, "path": p.path, "says": p.says} for p in scene.panels
        ],
    }


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
