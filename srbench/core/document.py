"""YAML with the line and column of every value; surprising input is refused.

Scalars follow YAML 1.2, so that `1e-4` is a number and `no` is text. Keys are unique. Size, depth
and the number of values are limited, aliases included.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import yaml

from srbench.core.errors import UNSEEN, Path, StudyError, UserError, brief, first_line

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 1_000_000, 32, 10_000

_QUOTES = r"within double quotes \ starts an escape: use single quotes"
_DRIVE = re.compile(r"[A-Za-z]:[\x00-\x1f\x85\xa0\u2028\u2029]")  # of C:\new in double quotes
_HINTS = {  # PyYAML's message -> what to do
    "mapping values are not allowed here": "quote a text that holds ': ', and indent evenly",
    "found character '\\t'": "indent by spaces, not tabs",
    "found unknown escape character": _QUOTES,
    "hexadecimal numbers": _QUOTES,
    "found character": "quote a text that begins with it",
    "but found another document": "a study is one document",
    "could not find expected ':'": "write key: value, and indent evenly",
    "found unexpected end of stream": "a quote or a bracket is left open",
    "<stream end>": "a quote or a bracket is left open",
    "<block ": "indent evenly",
    "found undefined alias": "write it as &name first, or quote a text that begins with *",
}
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass
class Document:
    """A file's plain value, and the line and column of every value in it.

    `above` is the document whose values it takes over where it has none.
    """

    file: str
    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    above: Document | None = None

    @property
    def all(self) -> tuple[Document, ...]:
        """This document and those above it."""
        return (self, *(self.above.all if self.above else ()))

    def knows(self, path: Path) -> bool:
        """Whether this document or one above it has a value at `path`."""
        return any(path in document.places for document in self.all)

    def place(self, path: Path) -> str:
        """`file:line:column` of a path, or of the nearest place above it."""
        document, nearest = self._nearest(path)
        if nearest not in document.places:
            return self.file
        line, column = document.places[nearest]
        return f"{document.file}:{line}:{column}"

    def folder(self, path: Path) -> str:
        """The folder of the file that has the value at `path`, or the nearest one above it."""
        return str(File(self._nearest(path)[0].file).parent)

    def _nearest(self, path: Path) -> tuple[Document, Path]:
        """The document that has the value at `path` or the nearest place above it, and that."""
        for end in range(len(path), -1, -1):
            for document in self.all:
                if path[:end] in document.places:
                    return document, path[:end]
        return self, ()

    def located(self, error: UserError) -> UserError:
        """The same error with its place in the file."""
        kind = type(error) if isinstance(error, StudyError) else StudyError
        return kind(error.problem, error.path, error.place or self.place(error.path))


def read(file: File) -> tuple[str, Document]:
    """The text of a YAML file and its document.

    Raises:
        StudyError: the file is missing, not text, not YAML, or beyond the limits.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as problem:
        raise StudyError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    if len(raw) > MAX_BYTES:
        raise StudyError(f"more than {MAX_BYTES:,} bytes", place=str(file))
    try:
        text = decoded(raw)
    except UnicodeError as problem:
        raise StudyError(f"{problem}; a study is a YAML file", place=str(file)) from None
    return text, parse(text, str(file))


def decoded(raw: bytes) -> str:
    """Text in UTF-8, or in UTF-16 as PowerShell writes it, without its byte order mark.

    Raises:
        UnicodeError: any other encoding, with what to do.
    """
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    elif b"\0" in raw[:2]:
        raise UnicodeError("UTF-16 text without a byte order mark, or no text; save it as UTF-8")
    else:
        encoding = "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as problem:
        name = encoding.removesuffix("-sig").upper()
        line = raw[: problem.start].count(b"\n") + 1
        remedy = "" if b"\0" in raw else "; save it as UTF-8"
        raise UnicodeError(f"not {name} text (line {line}){remedy}") from None


def parse(text: str, file: str = "<text>") -> Document:
    """Parse YAML text; `file` is the name that errors give."""
    document = Document(file)
    try:
        if unseen := UNSEEN.search(text):
            line, column = text.count("\n", 0, unseen.start()), unseen.start() - 1
            column -= text.rfind("\n", 0, unseen.start())
            _check_seen(unseen[0], yaml.Mark(file, unseen.start(), line, column, None, 0))
        node = yaml.compose(text, Loader=_Bounded)
        document.value = _Reader(document).value(node, (), 0) if node is not None else None
    except yaml.MarkedYAMLError as problem:
        message = problem.problem or problem.context or ""
        if not isinstance(problem, _Refused):
            hint = next((f" ({do})" for words, do in _HINTS.items() if words in message), "")
            message = f"not YAML: {message}{hint}"
        mark = problem.problem_mark or problem.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise StudyError(message, place=place) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as problem:
        raise StudyError(f"not YAML: {first_line(problem)}", place=f"{file}:1:1") from None
    return document


class _Refused(yaml.MarkedYAMLError):
    """YAML that is not read."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def _check_limits(depth: int, count: int, mark: yaml.Mark) -> None:
    if depth > MAX_DEPTH:
        raise _Refused(f"nested more than {MAX_DEPTH} deep", mark)
    if count > MAX_VALUES:
        raise _Refused(f"more than {MAX_VALUES:,} values", mark)


def _check_seen(text: str, mark: yaml.Mark) -> None:
    if unseen := UNSEEN.search(text):
        raise _Refused(f"control character {unseen[0]!a}; remove it", mark)


class _Bounded(yaml.SafeLoader):
    """Stops at the limits while nodes are made; aliases are counted later."""

    nodes = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.nodes += not (isinstance(parent, yaml.MappingNode) and index is None)  # not a key
        here = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        _check_limits(self.depth, self.nodes, here)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Reader:
    """Turns YAML nodes into plain values, and counts them."""

    def __init__(self, document: Document) -> None:
        self.places, self.count, self.characters = document.places, 0, 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        mark = node.start_mark
        self.count += 1
        self.places.setdefault(path, (mark.line + 1, mark.column + 1))
        _check_limits(depth, self.count, mark)
        if node.tag not in _TAGS:
            raise _Refused(f"tags such as {node.tag:.80} are not read; remove it", mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        return [self.value(v, (*path, i), depth + 1) for i, v in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused("a key must be a plain word", mark)
            key = str(key_node.value)
            _check_seen(key, mark)
            if key in found:
                raise _Refused(f"the key {brief(key)} appears twice; remove one", mark)
            self.places[(*path, key)] = (mark.line + 1, mark.column + 1)
            found[key] = self.value(value_node, (*path, key), depth + 1)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        mark = node.start_mark
        self.characters += len(text)
        if self.characters > MAX_BYTES:
            raise _Refused(f"more than {MAX_BYTES:,} characters, aliases included", mark)
        if node.style == '"' and _DRIVE.match(text):
            raise _Refused(f"{brief(text)} is no path: {_QUOTES}", mark)
        _check_seen(text, mark)
        if node.style is not None:
            return text  # quoted, so text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text


_TAGS = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
