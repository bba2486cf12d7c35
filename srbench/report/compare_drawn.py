"""A comparison as a page and on the terminal, in the voice of the report."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from srbench.analysis.compare import StudyComparison
from srbench.analysis.compare_shown import outcomes_shown, sentence, settings_shown
from srbench.core.csv_text import encoded
from srbench.core.files import write_derived
from srbench.core.rich_table import rich_table
from srbench.core.table import Table
from srbench.report.page import TEMPLATES, environment, policy, style

SCRIPTS = ("theme.js", "tables.js")


def comparison_page(comparison: StudyComparison) -> str:
    """The HTML of a comparison; it stands alone."""
    scripts = [Markup((TEMPLATES / name).read_text("utf-8")) for name in SCRIPTS]
    return environment().get_template("compare.html").render(
        title=f"{comparison.a.name} and {comparison.b.name}",
        comparison=comparison,
        sentence=sentence(comparison),
        settings=settings_shown(comparison),
        primary=outcomes_shown(comparison, primary=True),
        secondary=outcomes_shown(comparison, primary=False),
        style=style(),
        scripts=scripts,
        policy=policy(scripts, beside=False),
    )  # fmt: skip


def write_comparison(comparison: StudyComparison, folder: Path) -> Path:
    """Write page and CSV tables into a folder; the page."""
    tables = [settings_shown(comparison)]
    tables += [outcomes_shown(comparison, primary=one) for one in (True, False)]
    for table in tables:
        write_derived(folder / f"{table.name}.csv", encoded(table.csv()))
    page = folder / "index.html"
    write_derived(page, comparison_page(comparison).encode())
    return page


def comparison_summary(comparison: StudyComparison) -> RenderableType:
    """What `srbench compare` prints."""
    parts: list[RenderableType] = [
        Text(f"{comparison.a.name} and {comparison.b.name}", style="bold"),
        Text(sentence(comparison)),
    ]
    settings = settings_shown(comparison)
    if settings.rows:
        parts.append(Padding(rich_table(settings, [0, 1, 2]), (1, 0, 0, 0)))
    else:
        parts.append(Text("No setting differs."))
    primary = outcomes_shown(comparison, primary=True)
    if primary.rows:
        keep = _without(primary, ("all_low", "all_high"))
        parts.append(Padding(rich_table(primary, keep), (1, 0, 0, 0)))
    return Group(*parts)


def _without(table: Table, keys: tuple[str, ...]) -> list[int]:
    return [i for i, column in enumerate(table.columns) if column.key not in keys]
