"""Errors in what a user asked for: one line each, and exit code 2.

A message says where, what was found, and what is allowed.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Collection
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""The keys from the top of a document to one of its values."""

UNSEEN = re.compile(  # control characters that change what a terminal or a page shows
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


class UserError(ValueError):
    """The base of all errors that a user can correct. The message names the place."""

    exit_code = 2

    def __init__(self, problem: str, path: Path = (), place: str = "") -> None:
        super().__init__(problem, path, place)
        self.problem, self.path, self.place = problem, path, place

    def __str__(self) -> str:
        path = ".".join(f"{key!s:.80}" for key in self.path)
        where = " ".join(filter(None, (self.place, path)))
        return printable(f"{where}: {self.problem}" if where else self.problem)


class StudyError(UserError):
    """Wrong in a study file, or in a part or setting that it names."""


class InputError(UserError):
    """Wrong in another file (images, weights, figures), or in an option of a command."""


class DatabaseError(UserError):
    """A database cannot be opened, read or merged, or lacks what was asked for."""


class NoDatabase(DatabaseError):
    """There is no database at this address yet, or an empty one."""


class ReadOnly(DatabaseError):
    """The database is whole, but this user or role may only read it."""


class ServerGone(DatabaseError):
    """A server ended the connection within a transaction, of which nothing is stored."""


class DeviceError(UserError):
    """A device is missing, in use, or broken."""


class DiskError(UserError):
    """A file was not written, for the disk is full or fails; its old content is still there."""


def first_line(problem: BaseException) -> str:
    """The first line of an error's message, at most 200 characters, or its type."""
    return (next(iter(str(problem).splitlines()), "") or type(problem).__name__)[:200]


def unknown(what: str, name: object, names: Collection[str]) -> str:
    """`attention 'sse' is unknown; did you mean 'se'? (known: none, se)`."""
    listed = ", ".join(names) or "none"
    return f"{what} {brief(name)} is unknown{did_you_mean(name, names)} (known: {listed})".lstrip()


def did_you_mean(name: object, names: Collection[str]) -> str:
    """`; did you mean 'se'?`, or nothing where no other name is near; SE is nearest to se."""
    others = {other.casefold(): other for other in names if other != name}
    near = [others[one] for one in get_close_matches(str(name).casefold(), others, n=1)]
    return f"; did you mean {near[0]!r}?" if near else ""


def printable(text: str) -> str:
    """The text with control characters as escapes (`\\x1b`), on one line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def brief(value: object) -> str:
    """The repr of a value, shortened."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlong, _SHORT.maxlevel = 40, 3
