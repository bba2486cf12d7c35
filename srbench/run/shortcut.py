"""A shortcut to a finished study: the plan that the same command made last time.

Planning needs torch, three seconds of imports. If study file, options, code, versions and images
are unchanged, the plan is the stored one, and its number is all that is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from srbench.core.provenance import versions
from srbench.study.identity import code_digest

if TYPE_CHECKING:  # torch comes with it, three seconds that the shortcut does without
    from srbench.study.plan import Plan

ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "SRBENCH_DATA")


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
    file = _file(root, key)
    file.parent.mkdir(parents=True, exist_ok=True)
    below = (Path(path) for folder in folders for path, _, _ in os.walk(folder))
    file.write_text(json.dumps(_state([*images, *below])), encoding="utf-8")


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


def holds(root: Path, key: str) -> bool:
    """Whether the images are as they were when the plan of `key` was made."""
    try:
        before = json.loads(_file(root, key).read_text(encoding="utf-8"))
        return bool(before == _state([Path(path) for path, *_ in before]))
    except (OSError, ValueError, TypeError):
        return False


def _file(root: Path, key: str) -> Path:
    return root / "runs" / "plans" / f"{key[:32]}.json"


def _state(images: Iterable[Path]) -> list[list[str | int]]:
    """Path, size and time of each image, and of the folders, where an image may have come."""
    paths = {p.absolute() for p in images}
    paths |= {p.parent for p in paths if not p.is_dir()}
    stats = [(p, p.stat()) for p in sorted(paths)]
    return [[str(p), 0 if p.is_dir() else s.st_size, s.st_mtime_ns] for p, s in stats]


def _digest_file(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
