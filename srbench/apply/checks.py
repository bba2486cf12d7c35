"""One comparison of a number made here with one that is known, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

State = Literal["right", "wrong", "differs", "skipped"]


@dataclass(frozen=True)
class Check:
    """One thing compared.

    state  right; wrong: srbench measures otherwise than the field; differs: the data at hand are
           not those of the literature; skipped: it could not be compared, and `note` says why
    """

    group: str
    what: str
    state: State
    expected: str = ""
    found: str = ""
    note: str = ""


def near(
    group: str, what: str, expected: float, found: float, within: float, digits: int = 4
) -> Check:
    """Right where two numbers agree; both may be infinite."""
    agree = expected == found or abs(expected - found) <= within
    state: State = "right" if agree else "wrong"
    return Check(group, what, state, _number(expected, digits), _number(found, digits))


def same(group: str, what: str, expected: object, found: object) -> Check:
    """Right where two values are equal."""
    return Check(group, what, "right" if expected == found else "wrong", str(expected), str(found))


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else str(value)
