"""Images that travel to a node which lacks them: files, and an index of their sets in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from srbench.core import slots
from srbench.core.errors import InputError
from srbench.core.registry import Choice
from srbench.data.folders import ImageFile
from srbench.study.identity import digest

INDEX = "index.json"  # in the folder of the files
Sets = list[tuple[Any, str, int]]  # choice of a dataset as JSON, split, scale


def packed(sets: Sets) -> tuple[str, list[tuple[str, Path]]]:
    """The index of these sets, and the files: the name that each has there, and its path here.

    Raises:
        UserError: images are not here, or what makes their LR does not follow from the choice.
    """
    names: dict[Path, str] = {}
    index: dict[str, list[list[Any]]] = {}
    for chosen, split, scale in sets:
        choice = slots.dataset.parse(chosen)
        rows = index[_key(choice, split, scale)] = []
        for file in choice.build()(split, scale):
            if file.degrade is not None and len(_degradations(choice)) != 1:
                raise InputError(f"the images of {choice} cannot be sent; copy them to the node")
            hr, lr = (
                path and names.setdefault(path, f"{len(names)}{path.suffix}")
                for path in (file.hr, file.lr)
            )
            degraded = file.degrade is not None
            rows.append([file.name, hr, lr, file.weight, degraded, file.side, file.resize])
    return json.dumps(index), [(name, path) for path, name in names.items()]


def lent(folder: Path, choice: Choice, split: str, scale: int) -> list[ImageFile] | None:
    """A set's files out of such a folder; None where the folder or the set is not there."""
    try:
        index: Mapping[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    rows = index.get(_key(choice, split, scale))
    return rows and list(_files(rows, folder, choice, scale))


def _files(
    rows: Iterable[list[Any]], folder: Path, choice: Choice, scale: int
) -> Iterator[ImageFile]:
    for name, hr, lr, weight, degraded, side, resize in rows:
        degrade = _degradations(choice)[0].build()(scale) if degraded else None
        yield ImageFile(name, folder / hr, lr and folder / lr, weight, degrade, side, resize)


def _degradations(choice: Choice) -> list[Choice]:
    """The degradations that a dataset's settings name, those within others left out."""
    if choice.slot is slots.degradation:
        return [choice]
    values = (value for _, value in choice.settings)
    inner = (one for value in values for one in (value if isinstance(value, tuple) else (value,)))
    return [found for one in inner if isinstance(one, Choice) for found in _degradations(one)]


def _key(choice: Choice, split: str, scale: int) -> str:
    return digest([choice.to_json(), split, scale])
