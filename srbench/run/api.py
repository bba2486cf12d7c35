"""What notebook, script and command line call on a study: from its file to its findings."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srbench.core.devices import MemoryOrder
from srbench.core.errors import InputError, StudyError
from srbench.core.files import write_atomically
from srbench.run.request import Request, RunProgress, ignore
from srbench.run.session import forecast, read_study
from srbench.run.session import run as conduct
from srbench.store import Store, open_store
from srbench.study.files import FOLDER, study_file, study_name

if TYPE_CHECKING:  # torch, pandas and figures, which not every call needs
    from srbench.analysis.compare import StudyComparison
    from srbench.report.findings import Findings
    from srbench.run.estimate import Forecast
    from srbench.study.read import Study

File = str | PathLike[str]
Changes = Mapping[str, Any] | Sequence[str]
"""{"train.epochs": 5}, or ["train.epochs=5"] as on the command line."""


def new(name: str, base: str = "carn", folder: File | None = None) -> Path:
    """Write a starter study with a comment on every key, and its JSON Schema; its file.

    `base` is the network: carn, '{pan: {...}}'. The folder is ablations/ if there is one, else
    the current one.

    Raises:
        StudyError: the name is no study's, or the base is no network that is trained.
        InputError: the file is there already.
    """
    from srbench.study.starter import SCHEMA, starter

    name = name.removesuffix(".yaml")
    text = starter(name, base)
    where = Path(folder) if folder is not None else FOLDER if FOLDER.is_dir() else Path()
    file = where / f"{name}.yaml"
    if file.exists():
        raise InputError("is there already; take another name", place=str(file))
    write_atomically(where / SCHEMA, schema_text().encode())
    write_atomically(file, text.encode())
    return file


def schema_text() -> str:
    """The JSON Schema of study files as text."""
    from srbench.study.schema import study_schema

    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def read(
    study: File,
    *,
    set: Changes = (),  # noqa: A002  as --set
    seeds: int | None = None,
    only: Sequence[str] = (),
    parts: Sequence[File] = (),
) -> Study:
    """Read a study file, or the study of that name in ablations/.

    `set` changes settings of all variants, `seeds` their number of seeds, `only` picks variants
    by patterns; `parts` are Python files that register parts.

    Raises:
        StudyError: the first mistake, with file, line and column.
        InputError: there is no such file.
    """
    return read_study(_request(study, set, seeds, only, parts))


def plan(
    study: File | Study,
    *,
    db: File | None = None,
    device: str = "auto",
    workers: int | None = None,
    set: Changes = (),  # noqa: A002
    seeds: int | None = None,
    only: Sequence[str] = (),
    parts: Sequence[File] = (),
    precision: str = "auto",
    memory_order: MemoryOrder = "auto",
    on: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Forecast:
    """What a study would run: networks, costs, time. Trains nothing and writes nothing.

    `say` is called with remarks on devices.

    Raises:
        UserError: a mistake in the study or the options that can be found without training.
    """
    request = _request(
        study, set, seeds, only, parts, db=_text(db), device=device, workers=workers,
        precision=precision, memory_order=memory_order, on=on,
    )  # fmt: skip
    return forecast(request, say)


def run(
    study: File | Study,
    *,
    db: File | None = None,
    device: str = "auto",
    workers: int | None = None,
    set: Changes = (),  # noqa: A002
    seeds: int | None = None,
    only: Sequence[str] = (),
    parts: Sequence[File] = (),
    fresh: bool = False,
    rerun_stale: bool = False,
    checkpoint_s: float | None = None,
    precision: str = "auto",
    memory_order: MemoryOrder = "auto",
    on: str | None = None,
    files: File | None = None,
    on_progress: Callable[[RunProgress], None] = ignore,
) -> Findings:
    """Train and score every run of a study that is not done yet; what was found.

    The same call again resumes what was stopped, and does nothing once every run is done. An
    interrupt saves the runs under way, then raises KeyboardInterrupt; a second one raises it at
    once. Progress is shown below a notebook's cell or in the terminal, and `on_progress` is called
    in this process about once a second for each run. Runs that fail are rows of `runs`. `files` is
    the folder of run files of a PostgreSQL database, which remembers it.

    Raises:
        UserError: a mistake in the study, the options, the database's address or a device.
    """
    from rich.console import Console

    request = _request(
        study, set, seeds, only, parts, db=_text(db), device=device, workers=workers, fresh=fresh,
        rerun_stale=rerun_stale, checkpoint_s=checkpoint_s, precision=precision,
        memory_order=memory_order, on=on, on_progress=on_progress,
        files=None if files is None else Path(files),
    )  # fmt: skip
    store, ended = conduct(request, Console(highlight=False))
    if ended.signal is not None:
        signal.raise_signal(ended.signal)  # as if we had not waited until all was saved
    return _findings(store, ended.plan)


def results(study: File | Study, *, db: File | None = None) -> Findings:
    """What the database knows of a study's latest plan: frames, answer, page.

    Raises:
        DatabaseError: there is no database, or no such study in it.
    """
    return _findings(open_store(db, create=False), _name(study))


def report(
    studies: File | Study | Findings | Sequence[File | Study | Findings] = (),
    folder: File = "reports",
    *,
    db: File | None = None,
) -> Path:
    """Write the report of one or several studies: HTML, CSV, LaTeX, SVG and PDF; its page.

    Each study gets a folder of its name in `folder`; several get a page that lists them. Without
    a study, all those of the database.

    Raises:
        UserError: there is no such study, or the files cannot be written.
    """
    from srbench.report import write
    from srbench.report.files import folder_name
    from srbench.report.findings import Findings

    if not isinstance(studies, Sequence) or isinstance(studies, str):
        studies = (studies,)
    chosen = studies or stored_studies(open_store(db, create=False))
    found = [one if isinstance(one, Findings) else results(one, db=db) for one in chosen]
    several = [one.results for one in found]
    where = Path(folder)
    return write(several, where if several[1:] else where / folder_name(several[0].facts.name))


def compare(first: str, second: str, *, db: File | None = None) -> StudyComparison:
    """Two studies or two variants (`study:variant`): which settings differ, and the scores.

    Raises:
        InputError: they have other images, numerics or protocols, so scores do not compare.
        DatabaseError: there is no such study.
    """
    from srbench.analysis.compare import Side, split_name
    from srbench.analysis.compare import compare as compared

    sides = []
    for name, variant in map(split_name, (first, second)):
        sides.append(Side(results(name, db=db).results, variant))
    found = compared(*sides)
    if found.refusals:
        raise InputError("; ".join(found.refusals), place=f"{first} and {second}")
    return found


def _findings(store: Store, study_or_plan: str | int) -> Findings:
    from srbench.report.findings import Findings
    from srbench.run.importance import weighed
    from srbench.run.stale import marked

    found = store.reading.results(study_or_plan)
    return Findings(marked(weighed(found, store, found.facts.name), store))


def _request(
    study: File | Study,
    changes: Changes,
    seeds: int | None,
    only: Sequence[str],
    parts: Sequence[File],
    **how: Any,
) -> Request:
    """A request on a study file, or on a study with what it was read with and more."""
    listed = _changes(changes)
    files = tuple(map(Path, parts))
    if isinstance(study, str | PathLike):
        file = study_file(Path(study))
        return Request(file, set=listed, seeds=seeds, only=tuple(only), parts=files, **how)
    file = Path(study.document.file)
    _check_unchanged(study, file)
    given: dict[str, list[str]] = {"--set": [], "--seeds": [], "--only": [], "--parts": []}
    for option in study.overrides:
        name, _, value = option.partition(" ")
        given[name].append(value)
    return Request(
        file,
        set=(*given["--set"], *listed),
        seeds=seeds or (int(given["--seeds"][0]) if given["--seeds"] else None),
        only=(*given["--only"], *only),
        parts=(*map(Path, given["--parts"]), *files),
        **how,
    )


def _changes(changes: Changes) -> tuple[str, ...]:
    if not isinstance(changes, Mapping):
        return tuple(changes)
    return tuple(
        f"{path}={value if isinstance(value, str) else json.dumps(value)}"
        for path, value in changes.items()
    )


def _check_unchanged(study: Study, file: Path) -> None:
    from srbench.study import views

    if views.read(file)[0] != study.text:
        raise StudyError("has changed since it was read; read it again", place=str(file))


def _name(study: File | Study) -> str:
    return study_name(str(study)) if isinstance(study, str | PathLike) else study.name


def _text(db: File | None) -> str | None:
    return None if db is None else str(db)


def stored_studies(store: Store) -> list[str]:
    """The names of the studies in a database.

    Raises:
        InputError: it has none.
    """
    names = [str(name) for name in store.reading.studies()["study"]]
    if not names:
        raise InputError("the database holds no study yet; srbench run makes one")
    return names
