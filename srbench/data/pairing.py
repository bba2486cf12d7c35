"""Which LR file belongs to which HR image: by path, by the field's names, and by size.

Names propose, sizes decide where there is a choice, and what stays open is refused by name: one LR
file for two HR images, two LR files for one, an HR image without any.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from srbench.core.errors import InputError, StudyError
from srbench.data.folders import ImageFile, few
from srbench.data.images import size_of
from srbench.data.marks import marks

MOST_NAMED = 20
REMEDY = "name the files alike, or say how they are named (pattern: '{name}_small')"


def paired(
    hrs: Sequence[ImageFile], lrs: Sequence[ImageFile], scale: int, pattern: str = ""
) -> list[ImageFile]:
    """The HR images with their LR files; names are paths within their folders.

    Of several versions of an image (GTmod12 and original) the one that fits its LR is taken.

    Raises:
        StudyError: an image has no LR file, or it stays open which; all such by name.
    """
    index = _Index(lrs, scale, pattern)
    found = [(hr, index.find(hr)) for hr in hrs]
    alone = [hr for hr, some in found if not some]
    if alone:
        looked = " or ".join(f"{name}.png" for name in index.expected(alone[0])) or pattern
        raise StudyError(
            f"{len(alone)} of {len(hrs)} HR images have no LR file at x{scale}: {_named(alone)} "
            f"(looked for {looked} and the like{index.others()}); {REMEDY}"
        )
    pairs = _of_versions(_fitting(found, scale), found)
    claimed = defaultdict(list)
    for hr, some in pairs:
        claimed[some[0].hr].append(hr)
        if len(some) > 1:
            raise StudyError(
                f"{len(some)} LR files fit {hr.hr}: {_named(some)}; name the folder, or say how "
                "they are named (pattern: '{name}x{scale}w1')"
            )
    for path, some in claimed.items():
        if len(some) > 1:
            raise StudyError(f"one LR file, {path}, fits {len(some)} HR images: {_named(some)}")
    return [replace(hr, lr=some[0].hr) for hr, some in pairs]


Found = list[tuple[ImageFile, list[ImageFile]]]
"""HR images with the LR files that may be theirs."""


def _fitting(found: Found, scale: int) -> Found:
    """The LR files that have the size of their HR images, where there is a choice."""
    claims = Counter(lr.hr for _, some in found for lr in some)
    return [
        (hr, some)
        if len(some) == 1 and claims[some[0].hr] == 1
        else (hr, [lr for lr in some if fits(hr.hr, lr.hr, scale)])
        for hr, some in found
    ]


def _of_versions(fit: Found, found: Found) -> Found:
    """Without the versions of images of which another one fits; a misfit stays, to be refused."""
    known = {marks(hr.name).name for hr, some in fit if some}
    return [
        (hr, some or every[:1])
        for (hr, some), (_, every) in zip(fit, found, strict=True)
        if some or marks(hr.name).name not in known
    ]


def told_apart(files: Sequence[ImageFile], scale: int) -> list[ImageFile]:
    """HR images with LR files of one folder, distinguished by names; empty if it lacks either.

    Where some are called HR, only those are; LR files of other scales are left out.

    Raises:
        StudyError: as of `paired`; or several versions of an image, and no LR file to choose by.
    """
    low, explicit = _low(files)
    if not low:
        return []
    known = {marks(name).name for name in low}
    high = [
        file
        for file in files
        if file.name not in low
        and (marks(file.name).kind == "hr" or not explicit)
        and (marks(file.name).kind != "lr" or marks(file.name).name not in known)
    ]
    here = [file for name, file in low.items() if marks(name).scale in (None, scale)]
    here = here or _fitting_any(low.values(), high, scale)
    folders = {marks(file.name).folder for file in here}
    if here:  # 2/Canon_001_HR is no image of this scale where LR files are in 4/ alone
        others = {marks(name).folder for name in low} - folders
        high = [file for file in high if marks(file.name).folder not in others]
    chosen = [file for some in _of_one_name(high).values() for file in _of_scale(some, scale)]
    pairs = paired(chosen, here, scale) if here else chosen
    for name, some in _of_one_name(pairs).items():
        if len(some) > 1:
            raise StudyError(f"{name} is there {len(some)} times: {_named(some)}; name one folder")
    return [replace(file, name=marks(file.name).name) for file in pairs]


def without_lr(files: Sequence[ImageFile]) -> list[ImageFile]:
    """Images without those that are LR by name and have an HR image of that name."""
    low, _ = _low(files)
    return [file for file in files if file.name not in low]


def _low(files: Sequence[ImageFile]) -> tuple[dict[str, ImageFile], bool]:
    """The LR files among others, by name, and whether their HR images are called so.

    A name alone is not enough where HR is not called HR: a.png and a_x2.png, made twice as large,
    are two images.
    """
    low: dict[str, ImageFile] = {}
    explicit = False
    for some in _of_one_name(files).values():
        named = [file for file in some if marks(file.name).kind == "hr"]
        high = named or [f for f in some if (marks(f.name).kind, marks(f.name).scale) == ("", None)]
        rest = [file for file in some if file not in high and marks(file.name).kind != "hr"]
        found = [file for file in rest if high and _is_low(file, high)]
        low |= {file.name: file for file in found}
        explicit = explicit or bool(found and named)
    return low, explicit


def _is_low(file: ImageFile, high: Sequence[ImageFile]) -> bool:
    """Whether a file is called LR, or has the size that its other marks say.

    A blurred or noisy image may be as large as the one it was made of.
    """
    mark = marks(file.name)
    if mark.kind == "lr" and re.search("L[RQ]", file.name, re.IGNORECASE):
        return True
    least = 1 if re.search("input|blur|noisy", file.name, re.IGNORECASE) else 2
    scales: Iterable[int] = range(least, 9) if mark.kind else ()
    if mark.scale is not None and mark.scale > 1:
        scales = (mark.scale,)
    return any(fits(hr.hr, file.hr, scale) for hr in high for scale in scales)


def _fitting_any(lrs: Iterable[ImageFile], hrs: Sequence[ImageFile], scale: int) -> list[ImageFile]:
    """The LR files that have the size of an HR image of their name, divided by the scale."""
    of = _of_one_name(hrs)
    return [lr for lr in lrs if any(fits(hr.hr, lr.hr, scale) for hr in of[marks(lr.name).name])]


def by_pattern(files: Sequence[ImageFile], scale: int, pattern: str) -> list[ImageFile]:
    """HR images with LR files out of one folder, by what a pattern says of their names.

    Raises:
        StudyError: as of `paired`.
    """
    index = _Index(files, scale, pattern)
    low = {lr.name for hr in files for lr in index.find(hr) if lr.name != hr.name}
    high = [file for file in files if file.name not in low and index.expected(file)]
    if not high:
        raise StudyError(
            f"pattern {pattern!r} fits none of {len(files)} files, as {files[0].hr}; it says how "
            "the file is named, without folders and suffix"
        )
    return paired(high, [file for file in files if file.name in low], scale, pattern)


class _Index:
    """LR files by their names, as HR images look for them."""

    def __init__(self, lrs: Sequence[ImageFile], scale: int, pattern: str) -> None:
        _check(pattern)
        self.scale, self.pattern = scale, pattern
        self.shelves = {shelf for lr in lrs if (shelf := marks(lr.name).shelf)} - {scale}
        self.named: dict[str, list[ImageFile]] = defaultdict(list)
        here = [lr for lr in lrs if marks(lr.name).shelf in (None, scale)]
        self.flat = not any(marks(lr.name).folder for lr in here)
        for lr in here:
            mark = marks(lr.name)
            folder = f"{mark.folder}/".lstrip("/")
            keys = {f"{folder}{mark.stem}", f"*/{mark.stem}"}
            if not pattern:
                keys |= {f"{folder}{mark.bare}?", f"*/{mark.bare}?"}
            for key in keys:
                self.named[key].append(lr)

    def expected(self, hr: ImageFile) -> list[str]:
        """The names without suffix that the LR file of an image should have."""
        stem = marks(hr.name).stem
        if not self.pattern:
            return [f"{stem}x{self.scale}", stem]
        left, _, right = self.pattern.rpartition("->")
        found = re.fullmatch(_as_regex(left.strip() or "{name}", self.scale), stem)
        return [_filled(right.strip(), found["name"], self.scale)] if found else []

    def find(self, hr: ImageFile) -> list[ImageFile]:
        """The LR files that may be meant, by the first way of naming that gives any."""
        mark = marks(hr.name)
        folder = f"{mark.folder}/".lstrip("/")
        keys = [f"{folder}{name}" for name in self.expected(hr)] + [f"{folder}{mark.bare}?"]
        if self.flat or not folder:  # else folders have to be the same
            keys += [f"*/{name}" for name in self.expected(hr)] + [f"*/{mark.bare}?"]
        return next((some for key in keys if (some := self._right(hr, key))), [])

    def _right(self, hr: ImageFile, key: str) -> list[ImageFile]:
        some = self.named.get(key, [])
        if not key.endswith("?"):
            return some
        of_scale = [lr for lr in some if marks(lr.name).scale in (None, self.scale)]
        return of_scale or [lr for lr in some if fits(hr.hr, lr.hr, self.scale)]

    def others(self) -> str:
        """The scales of the files that are there instead."""
        if self.named or not self.shelves:
            return ""
        return f"; there are files of {', '.join(f'x{one}' for one in sorted(self.shelves))}"


def _as_regex(pattern: str, scale: int) -> str:
    first, _, last = pattern.partition("{name}")
    return "(?P<name>.+)".join(re.escape(_filled(one, "", scale)) for one in (first, last))


def _filled(pattern: str, name: str, scale: int) -> str:
    return pattern.replace("{scale}", str(scale)).replace("{name}", name)


def _check(pattern: str) -> None:
    """Refuse a pattern without {name}, or with another placeholder.

    Raises:
        StudyError: the pattern cannot be one.
    """
    if not pattern:
        return
    left, arrow, right = pattern.rpartition("->")
    sides = [right, left] if arrow else [right]
    odd = set(re.findall(r"{[^}]*}", pattern)) - {"{name}", "{scale}"}
    if odd or any(side.count("{name}") != 1 for side in sides):
        raise StudyError(
            f"pattern {pattern!r} is not the name of an LR file made of {{name}}, the HR file's "
            "name without suffix, and {scale}; or HR -> LR, as in '{name}_sharp -> {name}_soft'"
        )


def fits(hr: Path, lr: Path, scale: int) -> bool:
    """Whether an LR file has the size of an HR file divided by the scale."""
    one, other = _size(hr), _size(lr)
    return one is not None and other == (one[0] // scale, one[1] // scale)


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return size_of(path)
    except InputError:  # decoding names it
        return None


def _of_one_name(files: Iterable[ImageFile]) -> dict[str, list[ImageFile]]:
    found: dict[str, list[ImageFile]] = defaultdict(list)
    for file in files:
        found[marks(file.name).name].append(file)
    return found


def _of_scale(some: Sequence[ImageFile], scale: int) -> Sequence[ImageFile]:
    """Of several HR images of one name those that are called of this scale, if any are."""
    for wanted in (scale, None):
        chosen = [file for file in some if marks(file.name).scale == wanted]
        if chosen:
            return chosen
    return some


def _named(files: Sequence[ImageFile]) -> str:
    return few([str(file.hr) for file in files], MOST_NAMED)
