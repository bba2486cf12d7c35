"""Everything that a variant may change, as one value: three trees of choices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from srbench.core import slots
from srbench.core.errors import Path, StudyError, brief
from srbench.core.registry import Choice
from srbench.study.written import patches_written


@dataclass(frozen=True)
class Tree:
    """Everything that a variant may change: the effective settings of its runs."""

    model: Choice
    train: Choice
    data: Choice

    def set(self, path: str, written: object, at: Path = ()) -> Tree:
        """A copy with one place changed: "rates", "train.epochs", "data.degradation", "model"."""
        head, _, rest = path.partition(".")
        if head == "model" and not rest:
            return replace(self, model=slots.model.parse(written, at))
        if path == "data.patches" and isinstance(written, dict):
            cut, patches = patches_written(written, at)
            return self.set("data.cut", cut, at).set(path, patches, at)
        if head in ("train", "data"):
            if not rest:
                raise StudyError(f"name a setting: {head}.something", at)
            return replace(self, **{head: getattr(self, head).set(rest, written, at)})
        if head == "model":
            return replace(self, model=self.model.set(rest, written, at))
        longer = [leaf for leaf in self.leaves() if leaf.endswith(f".{path}")]
        if longer and head not in dict(self.model.settings):
            name = f"{self.model.name} has no setting {brief(head)}"
            raise StudyError(f"{name}; did you mean {' or '.join(longer[:3])}?", at)
        return replace(self, model=self.model.set(path, written, at))

    def leaves(self) -> dict[str, str | int | float | bool | None]:
        """Every place and its plain value, model settings first."""
        found = dict(self.model.leaves())
        for name in ("train", "data"):
            choice: Choice = getattr(self, name)
            found |= {path: value for path, value in choice.leaves(name) if path != name}
        return found


Role = Literal["baseline", "variant", "twin", "control", "interpolation", "candidate"]


@dataclass(frozen=True)
class Variant:
    """A named tree; `change` is what the study file says of it.

    A salt gives it random draws of its own, which no other variant of the same seed shares; a
    width-matched twin names the variant whose cost it has.
    """

    name: str
    role: Role
    tree: Tree
    change: str
    salt: str = ""
    twin_of: str = ""


SCALES = (1, 2, 3, 4, 8)


def scale_written(written: object, at: Path = ("scale",)) -> int:
    """The scale of a study."""
    if type(written) is not int:
        raise StudyError(f"{brief(written)} is not a whole number", at)
    if written not in SCALES:
        raise StudyError(f"{brief(written)} is not 1, 2, 3, 4 or 8", at)
    return written


def check_patch(tree: Tree, scale: int) -> None:
    if tree.data["patch"] % scale:
        raise StudyError(
            f"{tree.data['patch']} does not divide by the scale {scale}", ("data", "patch")
        )


def dataset_name(choice: Choice) -> str:
    """What a set is called in scores and tables: its part, with the settings that were given."""
    return str(choice)


def describe(choice: Choice) -> dict[str, Any]:
    """A tree's settings as plain data, for the database."""
    plain = choice.to_json()
    return {} if isinstance(plain, str) else dict(plain[choice.name])
