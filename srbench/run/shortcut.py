"""A shortcut to a finished study: the plan that the same command made, and what it printed.

Planning needs torch, three seconds of imports. If study file, options, code, versions and images
are unchanged, the plan is the stored one, and its number is all that is needed. If the database is
unchanged as well, the summary is the printed one, and the database is not opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srbench.core.places import database_file
from srbench.core.provenance import versions
from srbench.report.summary import Summary
from srbench.run.request import Request
from srbench.study.identity import code_digest

if TYPE_CHECKING:  # torch comes with it, three seconds that the shortcut does without
    from srbench.study.plan import Plan

ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "SRBENCH_DATA")
COUNTERS = slice(24, 100)  # of SQLite's header: what every transaction changes
UNREADABLE = (OSError, ValueError, TypeError, LookupError)  # a note that is missing or damaged


def key(study: Path, options: Sequence[str]) -> str:
    """A digest of everything that planning depends on, but the images."""
    asked = {
        "study": [str(study.resolve()), _digest_file(study)],
        "options": list(options),
        "code": code_digest(),
        "versions": versions(),
        "environment": [os.environ.get(name) for name in ENVIRONMENT],
        "nvidia": sorted(p.name for p in Path("/dev").glob("nvidia[0-9]*")),
        "folder": str(Path.cwd()),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def remember(root: Path, key: str, images: Iterable[Path], folders: Iterable[Path]) -> None:
    """Note the state of the images that the plan of `key` was made with.

    `folders` are those that datasets look in: an image may come anywhere below.
    """
    file = _note(root, key)
    file.parent.mkdir(parents=True, exist_ok=True)
    below = (Path(path) for folder in folders for path, _, _ in os.walk(folder))
    file.write_text(json.dumps(_state([*images, *below])), encoding="utf-8")


def holds(root: Path, key: str) -> bool:
    """Whether the images are as they were when the plan of `key` was made."""
    with suppress(*UNREADABLE):
        before = json.loads(_note(root, key).read_text(encoding="utf-8"))
        return bool(before == _state([Path(path) for path, *_ in before]))
    return False


def printed(request: Request) -> Summary | None:
    """What the same command printed last; None where anything may have changed since."""
    file = database_file(request.db)
    if file is None or request.fresh or request.rerun_stale or request.files:
        return None
    own = key(request.study, request.options())
    with suppress(*UNREADABLE):
        state, parts = json.loads(_note(file.parent, own, ".summary").read_text(encoding="utf-8"))
        if state == _database_state(file) and holds(file.parent, own):
            return Summary.from_plain(parts)
    return None


def remember_printed(request: Request, key: str, shown: Summary) -> None:
    """Note what a command printed at its end; the database must be closed."""
    file = database_file(request.db)
    if file is not None and key:
        with suppress(OSError):
            text = json.dumps([_database_state(file), shown.to_plain()])
            _note(file.parent, key, ".summary").write_text(text, encoding="utf-8")


def files_of(plan: Plan) -> Iterator[Path]:
    """Files of a plan besides that of its study: images, other studies, figures, parts, weights."""
    for document in plan.study.document.all[1:]:
        yield Path(document.file)
    for figures in plan.study.published:
        yield from figures.files
    for parts in plan.study.parts:
        yield Path(parts.file)
    for file in plan.files:
        yield file.hr
        if file.lr is not None:
            yield file.lr
    for planned in plan.variants:
        yield from (Path(file).expanduser() for file in planned.variant.tree.train.files())


def folders_of(plan: Plan) -> Iterator[Path]:
    """The folders that the study's datasets name."""
    for planned in plan.variants:
        data = planned.variant.tree.data
        for dataset in (data["train"], data["validate"], *data["eval"]):
            for choice in dataset.choices():
                named = [value for _, value in choice.settings if isinstance(value, str) and value]
                yield from (Path(os.path.expanduser(value)) for value in named)


def _note(root: Path, key: str, of: str = "") -> Path:
    return root / "runs" / "plans" / f"{key[:32]}{of}.json"


def _state(images: Iterable[Path]) -> list[list[str | int]]:
    """Path, size and time of each image, and of the folders, where an image may have come."""
    paths = {p.absolute() for p in images}
    paths |= {p.parent for p in paths if not p.is_dir()}
    stats = [(p, p.stat()) for p in sorted(paths)]
    return [[str(p), 0 if p.is_dir() else s.st_size, s.st_mtime_ns] for p, s in stats]


def _database_state(file: Path) -> list[Any]:
    """Size, time and counters of an SQLite file, and of its journal where one is in use."""
    with file.open("rb") as opened:
        found: list[Any] = [str(file.absolute()), opened.read(COUNTERS.stop)[COUNTERS].hex()]
    for end in ("", "-wal", "-journal"):
        with suppress(FileNotFoundError):
            stat = os.stat(f"{file}{end}")
            found += [end, stat.st_size, stat.st_mtime_ns, stat.st_ino] if stat.st_size else []
    return found


def _digest_file(file: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""
