"""The image files of a folder, and the error for a place that has none.

Hidden files and the folders of NAS, archive and system software hold no pictures of a user's, even
where their files are images (thumbnails in @eaDir, ._x.png of a Mac): they are left out.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from srbench.core.errors import StudyError, brief
from srbench.data.degradations import Degrade
from srbench.data.images import SUFFIXES

SYSTEM = frozenset({
    "@eadir", "@tmp", "@recycle", "@recycled", "#recycle", "#snapshot", "$recycle.bin", "__macosx",
    "lost+found", "system volume information",
})  # fmt: skip
UNPACK = "srbench reads folders of image files: unpack it first (docs/images.md has the lines)"


@dataclass(frozen=True)
class ImageFile:
    """One image by its files; `lr` is None where LR is to be made from HR."""

    name: str  # unique within its dataset
    hr: Path
    lr: Path | None = None
    weight: float = 1.0  # how often it is drawn in training, against the others
    degrade: Degrade | None = None  # what LR is made by in place of a file, see `degraded`
    side: int | None = None  # of the square that represents the whole image, see `crops`
    resize: int | None = None  # side of the square that the whole image is made, see `resized`


def few(names: Sequence[str], most: int = 40) -> str:
    """Names after one another, so many of them at the most."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def places(files: Sequence[ImageFile]) -> str:
    """Which folders HR and LR files are in, where that is one each: ` in X2, HR in GTmod12`."""
    high = {file.hr.parent for file in files}
    low = {file.lr.parent for file in files if file.lr is not None}
    if len(high) > 1 or len(low) != 1 or high == low:
        return ""
    return f" in {low.pop().name}, HR in {high.pop().name}"


def home_or(path: str) -> Path:
    """A path with `~` expanded; unchanged where there is no such home."""
    return Path(os.path.expanduser(path))  # pathlib raises where there is no such user


def images_below(folder: Path, what: str) -> list[ImageFile]:
    """Every image file below a folder, named by its path there, sorted; hidden files left out.

    Raises:
        StudyError: no such folder, or no image in it.
    """
    if not os.path.isdir(folder):  # False also where no file can have such a name
        raise StudyError(f"{what}: {no_folder(folder)}")
    visible = sorted(
        path.relative_to(folder)
        for path in _files_below(folder)
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not visible:
        raise StudyError(f"{what}: {_no_image(folder)}")
    stems = [path.with_suffix("").as_posix() for path in visible]
    often = Counter(stems)
    return [
        ImageFile(stem if often[stem] == 1 else path.as_posix(), folder / path)
        for stem, path in zip(stems, visible, strict=True)
    ]


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder but hidden ones, and then those below links to other folders."""
    todo, known = [os.fspath(folder)], set[str]()
    while todo:
        for at, folders, files in os.walk(todo.pop(0)):
            known.add(os.path.realpath(at))
            folders[:] = [name for name in folders if not is_hidden(PurePath(name))]
            yield from (Path(at, name) for name in files if not is_hidden(PurePath(name)))
            todo += [path for name in folders if os.path.islink(path := os.path.join(at, name))]
        todo = [path for path in todo if not _is_known(path, known)]


def _is_known(link: str, known: set[str]) -> bool:
    """Whether a link leads to a folder that was searched, or to one above such."""
    target = os.path.realpath(link)
    return any(os.path.commonpath([target, one]) == target for one in known)


def images_in(folder: Path) -> list[Path]:
    """The image files of one folder itself, sorted; none where there is no such folder."""
    return sorted(
        path
        for path in (folder.iterdir() if os.path.isdir(folder) else ())
        if path.suffix.lower() in SUFFIXES and not is_hidden(path.relative_to(folder))
        and path.is_file()
    )  # fmt: skip


def is_hidden(path: PurePath) -> bool:
    """Whether a path within a folder is hidden, or lies in a folder of system software."""
    return any(part.startswith(".") or part.lower() in SYSTEM for part in path.parts)


def no_folder(path: Path) -> str:
    """The error for a path that should be a folder of images: what it is, and what to do."""
    shown = brief(str(path))[1:-1]
    if not os.path.isfile(path):
        patterns = "; patterns and variables are not expanded" if re.search(r"[*?$]", shown) else ""
        return f"there is no folder {shown} (looked from {Path.cwd()}){patterns}"
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return f"{shown} is an HDF5 file; {UNPACK}"
    return f"{shown} is a file; name the folder it is in, or unpack an archive into one"


def _no_image(folder: Path) -> str:
    if (folder / "data.mdb").is_file():
        return f"{folder} is an LMDB database; {UNPACK}"
    others = suffixes(path for path in folder.rglob("*") if path.is_file())
    holds = f"; it holds {others}" if others else ""
    return f"no image in {folder} (looked for {' '.join(sorted(SUFFIXES))}{holds})"


def suffixes(files: Iterable[Path]) -> str:
    """How many files there are of each suffix, the most frequent first: 40 .mp4, 2 .heic."""
    counts = Counter(file.suffix.lower() or "without suffix" for file in files)
    return ", ".join(f"{n} {suffix}" for suffix, n in counts.most_common(6))
