"""Column types that mean the same on SQLite and PostgreSQL, and numbers SQL has no word for.

SQLite turns NaN into NULL and JSON has no infinity. So a number that is not finite is stored
as NULL with its name in another column, so that `avg(value)` in any program leaves it out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Boolean, Dialect, Double, Integer, Text, TypeDecorator

from srbench.core.command_line import masked_command

NOT_FINITE = ("nan", "inf", "-inf")
STATES = ("queued", "running", "interrupted", "done", "failed", "pruned")
ROLES = ("baseline", "variant", "twin", "control", "interpolation", "candidate")
REASONS = ("diverged", "oom", "error", "lost")
QUANTITIES = ("latency", "step_time")


class CorruptRowError(ValueError):
    """A stored value that srbench never writes; reading turns it into a DatabaseError."""


class Words(TypeDecorator[str]):
    """Text that every database takes: no NUL, no lone surrogates (file names may hold both)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class CommandLine(Words):
    """A command as it was typed, without the password of a database, also on reading."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(masked_command(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else masked_command(value)


class PlainJson(TypeDecorator[Any]):
    """Plain data as JSON text, in the order given; NaN is refused, as by every JSON reader."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


KINDS: tuple[tuple[type[Any], tuple[type, ...]], ...] = (
    (Boolean, (bool,)),
    (Double, (float, int)),
    (BigInteger, (int,)),
    (Integer, (int,)),
    (PlainJson, (dict, list)),
)
"""The Python types that a column's values have; of all others str."""


def storable(text: str) -> str:
    """The text with what no database takes replaced by question marks."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


def to_json(value: Any) -> str:
    """Compact JSON in the order given. Names of files may hold what UTF-8 does not: escaped."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def split_number(value: float) -> tuple[float | None, str | None]:
    """A number as (value, not_finite): exactly one of the two is None.

    Minus zero becomes zero, which SQLite would make of it anyway: so both databases store the same.
    """
    number = float(value) + 0.0
    if math.isfinite(number):
        return number, None
    return None, "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def join_number(value: float | None, not_finite: str | None) -> float:
    """The inverse of `split_number`."""
    return float(not_finite) if not_finite is not None else math.nan if value is None else value


def iso(seconds: float) -> str:
    """A moment as ISO 8601 in UTC with microseconds: sorts as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def check_kinds(rows: Sequence[tuple[Any, ...]], columns: Iterable[Any]) -> None:
    """Refuse a value of another kind than its column holds; the schema guards None."""
    for place, column in enumerate(columns):
        kind, of = (*kind_of(column.type), type(None)), itemgetter(place)
        if all(issubclass(found, kind) for found in set(map(type, map(of, rows)))):
            continue
        wrong = next(value for value in map(of, rows) if not isinstance(value, kind))
        raise CorruptRowError(f"{column.key} is {wrong!r}"[:80])


def kind_of(column_type: Any) -> tuple[type, ...]:
    """The Python types that a column's values have."""
    return next((python for sql, python in KINDS if isinstance(column_type, sql)), (str,))
