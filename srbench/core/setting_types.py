"""The types of a part's settings: their names in help and errors, and the check of a value.

int, float, str, bool, Literal, `T | None`, tuple[T, ...], Annotated[T, Range(low, high)], Folder,
File, and Annotated[T, slot], where the slot checks the value itself.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from srbench.core.errors import Path, StudyError, brief, unknown


@dataclass(frozen=True)
class Range:
    """The values a number may take, both ends included."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"{self.low:g} or more"
        return f"{self.low:g} to {self.high:g}"


Positive = Annotated[int, Range(1)]


@dataclass(frozen=True)
class _PathRule:
    """Marks a text that is a path."""

    name: str

    def parse(self, value: object, path: Path) -> str:
        text: str = checked(value, str, path)
        return text


Folder = Annotated[str, _PathRule("path of a folder")]
File = Annotated[str, _PathRule("path of a file")]
"""A relative path counts from the folder of the study file that has it."""


def type_name(hint: Any) -> str:
    """A setting's type in words, for help and error messages."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rule = args[1]
        return f"{type_name(args[0])}, {rule}" if isinstance(rule, Range) else str(rule.name)
    if origin is Literal:
        return " | ".join(map(str, args))
    if origin in (Union, types.UnionType):
        return " | ".join("none" if a is type(None) else type_name(a) for a in args)
    if origin is tuple:
        return f"list of {type_name(args[0])}"
    return {"str": "text", "float": "number", "int": "whole number", "bool": "true | false"}.get(
        getattr(hint, "__name__", ""), str(hint)
    )


def checked(value: object, hint: Any, path: Path = ()) -> Any:
    """The value of a setting of this type; lists become tuples.

    Raises:
        StudyError: the value is not of that type.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and not isinstance(args[1], Range):
        return args[1].parse(value, path)
    if origin is Annotated:
        number = checked(value, args[0], path)
        if not args[1].low <= number <= args[1].high:
            raise StudyError(f"{brief(value)} is not {args[1]}", path)
        return number
    if origin is Literal:
        if not any(type(value) is type(a) and value == a for a in args):
            raise StudyError(unknown("value", value, sorted(map(str, args))), path)
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        [inner] = [a for a in args if a is not type(None)]
        return checked(value, inner, path)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise StudyError(f"{brief(value)} is not a {type_name(hint)}; write [a, b]", path)
        return tuple(checked(v, args[0], (*path, i)) for i, v in enumerate(value))
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):  # type: ignore[arg-type]
        raise StudyError(f"{brief(value)} is not a {type_name(hint)}", path)
    return value


def known(name: object, names: Mapping[str, Any], what: str, path: Path = ()) -> None:
    """Raise a StudyError that offers the nearest name, unless `name` is one of `names`."""
    if not isinstance(name, str) or name not in names:
        raise StudyError(unknown(what, name, sorted(names)), path)
