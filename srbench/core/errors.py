"""What can be wrong with what a person gave: one line each, and exit code 2.

A message says where, what was found, and what is allowed.
"""

from __future__ import annotations

import re
import reprlib

Path = tuple[str | int, ...]
"""The keys on the way to a place in a document."""

UNSEEN = re.compile(  # what no text needs, and a terminal or a page would obey
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


class UserError(ValueError):
    """The user's input asks for something that cannot be. The message names the place."""

    exit_code = 2

    def __init__(self, problem: str, path: Path = (), place: str = "") -> None:
        super().__init__(problem, path, place)
        self.problem, self.path, self.place = problem, path, place

    def __str__(self) -> str:
        path = ".".join(f"{key!s:.80}" for key in self.path)
        where = " ".join(filter(None, (self.place, path)))
        return printable(f"{where}: {self.problem}" if where else self.problem)


class StudyError(UserError):
    """A study file, a part or a setting that it names."""


class InputError(UserError):
    """Another file that was given (images, weights, figures), or an option of a command."""


class DatabaseError(UserError):
    """A database that cannot be opened, read or merged, or does not hold what was asked for."""


class DeviceError(UserError):
    """A device that is not there, in use, or broken."""


class DiskError(UserError):
    """A disk that is full, or refuses: a file was not written; what was there before still is."""


def first_line(problem: BaseException) -> str:
    """What went wrong, in one line of at most 200 characters."""
    return (next(iter(str(problem).splitlines()), "") or type(problem).__name__)[:200]


def printable(text: str) -> str:
    """One line that a terminal shows and does not obey: other characters as escapes (`\\x1b`)."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def brief(value: object) -> str:
    """A value as it was found, cut short where it is long."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlong, _SHORT.maxlevel = 40, 3
