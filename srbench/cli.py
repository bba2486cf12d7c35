"""The commands: they parse, print and choose exit codes; what is done is done elsewhere.

Exit codes: 0 done, 1 some runs failed, 2 a mistake in what was asked, 130 and 143 interrupted.
"""

from __future__ import annotations

import json
import shlex
import socket
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from srbench import __version__
from srbench.registry import StudyError, printable
from srbench.signals import ending
from srbench.terminal.console import PlainConsole

if TYPE_CHECKING:  # half a second that --help does without
    from srbench.store import Store

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = PlainConsole(highlight=False)
err = PlainConsole(stderr=True, highlight=False)
Misuse: type[Any] = typer.BadParameter.__bases__[0]
"""What typer raises for a command that it cannot make sense of."""


def _studies(incomplete: str) -> list[str]:
    return [str(p) for p in sorted(Path("ablations").glob("*.yaml"))]


def _names(incomplete: str) -> list[str]:
    return [p.stem for p in sorted(Path("ablations").glob("*.yaml"))]


def _slots(incomplete: str) -> list[str]:
    from srbench.vocabulary import vocabulary

    words = vocabulary()
    return [*words, *(name for slot in words.values() for name in slot["parts"])]


StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY", help="A study file, or its name in ablations/.", autocompletion=_studies
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Database: a path or a URL such as postgresql+psycopg://… "
        "[dim](default: $SRBENCH_DB, else db/srbench.sqlite)[/dim]",
    ),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="How many seeds, instead of the file's.")]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Only these variants, and the baseline: 'atrous*'."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a setting: train.epochs=5, channels=32."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.callback(invoke_without_command=True)
def srbench(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Ablation benchmarks for image super-resolution.

    Does this block help, by how much, and at what cost? Write the question as a study file, then

      srbench plan   ablations/quickstart.yaml    what would be run, and what it costs
      srbench run    ablations/quickstart.yaml    train and score what is left of it
      srbench report quickstart                   one HTML page with the answer
    """
    if version:
        out.print(f"srbench {__version__}")
        raise typer.Exit


@app.command()
def run(
    study: StudyFile,
    db: Database = None,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes; one for each CUDA device or CPU core."),
    ] = None,
    seeds: Seeds = None,
    only: Only = None,
    set_: Set = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train everything once more, beside what is there.")
    ] = False,
    checkpoint_s: Annotated[
        float, typer.Option(min=0, help="Seconds between checkpoints of a run.")
    ] = 30.0,
) -> None:
    """Train and score what is left of a study.

    The same command again does nothing where everything is there, goes on where it was stopped
    (Ctrl-C, a kill, a power cut), and tries again what failed by accident.
    """
    from srbench.session import Request, run

    request = Request(
        _study_file(study), db, device, workers, seeds, tuple(only or ()), tuple(set_ or ()),
        fresh, checkpoint_s,
    )  # fmt: skip
    store, ended = run(request, out)
    again = shlex.join(["srbench", *(word for word in sys.argv[1:] if word != "--fresh")])
    if ended.signal is not None:
        left = sum(n for state, n in ended.states.items() if state in ("queued", "interrupted"))
        out.print(f"Stopped and saved; {left} runs are left. Go on with: ", end="")
        out.print(again, markup=False, style="bold", soft_wrap=True)
        raise typer.Exit(ended.exit_code)
    _print_summary(store, ended.plan)
    if ended.elsewhere:
        out.print(f"{ended.elsewhere} more runs are being trained by another srbench run.")
    name = request.study.stem
    out.print("The whole report: ", end="")
    command = f"srbench report {'-- ' if name.startswith('-') else ''}{shlex.quote(name)}"
    out.print(command, markup=False, style="bold", soft_wrap=True)
    raise typer.Exit(ended.exit_code)


@app.command()
def plan(
    study: StudyFile,
    db: Database = None,
    device: Device = "auto",
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="For the estimate.")] = None,
    seeds: Seeds = None,
    only: Only = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Say what a study would run: shapes, costs, dead parameters, time. Trains nothing.

    Every mistake that can be known beforehand is found here: settings, shapes, missing images.
    """
    from srbench.session import Request, forecast
    from srbench.terminal.planned import as_plain, table

    request = Request(
        _study_file(study), db, device, workers, seeds, tuple(only or ()), tuple(set_ or ())
    )
    found = forecast(request)
    if as_json:
        print(json.dumps(as_plain(found), indent=1))
    else:
        out.print(table(found))


@app.command()
def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY]…", help="Names of studies.", autocompletion=_names),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder that gets a folder for each study.")
    ] = Path("reports"),
    db: Database = None,
) -> None:
    """Write the report of one or several studies: HTML, CSV, LaTeX, SVG and PDF.

    The page works offline and alone; several studies get a page that lists them. Without a name,
    every study of the database is reported.
    """
    from srbench.report import write
    from srbench.report.terminal import summary

    store = _open(db)
    there = [str(name) for name in store.studies()["study"]]
    names = [name if name in there else _study_name(name) for name in studies or ()] or there
    if not names:
        raise StudyError("the database holds no study yet; srbench run makes one")
    found = [store.results(name) for name in dict.fromkeys(names)]
    for results in found:
        out.print(summary(results))
    one = len(found) == 1
    page = write(found, output / _folder_name(found[0].facts.name) if one else output)
    out.print("Report: ", end="")
    out.print(str(page), markup=False, style="bold", soft_wrap=True)


@app.command()
def claims(
    study: Annotated[str, typer.Argument(metavar="STUDY", autocompletion=_names)],
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 unless every claim is supported.")
    ] = False,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Say what became of a study's claims: supported, refuted, or not decided, and why."""
    from srbench.report.claims import claims_of
    from srbench.report.terminal import claims as claims_listed

    results = _open(db).results(_study_name(study))
    found = claims_of(results)
    if as_json:
        plain = [
            {"id": c.id, "says": c.says, "test": c.test, "status": c.result.status,
             "because": c.result.sentence}
            for c in found
        ]  # fmt: skip
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    else:
        out.print(claims_listed(results))
    failed = check and any(claim.result.status != "supported" for claim in found)
    raise typer.Exit(int(failed))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A study, or study:variant.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same of B.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A folder, for a page and CSV.")
    ] = None,
    db: Database = None,
) -> None:
    """Set two studies, or two variants, beside each other: what differs, and by how much.

    Seeds that both have are paired. Runs of other numerics or protocols are not compared.
    """
    from srbench.report.compare import Side, split_name
    from srbench.report.compare import compare as compared
    from srbench.report.compare_drawn import comparison_summary, write_comparison

    store = _open(db)
    sides = [Side(store.results(name), variant) for name, variant in
             (split_name(given) for given in (first, second))]  # fmt: skip
    found = compared(*sides)
    if found.refusals:
        raise StudyError("; ".join(found.refusals), place=f"{first} and {second}")
    out.print(comparison_summary(found))
    if output is not None:
        out.print(f"Page: {write_comparison(found, output)}", soft_wrap=True, markup=False)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A table (.yaml), or curves (.csv).")],
    study: Annotated[str, typer.Option(help="The study that the figures stand beside.")],
    source: Annotated[
        str | None, typer.Option(help="Who published them, where, when; a table names it itself.")
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="What curves are of, where headings hold two underscores.")
    ] = None,
    db: Database = None,
) -> None:
    """Put figures that others published beside a study. They are never mixed with ours.

    A table is YAML (source: …, figures: {variant: {psnr_y: {Set5: 37.76 dB}, params: 1592 k}}).
    Curves are CSV, one column a variant (loss_standard, loss_wide), one row an epoch.
    """
    from srbench.published import read
    from srbench.report.numbers import plural

    found = read(file, source=source, quantity=quantity)
    written = _open(db).write_published(_study_name(study), found)
    variants = len({figure.variant for figure in found.figures})
    said = f"{plural(written, 'figure')} of {plural(variants, 'variant')}, from: {found.source}"
    out.print(said, markup=False, soft_wrap=True)


@app.command()
def blocks(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A slot or a part.", autocompletion=_slots),
    ] = None,
    as_json: Json = False,
) -> None:
    """List what a study may name: slots, their parts, and each part's settings.

    'srbench blocks' lists the slots, 'srbench blocks attention' one slot's parts, and
    'srbench blocks scse' says everything about a part.
    """
    from srbench.terminal.listing import parts_found, parts_listed
    from srbench.vocabulary import vocabulary

    words = vocabulary()
    if as_json:
        print(json.dumps(words if name is None else parts_found(words, name), indent=1))
    else:
        out.print(parts_listed(words, name))


@app.command()
def datasets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One dataset.")] = None,
    scale: Annotated[int, typer.Option(min=1, max=8, help="For LR files beside HR.")] = 2,
) -> None:
    """Say which datasets are here, where, and what layout the others are expected in.

    With a name its images are decoded and checked.
    """
    from srbench.terminal.listing import datasets_listed

    out.print(datasets_listed(name, scale))


@app.command()
def show(
    run_id: Annotated[int, typer.Argument(metavar="RUN", help="A run's number.")],
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Say everything about one run: settings, state, scores, where and with what it was made."""
    from srbench.terminal.listing import run_shown

    found = _open(db).run(run_id)
    if as_json:
        print(json.dumps(found, indent=1, default=str))
    else:
        out.print(run_shown(found))


@app.command()
def reproduce(
    number: Annotated[int, typer.Argument(metavar="[N]", min=1, help="How many runs.")] = 1,
    db: Database = None,
    device: Device = "auto",
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes.")] = None,
    chosen_by: Annotated[
        int | None, typer.Option("--seed", help="Draws the runs; another each time unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train N finished runs again, drawn at random, and compare every number with the database.

    Weights, every point of every curve and every score have to be equal to the last bit. The
    database is only read. Exit code 1 where a run comes out otherwise.
    """
    from random import SystemRandom

    from srbench.reproduce import reproduce as make_again
    from srbench.terminal.listing import reproduced

    store = _open(db)
    drawn_by = SystemRandom().randrange(10**6) if chosen_by is None else chosen_by
    again = make_again(
        store, number, chosen_by=drawn_by, device=device, workers=workers,
        say=lambda text: err.print(f"training {text}", markup=False),
    )  # fmt: skip
    if as_json:
        print(json.dumps([one.as_plain() for one in again], indent=1))
    else:
        out.print(reproduced([one.as_plain() for one in again], drawn_by))
    raise typer.Exit(int(any(one.outcome in ("different", "failed") for one in again)))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT; tables are named in db/README.md.")],
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Ask the database a question in SQL, read-only: a table here, CSV through a pipe.

    srbench sql "select variant, seed, avg(value) from v_scores where metric='psnr_y' group by 1, 2"
    """
    from srbench.terminal.listing import csv_text, rows_listed

    columns, rows = _open(db).sql(query)
    if as_json:
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str))
    elif out.is_terminal:
        out.print(rows_listed(columns, rows))
    else:
        sys.stdout.write(csv_text(columns, rows))


@app.command()
def export(
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="One study.", autocompletion=_names)
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder.")] = Path("export"),
    db: Database = None,
) -> None:
    """Write a study's frames (runs, curves, scores, …) as CSV; without a name, every table.

    Every point of every curve is written.
    """
    store = _open(db)
    if study is None:
        files = store.export(output)
    else:
        store.results(study, points=10**9).to_folder(output)
        files = sorted(output.glob("*.csv"))
    for file in files:
        out.print(str(file), markup=False, soft_wrap=True)


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1.")] = 8080,
    db: Database = None,
) -> None:
    """Open optuna-dashboard on the studies: every run a trial, with curves, scores and pictures.

    It shows a mirror in a file of its own, made anew from the database where it is behind.
    """
    from srbench.mirror import mirror_url, refresh
    from srbench.tune import serve

    store = _open(db)
    names = [str(name) for name in store.studies()["study"]]
    if not names:
        raise StudyError("the database holds no study yet; srbench run makes one")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise StudyError(f"{error.strerror}; name another", place=f"--port {port}") from None
    with out.status("bringing Optuna's mirror up to date"):
        refresh(store, names)
    out.print(f"optuna-dashboard on [bold]http://127.0.0.1:{port}/[/bold]; Ctrl-C ends it")
    serve(mirror_url(store.root), store.root / "artifacts", port)


@app.command()
def doctor(db: Database = None, as_json: Json = False) -> None:
    """Say what this machine and database are like, and what is missing."""
    from srbench.terminal.checkup import checkup
    from srbench.terminal.listing import checks_listed

    checks = checkup(db)
    if as_json:
        print(json.dumps([vars(check) for check in checks], indent=1))
    else:
        out.print(checks_listed(checks))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a mistake in what was asked is one line and exit code 2."""
    try:
        with ending():
            given = list(arguments) if arguments is not None else None
            code = app(args=given, prog_name="srbench", standalone_mode=False)
        sys.exit(code)
    except Misuse as error:
        _explain(error)
    except StudyError as error:
        _fail(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.exit(0)
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")


def _explain(misuse: Any) -> None:
    """Help where nothing was asked for, else one line about what was not understood."""
    command = misuse.ctx.command_path if misuse.ctx else "srbench"
    said = " ".join(misuse.format_message().split())
    if not said or "NoArgs" in type(misuse).__name__:
        misuse.show()
        sys.exit(2)
    _fail(f"{said.rstrip('.')} ({command} --help tells more)")


def _fail(message: str) -> None:
    err.print("[bold red]srbench: error:[/bold red] ", end="")
    err.print(printable(message), markup=False, soft_wrap=True)
    sys.exit(2)


def _open(db: str | None) -> Store:
    from srbench.store import open_store

    return open_store(db, create=False)


def _study_name(given: str) -> str:
    """A study's name in the database: that of its file, where a file was given."""
    return Path(given).stem if given.endswith(".yaml") else given


def _study_file(given: Path) -> Path:
    """The file itself, or the study of that name in ablations/."""
    known = sorted(Path("ablations").glob("*.yaml"))
    named = Path("ablations") / f"{given}.yaml"
    if given.exists() or not named.exists():
        if not given.exists():
            names = ", ".join(p.stem for p in known)
            listed = f" (in ablations: {names})" if names else ""
            there = [*(str(p) for p in given.parent.glob("*.yaml")), *(p.stem for p in known)]
            near = get_close_matches(str(given), there, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise StudyError(f"there is no such study file{hint}{listed}", place=str(given))
        return given
    return named


def _folder_name(study: str) -> str:
    """A study's name as the name of a folder: nothing that leads elsewhere."""
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in study).strip(". ")
    return f"_{safe[1:]}" if safe.startswith("-") else safe or "study"


def _print_summary(store: Any, plan: int) -> None:
    from srbench.report.terminal import summary

    out.print()
    out.print(summary(store.results(plan)))
