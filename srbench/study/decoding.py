"""The images that a plan asks for: each set is decoded once, training sets once for all plans."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL

from srbench.core.cache import cached
from srbench.core.errors import StudyError, UserError
from srbench.core.registry import Choice
from srbench.data.decoded import Dataset, decode, from_outline, outline, signature, without_pixels
from srbench.data.folders import ImageFile
from srbench.study import identity
from srbench.study.tree import dataset_name

JUST_NOW_S = 2.0


@dataclass
class Decoded:
    """The images that variants ask for, each set read once."""

    scale: int
    sets: dict[tuple[str, Choice, int], Dataset] = field(default_factory=dict)  # role, set, scale
    files: dict[tuple[str, str], list[ImageFile]] = field(default_factory=dict)  # role, manifest

    def __call__(self, choice: Choice, role: str, scale: int | None = None) -> Dataset:
        """A set at a scale, by default the study's."""
        key = (role, choice, scale or self.scale)
        if key not in self.sets:
            self.sets[key] = self._decoded(*key)
        return self.sets[key]

    def at_scale(self) -> dict[tuple[str, str], Dataset]:
        """The sets at the study's scale, once each: (role, manifest) -> images."""
        found = {key: images for key, images in self.sets.items() if key[2] == self.scale}
        return {(role, images.manifest): images for (role, _, _), images in found.items()}

    def with_files(self, choice: Choice, role: str) -> tuple[Dataset, list[ImageFile]]:
        """A set with the files that it was read from."""
        images = self(choice, role)
        return images, self.files[role, images.manifest]

    def _decoded(self, role: str, choice: Choice, scale: int) -> Dataset:
        try:
            found = list(choice.build()(role, scale))
            decoded = _images(found, choice, role, scale)
        except UserError as error:
            problem = f"{error.place}: {error.problem}" if error.place else error.problem
            raise StudyError(problem, error.path or ("data", role)) from None
        self.files[role, decoded.manifest] = found
        return decoded


def _images(files: list[ImageFile], choice: Choice, role: str, scale: int) -> Dataset:
    """A set decoded; of what only trains or validates no more than a plan needs, and once only.

    The outline of unchanged files is cached between plans. Files written just now are read each
    time, since a second write in the same instant could go unnoticed.
    """
    name = dataset_name(choice)
    if role == "eval":  # pictures are made of them
        return decode(files, name, role, scale)

    def make() -> dict[str, Any]:
        return outline(decode(files, name, role, scale, without_pixels))

    paths = [path for file in files for path in (file.hr, file.lr) if path is not None]
    if not all(map(_stands, paths)):
        return from_outline(make(), name, role)
    return from_outline(
        cached("images", decoding_key(files, choice, role, scale), make), name, role
    )


def decoding_key(files: list[ImageFile], choice: Choice, role: str, scale: int) -> str:
    """What decides the result of decoding a set."""
    code = identity.code_digest()
    return identity.digest([signature(files), choice.to_json(), role, scale, code, PIL.__version__])


def _stands(path: Path) -> bool:
    """Whether a file exists and was not written in the last seconds."""
    try:
        return path.stat().st_ctime < time.time() - JUST_NOW_S
    except OSError:  # decoding reports a missing file
        return False
