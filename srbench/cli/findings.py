"""Commands that show results: report, claims, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import Database, Json, answer, open_database, out, study_names
from srbench.study.files import study_name


def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY]…", help="Names of studies.", autocompletion=study_names),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder; each study gets a folder in it.")
    ] = Path("reports"),
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    db: Database = None,
) -> None:
    """Write the report of one or several studies: HTML, CSV, LaTeX, SVG and PDF.

    The page works offline, as a single file; several studies get a page that lists them. Without
    a name, every study of the database is reported.
    """
    with out.working("reading the database"):
        from srbench.report.terminal import summary
        from srbench.run import api

        there = api.stored_studies(open_database(db))
        names = [name if name in there else study_name(name) for name in studies or ()] or there
        found = [api.results(name, db=db) for name in dict.fromkeys(names)]
    for one in found:
        out.print(summary(one.results))
    with out.working("drawing the figures"):
        page = api.report(found, output)
    out.print("Report: ", end="")
    out.print(str(page), markup=False, style="bold", soft_wrap=True)
    if open_:
        _show(page)


def claims(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="Its name.", autocompletion=study_names)
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 unless every claim is supported.")
    ] = False,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Show the status of a study's claims (supported, refuted or not decided), and why."""
    from srbench.analysis.claims import claims_of
    from srbench.report.terminal import claims as claims_listed
    from srbench.run.stale import marked

    store = open_database(db)
    results = marked(store.reading.results(study_name(study), curves="judged"), store)
    found = claims_of(results)
    plain = [
        {"id": c.id, "says": c.says, "test": c.test, "status": c.result.status,
         "because": c.result.sentence}
        for c in found
    ]  # fmt: skip
    answer(as_json, plain, lambda: claims_listed(results))
    failed = check and any(claim.result.status != "supported" for claim in found)
    raise typer.Exit(int(failed))


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A study, or study:variant.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another study, or study:variant.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for a page and CSV tables.")
    ] = None,
    db: Database = None,
) -> None:
    """Compare two studies or two variants: which settings differ, and how much the scores do.

    Differences are of means over seeds. Runs of different numerics or protocols are not
    compared.
    """
    from srbench.report.compare_drawn import comparison_summary, write_comparison
    from srbench.run import api

    found = api.compare(first, second, db=db)
    out.print(comparison_summary(found))
    if output is not None:
        out.print(f"Page: {write_comparison(found, output)}", soft_wrap=True, markup=False)


def _show(page: Path) -> None:
    """Open a page in the browser, or print where it is."""
    import webbrowser

    file = page.resolve()
    if not webbrowser.open(file.as_uri()):
        out.print(
            f"No browser was found; open this file in one: {file}", soft_wrap=True, markup=False
        )
