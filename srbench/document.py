"""YAML that remembers where everything stands, and refuses what would surprise.

Scalars follow YAML 1.2, so that `1e-4` is a number and `no` is text; a key may stand once; size,
depth and the number of values are limited, aliases included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import yaml

from srbench.registry import Path, StudyError

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 1_000_000, 32, 10_000

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass
class Document:
    """A file's plain value, and the line and column of everything in it."""

    file: str
    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """`file:line:column` of a path, or of the nearest place above it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                line, column = self.places[path[:end]]
                return f"{self.file}:{line}:{column}"
        return self.file

    def located(self, error: StudyError) -> StudyError:
        """The same error, saying where in the file it is."""
        return StudyError(error.problem, error.path, error.place or self.place(error.path))


def read(file: File) -> tuple[str, Document]:
    """The text of a YAML file and its document.

    Raises:
        StudyError: the file is missing, not text, not YAML, or beyond the limits.
    """
    try:
        raw = file.read_bytes()
    except OSError as problem:
        raise StudyError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    if len(raw) > MAX_BYTES:
        raise StudyError(f"{len(raw):,} bytes; at most {MAX_BYTES:,} are read", place=str(file))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise StudyError(f"not UTF-8 text (byte {problem.start})", place=str(file)) from None
    return text, parse(text, str(file))


def parse(text: str, file: str = "<text>") -> Document:
    """Parse YAML text; `file` is the name that errors give."""
    document = Document(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document.value = _Reader(document).value(node, (), 0) if node is not None else None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise StudyError(f"not YAML: {problem.problem or problem.context}", place=place) from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        if isinstance(problem, StudyError):
            raise
        detail = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise StudyError(f"not YAML: {detail}", place=file) from None
    return document


class _Reader:
    """Turns YAML nodes into plain values, counting as it goes."""

    def __init__(self, document: Document) -> None:
        self.document, self.count = document, 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.count += 1
        where = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.document.places.setdefault(path, where)
        if depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep", node)
        if self.count > MAX_VALUES:
            raise self._error(f"more than {MAX_VALUES:,} values", node)
        if node.tag not in _TAGS:
            raise self._error(f"tags such as {node.tag} are not read", node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(v, (*path, i), depth + 1) for i, v in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error("a key must be a plain word", key_node)
            key = str(key_node.value)
            if key in found:
                raise self._error(f"{key!r} stands here twice", key_node)
            mark = key_node.start_mark
            self.document.places[(*path, key)] = (mark.line + 1, mark.column + 1)
            found[key] = self.value(value_node, (*path, key), depth + 1)
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        if getattr(node, "style", None) is not None:
            return text  # quoted, so text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _error(self, problem: str, node: yaml.Node) -> StudyError:
        mark = node.start_mark
        place = f"{self.document.file}:{mark.line + 1}:{mark.column + 1}"
        return StudyError(problem, place=place)


_TAGS = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
