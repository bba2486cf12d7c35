"""Values of a study file that have short forms, names, and `PATH=VALUE` of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from srbench.core import document
from srbench.core.errors import UNSEEN, Path, StudyError, UserError, brief
from srbench.core.registry import in_words

NAME = re.compile(rf"(?:(?!{UNSEEN.pattern})[^\t\n\r/\\])" + "{1,80}")
NAMES = "a name has 1 to 80 characters, single spaces, no slash and no control character"
LEAST_VALIDATIONS = 30  # for ten in the last third, where convergence is judged


def mapping(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    written = value.get(key)
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise StudyError(f"settings are written as {{name: value}}, found {brief(written)}", (key,))
    return written


def data_written(written: Mapping[str, Any]) -> dict[str, Any]:
    """`patches: {fixed: 120}` is short for `patches: 120` and `cut: fixed`."""
    plain = dict(written)
    patches = plain.get("patches")
    if isinstance(patches, dict):
        plain["cut"], plain["patches"] = patches_written(patches, ("data", "patches"))
    return plain


def train_written(written: Mapping[str, Any]) -> dict[str, Any]:
    """`until: converged` names its `max_epochs`; they are the `epochs` of a run that is not yet."""
    given = dict(written)
    if given.get("until") != "converged":
        return given
    at: Path = ("train", "until")
    if "epochs" in given or "max_epochs" not in given:
        raise StudyError("converged goes with max_epochs, and not with epochs", at)
    given["epochs"] = given.pop("max_epochs")
    if not given.setdefault("validations", LEAST_VALIDATIONS) >= LEAST_VALIDATIONS:
        raise StudyError(f"converged needs {LEAST_VALIDATIONS} validations or more", at)
    return given


def patches_written(written: Mapping[str, Any], at: Path) -> tuple[str, Any]:
    if list(written) not in (["fixed"], ["fresh"]):
        raise StudyError("write a number, {fixed: number} or {fresh: number}", at)
    [(cut, patches)] = written.items()
    return cut, patches


def check_name(name: str, at: Path) -> None:
    if not is_name(name):
        raise StudyError(NAMES, at)


def is_name(name: str) -> bool:
    return bool(NAME.fullmatch(name)) and name == " ".join(name.split())


def as_written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {as_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_written, value)) + "]"
    return in_words(value)


def assignment(change: str) -> tuple[str, Any]:
    path, equals, written = change.partition("=")
    if not equals or not path.strip():
        raise StudyError("write PATH=VALUE, such as train.epochs=5", place=f"--set {change}")
    value = document.parse(written, f"--set {path}").value
    return path.strip(), value


@contextmanager
def option(option: str) -> Iterator[None]:
    """Errors inside are about an option of the command line, not about the file."""
    try:
        yield
    except UserError as error:
        raise StudyError(error.problem, error.path, option) from None
