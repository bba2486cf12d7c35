"""Commands about the database itself: list, show, sql, import, merge, dashboard, doctor."""

from __future__ import annotations

import json
import math
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from srbench.cli.options import Database, Files, Json, answer, err, open_database, out, study_names
from srbench.core.errors import InputError
from srbench.core.places import database_file
from srbench.study.files import is_study_file, study_name


def list_(
    study: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY]", help="Its name.", autocompletion=study_names),
    ] = None,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """List the studies of the database, or the runs of one: their numbers, states and scores."""
    from srbench.core.rich_table import table_of

    store = open_database(db)
    if study is None:
        keys: Sequence[str] = ("study", "runs", "done", "failed", "newest", "question")
        found = store.reading.studies()[list(keys)].copy()
        found["newest"] = found["newest"].str[:16]
        rows: Sequence[Sequence[Any]] = found.astype(object).values.tolist()
        headings = list(keys)
    else:
        from srbench.analysis.run_matrix import cells

        results = store.reading.results(study_name(study), curves="none")
        keys = ("run", "variant", "seed", "state", "score", "train_seconds")
        rows = [
            (c.run_id, c.variant, c.seed, c.reason or c.state, _rounded(c.score, 4),
             _rounded(c.train_seconds, 1))
            for c in cells(results)
        ]  # fmt: skip
        score = f"{results.facts.heading()} on {results.facts.dataset}"
        headings = ["run", "variant", "seed", "state", score, "training, s"]
    plain = [dict(zip(keys, row, strict=True)) for row in rows]
    answer(as_json, plain, lambda: table_of(headings, rows, outcome="state"))


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="N or STUDY:VARIANT, whose first finished seed is shown."
        ),
    ],
    curve: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Curve to draw: loss, lr, … [dim](default: validate/psnr_y)[/dim]"
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Every setting, version, image and score as well.")
    ] = False,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Show one run: state, mean scores and a curve; --all has settings and versions as well."""
    from srbench.cli.curve import curve_drawn
    from srbench.cli.listing import run_shown, run_whole
    from srbench.store.named_run import check_named, run_number

    check_named(run)
    store = open_database(db)
    run_id = run_number(store, run, "")
    found = store.runs.show(run_id)
    if as_json:
        print(json.dumps(found, indent=1, default=str))
        return
    drawn = curve_drawn(store.runs.points(run_id), curve)
    if whole:
        out.print(run_whole(found), markup=False, soft_wrap=True)
    else:
        out.print(run_shown(found))
    out.print(drawn, markup=False, end="", soft_wrap=True)


def sql(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", help="A SELECT, of v_runs, v_scores or v_curves for example."
        ),
    ],
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Query the database in SQL, read-only; prints a table, or CSV into a pipe.

    Rows that are wider than the terminal are printed as records, one line for each column.

    srbench sql "select variant, seed, avg(value) from v_scores where metric='psnr_y' group by 1, 2"
    """
    from srbench.core.csv_text import line
    from srbench.core.rich_table import fitting
    from srbench.store.sql import ask

    columns, rows = ask(open_database(db), query)
    if as_json:
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str))
    elif out.is_terminal:
        out.print(fitting(out, columns, rows))
    else:
        sys.stdout.write("".join(map(line, (columns, *rows))))


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table (.yaml), or curves (.csv).")
    ],
    study: Annotated[str, typer.Option(help="The study that the figures are compared with.")],
    source: Annotated[
        str | None,
        typer.Option(
            help="Who published them, where, when. [dim](default: as the table says)[/dim]"
        ),
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="The quantity of curves, if a heading holds two underscores.")
    ] = None,
    db: Database = None,
) -> None:
    """Import published figures, to be compared with a study. They never enter its statistics.

    They may come before the study is run, or after; claims about published(...) need them.

    A table is YAML (source: …, figures: {variant: {psnr_y: {Set5: 37.76 dB}, params: 1592 k}}).
    Curves are CSV, one column a variant (loss_standard, loss_wide), one row an epoch.
    """
    from srbench.analysis.published import read
    from srbench.core.numbers import plural
    from srbench.store import open_store

    found = read(file, source=source, quantity=quantity)
    store = open_database(db) if not is_study_file(study) else open_store(db)
    if is_study_file(study):  # it need not have been run; a name alone may be misspelt
        store.published.expect_study(study_name(study))
    written = store.published.write(study_name(study), found)
    variants = len({figure.variant for figure in found.figures})
    message = f"{plural(written, 'figure')} of {plural(variants, 'variant')}, from: {found.source}"
    out.print(message, markup=False, soft_wrap=True)


def merge(
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The other database: a path or a URL, as --db.")
    ],
    db: Database = None,
    files: Files = None,
) -> None:
    """Merge another database into this one, which may be new, with the files of its runs.

    What both hold is stored once; a run that is queued here and done there is done. If two results
    of one run differ, both are stored, and this database's counts.
    """
    from srbench.core.numbers import plural
    from srbench.store import open_store
    from srbench.store.merge import merge as merge_into

    file = database_file(other)
    with closing(open_store(db, create=file is None or file.is_file(), files=files)) as store:
        found = merge_into(store, other)
    out.print(
        f"{plural(found.new, 'new run')}, {found.finished} queued here and done there, "
        f"{found.same} in both; {plural(found.plans, 'new plan')}, "
        f"{plural(found.scores, 'new score')}, {plural(found.files, 'file')} copied.",
        soft_wrap=True,
    )  # fmt: skip
    if found.apart:
        message = (
            f"{plural(found.apart, 'run')} of the same settings and seed with another result: "
        )
        out.print(
            f"{message}this database's count, the others are attempts below 1.", soft_wrap=True
        )
    if found.missing:
        message = f"{plural(len(found.missing), 'file')} missing there, or damaged: "
        err.print(message + ", ".join(found.missing[:5]), markup=False, soft_wrap=True)


def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1.")] = 8080,
    db: Database = None,
) -> None:
    """Serve optuna-dashboard: every run is a trial, with curves, scores and pictures.

    It reads a file of its own, which is brought up to the database first.
    """
    from srbench.run.api import stored_studies
    from srbench.run.mirror import folder_of, refresh
    from srbench.run.optuna_file import serve

    store = open_database(db)
    names = stored_studies(store)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise InputError(f"{error.strerror}; name another", place=f"--port {port}") from None
    with folder_of(store) as folder:
        with out.status("bringing Optuna's file up to date"):
            for name in names:
                refresh(store, name, folder=folder)
        out.print(f"optuna-dashboard on [bold]http://127.0.0.1:{port}/[/bold]; Ctrl-C ends it")
        serve(folder, port)


def doctor(db: Database = None, as_json: Json = False) -> None:
    """Check this machine and database: versions, devices, datasets, integrity, leases."""
    from srbench.cli.checkup import checkup
    from srbench.core.rich_table import table_of

    checks = checkup(db)
    headings = ("state", "checked", "found")
    rows = [("ok" if check.ok else "look", check.what, check.found) for check in checks]
    plain = [vars(check) for check in checks]
    answer(as_json, plain, lambda: table_of(headings, rows, outcome="state"))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
