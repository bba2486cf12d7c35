"""A key of a study file, declared once: its meaning, an example, how it is read, its schema.

Reading, the JSON Schema, the reference in the documentation and "did you mean" all follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from srbench.core.errors import Path, StudyError, brief
from srbench.core.registry import known

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
TEXTS: Schema = {"type": "array", "items": TEXT}
NOTHING: Schema = {"type": "null"}


def part(slot: str) -> Schema:
    """A choice of a slot: the schema has a definition for each."""
    return {"$ref": f"#/$defs/{slot}"}


@dataclass(frozen=True)
class Key:
    """The meaning of a key, the schema of its value, its default, the reading of a value.

    A schema that names registered parts is a function, called once they are loaded. Without
    `read` the value is taken as written. `example` is a value as a study file writes it.
    """

    about: str
    schema: Schema | Callable[[], Schema]
    default: Any = None
    read: Callable[[Any, Path], Any] = lambda written, at: written
    example: str = ""


def text(about: str, default: str | None = "", *, example: str = "") -> Key:
    """A text, its spaces single."""
    return Key(about, TEXT, default, _text, example)


def whole(about: str, default: int | None, low: int, high: int, *, example: str = "") -> Key:
    """A whole number from `low` to `high`."""

    def read(written: object, at: Path) -> int:
        number = _whole(written, at)
        if not low <= number <= high:
            raise StudyError(f"{number} is not a number from {low} to {high}", at)
        return number

    return Key(about, WHOLE | {"minimum": low, "maximum": high}, default, read, example)


def one_of(
    about: str, names: Iterable[str], noun: str, default: str | None = None, *, example: str = ""
) -> Key:
    """One of some names."""
    listed = dict.fromkeys(names)

    def read(written: object, at: Path) -> str:
        name = _text(written, at)
        known(name, listed, noun, at)
        return name

    return Key(about, {"enum": list(listed)}, default, read, example)


def texts(
    about: str, default: Iterable[str] = (), items: Schema = TEXT, *, example: str = ""
) -> Key:
    """A list of texts; one of them may stand alone, nothing is none."""
    schema = {"anyOf": [{"type": "array", "items": items}, items, NOTHING]}
    return Key(about, schema, list(default), _texts, example)


def taken(
    written: object, keys: Mapping[str, Key], at: Path = (), expected: str = "{key: value}"
) -> dict[str, Any]:
    """The value of every key, as written or by default.

    Raises:
        StudyError: no mapping, an unknown key, or a value that its key does not take.
    """
    if not isinstance(written, dict):
        raise StudyError(f"write {expected}, found {brief(written)}", at)
    for name in written:
        known(name, keys, "key", (*at, name))
    return {
        name: key.read(written[name], (*at, name)) if name in written else key.default
        for name, key in keys.items()
    }


def schema_of(keys: Mapping[str, Key]) -> Schema:
    """The schema of a mapping with these keys and no others."""
    properties = {name: _described(key) for name, key in keys.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _described(key: Key) -> Schema:
    about = f"{key.about}. Example: {key.example}" if key.example else key.about
    return {"description": about} | (key.schema() if callable(key.schema) else key.schema)


def _text(written: object, at: Path) -> str:
    if not isinstance(written, str):
        raise StudyError(f"{brief(written)} is not a text", at)
    return " ".join(written.split())


def _whole(written: object, at: Path) -> int:
    if type(written) is not int:
        raise StudyError(f"{brief(written)} is not a whole number", at)
    return written


def _texts(written: object, at: Path) -> list[str]:
    listed = [] if written is None else [written] if isinstance(written, str) else written
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise StudyError(f"{brief(written)} is not a list of texts", at)
    return [" ".join(one.split()) for one in listed]
