"""The command that times networks: latency."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srbench.cli.options import (
    Database,
    Json,
    OneDevice,
    Only,
    Parts,
    Set,
    StudyFile,
    answer,
    err,
    height_width,
    note,
)
from srbench.core.errors import InputError, UserError, unknown
from srbench.study.files import study_file as file_of

if TYPE_CHECKING:  # seconds that --help does without
    from srbench.run.session import Request
    from srbench.store import Store


def latency(
    study: StudyFile,
    step: Annotated[
        bool, typer.Option("--step", help="Time a training step instead of a forward pass.")
    ] = False,
    device: OneDevice = "auto",
    only: Only = None,
    set_: Set = None,
    parts: Parts = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Width x height of LR in pixels, as 320x180, or side of a square. "
            "[dim](default: 64 on the CPU, 256 on CUDA; a step: the patch)[/dim]",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Images at once. [dim](default: 1; a step: the study's batch)[/dim]"
        ),
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="fp32, tf32 (CUDA), bf16 or fp16. May be repeated: all combinations are timed."
        ),
    ] = None,
    memory_format: Annotated[
        list[str] | None,
        typer.Option(
            help="contiguous, channels_last, or for a step auto (as in training). May be repeated."
        ),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            help="eager, graph (CUDA) or compiled. May be repeated. A step is timed as trained."
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, max=1024, help="CPU threads, pinned to cores.")
    ] = 1,
    rounds: Annotated[int, typer.Option(min=20, help="Most rounds of a pass.")] = 400,
    budget: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="Time of a pass; 20 rounds are always completed."
        ),
    ] = 120.0,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long to wait for a device that another srbench uses: 600 is ten minutes.",
        ),
    ] = 0.0,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Time every network of a study against its baseline, with exclusive use of the device.

    Each round times every network once in shuffled order and the baseline twice, as A/A control.
    The result is the median ratio to the baseline with its 95 % interval, and the smallest
    difference that this machine resolves. Weights are random: the compute graph is the same.
    Times are stored, and the report shows them.
    """
    from srbench.cli.measured import passes_listed
    from srbench.core.devices import choose_device
    from srbench.measure.latency_passes import Effort
    from srbench.measure.latency_setting import MEMORY, MODES, PRECISIONS, TRAINED
    from srbench.run.timed import Wish, as_plain, networks, take
    from srbench.store import open_store

    chosen = choose_device(device, note)
    wish = Wish(
        _file(study, db), chosen, tuple(only or ()), tuple(set_ or ()),
        "step_time" if step else "latency", height_width(size), batch,
        _known(precision, PRECISIONS, "--precision") or ("fp32",),
        _known(memory_format, TRAINED if step else MEMORY, "--memory-format"),
        _known(mode, MODES, "--mode"),
        threads, Effort(rounds=rounds, budget_s=budget, patience_s=wait), tuple(parts or ()),
    )  # fmt: skip
    timed = networks(wish)
    store = open_store(db)
    with err.status("warming up") as status:
        found = take(
            wish,
            timed,
            store,
            lambda setting: status.update(f"{setting}: warming up"),
            lambda done, spent: status.update(f"round {done}, {spent:.0f} s"),
        )
    plain = as_plain(found, timed)
    answer(as_json, plain, lambda: passes_listed(plain))


def take_if_missing(store: Store, plan: int, asked: Request) -> None:
    """Time the networks of a plan that have no times yet, under the default setting."""
    from srbench.analysis.latency import untimed

    if not untimed(store.reading.results(plan, curves="none"), "latency"):
        return
    from srbench.measure.latency_passes import Effort
    from srbench.run.timed import Wish, networks, take

    wish = Wish(
        asked.study, asked.device, asked.only, asked.set, effort=Effort(patience_s=600),
        parts=asked.parts,
    )  # fmt: skip
    with err.status("timing networks") as status:
        take(
            wish,
            networks(wish),
            store,
            on_round=lambda done, spent: status.update(f"latency: round {done}, {spent:.0f} s"),
        )


def _file(study: Path, db: str | None) -> Path:
    """A study's file; of a name without one here, the file of its latest plan.

    Raises:
        InputError: there is no such file.
    """
    from srbench.store import open_store

    try:
        return file_of(study)
    except InputError:
        with suppress(UserError):  # no database
            store = open_store(db, create=False)
            before = store.plans.before(str(study))
            if before is not None and (file := (store.root / before.file).resolve()).is_file():
                return file
        raise


def _known(given: list[str] | None, words: Collection[str], option: str) -> tuple[str, ...]:
    for word in given or ():
        if word not in words:
            raise InputError(unknown("", word, words), place=option)
    return tuple(dict.fromkeys(given or ()))
