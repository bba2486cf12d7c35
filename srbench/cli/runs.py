"""Commands that train, or show what would be trained: run, plan, reproduce."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from srbench.cli.latency import take_if_missing
from srbench.cli.options import (
    Database,
    Device,
    Files,
    Json,
    MemoryOrder,
    On,
    Only,
    Parts,
    Precision,
    Seeds,
    Set,
    StudyFile,
    Workers,
    answer,
    note,
    open_database,
    out,
    use_parts,
)
from srbench.core.command_line import as_typed, command
from srbench.core.errors import DeviceError, UserError
from srbench.study.files import study_file

if TYPE_CHECKING:
    from srbench.report.summary import Summary
    from srbench.run.request import Request


def run(
    study: StudyFile,
    db: Database = None,
    device: Device = "auto",
    workers: Workers = None,
    seeds: Seeds = None,
    only: Only = None,
    set_: Set = None,
    parts: Parts = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Retrain every run as a new attempt.")
    ] = False,
    rerun: Annotated[
        Literal["stale"] | None,
        typer.Option(help="stale: retrain runs whose source code has changed since."),
    ] = None,
    checkpoint_s: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds between checkpoints of a run. [dim](default: 30, with --on 300)[/dim]",
        ),
    ] = None,
    precision: Precision = "auto",
    memory_order: MemoryOrder = "auto",
    on: On = None,
    latency: Annotated[
        bool, typer.Option("--latency", help="Time the networks as well, after training.")
    ] = False,
    files: Files = None,
) -> None:
    """Train and score every run of a study that is not done yet.

    The same command again resumes what was stopped (Ctrl-C, a kill, a power cut), retries runs
    that failed by accident, and does nothing once every run is done.
    """
    from srbench.core.numbers import plural
    from srbench.run import shortcut
    from srbench.run.request import Request

    if latency and on is not None:
        raise DeviceError(
            "times are taken on this machine, and the runs are elsewhere; "
            "srbench latency does it on a node",
            place="--latency",
        )
    request = Request(
        study_file(study), db, device, workers, seeds, tuple(only or ()), tuple(set_ or ()),
        fresh, checkpoint_s, precision, memory_order, rerun == "stale", on, tuple(parts or ()),
        files=files,
    )  # fmt: skip
    before = None if latency else shortcut.printed(request)
    if before is not None:
        _print_end(before, request)
        return
    from srbench.run.session import run as run_study  # late: SQLAlchemy takes half a second

    store, ended = run_study(request, out)
    again = as_typed(["srbench", *(word for word in sys.argv[1:] if word != "--fresh")])
    if ended.signal is not None:
        left = sum(n for state, n in ended.states.items() if state in ("queued", "interrupted"))
        verb = "is" if left == 1 else "are"
        out.command(f"Stopped and saved; {plural(left, 'run')} {verb} left. Go on with:", again)
        raise typer.Exit(ended.exit_code)
    untimed: UserError | None = None
    if latency:
        try:
            take_if_missing(store, ended.plan, request)
        except UserError as problem:
            untimed = problem  # the summary of what was trained comes first
    shown = _summary(store, ended.plan)
    store.close()
    shortcut.remember_printed(request, ended.complete, shown)
    _print_end(shown, request)
    for process, count in ended.elsewhere.items():
        who = f"{plural(count, 'run')} not done yet: trained by {process}."
        out.print(who, markup=False, soft_wrap=True)
    if untimed is not None:
        raise untimed
    raise typer.Exit(ended.exit_code)


def plan(
    study: StudyFile,
    db: Database = None,
    device: Device = "auto",
    workers: Workers = None,
    seeds: Seeds = None,
    only: Only = None,
    set_: Set = None,
    parts: Parts = None,
    precision: Precision = "auto",
    memory_order: MemoryOrder = "auto",
    on: On = None,
    as_json: Json = False,
) -> None:
    """Show what a study would run: shapes, costs, dead parameters, time. Trains nothing.

    It reports every mistake that can be found without training: settings, shapes, missing images.
    """
    from srbench.cli.planned import as_plain, table
    from srbench.run import api

    found = api.plan(
        study, db=db, device=device, workers=workers, set=set_ or (), seeds=seeds, only=only or (),
        parts=parts or (), precision=precision, memory_order=memory_order, on=on, say=note,
    )  # fmt: skip
    answer(as_json, as_plain(found), lambda: table(found))


def reproduce(
    number: Annotated[int, typer.Argument(metavar="[N]", min=1, help="How many runs.")] = 1,
    db: Database = None,
    device: Device = "auto",
    workers: Workers = None,
    chosen_by: Annotated[
        int | None, typer.Option("--seed", help="Seed of the draw. [dim](default: random)[/dim]")
    ] = None,
    parts: Parts = None,
    as_json: Json = False,
) -> None:
    """Retrain N finished runs, drawn at random, and compare every number with the database.

    Weights, every point of every curve and every score must be equal to the last bit. The
    database is only read. Exit code 1 if a run differs or fails, or if none can be compared.
    """
    from random import SystemRandom

    from rich.console import Group
    from rich.text import Text

    from srbench.core.numbers import plural
    from srbench.core.rich_table import table_of
    from srbench.run.reproduce import reproduce as make_again

    use_parts(parts)
    store = open_database(db)
    drawn_by = SystemRandom().randrange(10**6) if chosen_by is None else chosen_by
    again = make_again(
        store, number, chosen_by=drawn_by, device=device, workers=workers, say=note
    )  # fmt: skip
    plain = [one.as_plain() for one in again]
    headings = ("run", "study", "variant", "seed", "outcome", "detail")
    rows = [[one[heading] for heading in headings] for one in plain]
    same = sum(one.outcome == "identical" for one in again)
    line = f"{same} of {len(again)} identical to the last bit; drawn by --seed {drawn_by}."
    if all(one.outcome == "changed" for one in again):
        line = (
            f"Nothing was compared: {plural(len(again), 'run')} drawn by --seed {drawn_by} could "
            "not be trained here as before."
        )
    answer(as_json, plain, lambda: Group(table_of(headings, rows, outcome="outcome"), Text(line)))
    found = {one.outcome for one in again}
    raise typer.Exit(int(bool(found & {"different", "failed"}) or found == {"changed"}))


def _summary(store: Any, plan: int) -> Summary:
    from srbench.report.terminal import summary
    from srbench.run.stale import marked

    return summary(marked(store.reading.results(plan, curves="judged"), store))


def _print_end(shown: Summary, request: Request) -> None:
    out.print()
    out.print(shown)
    out.command("The whole report:", command("report", request.study.stem, ["--open"], request.db))
