"""Checks that rows hold what srbench writes, before a report uses them.

SQLite stores any value in any column, so a damaged or doctored file may hold text for numbers,
unknown states, or paths that lead out of the folder. Such a file is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields
from operator import itemgetter
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, get_type_hints

import pandas as pd
from sqlalchemy import BigInteger, Boolean, Double, Integer

from srbench.analysis.results import Results, StudyFacts
from srbench.core.part_facts import MetricFacts, Metrics
from srbench.store.columns import REASONS, ROLES, STATES, PlainJson
from srbench.store.values import CorruptRowError

KINDS: tuple[tuple[type[Any], tuple[type, ...]], ...] = (
    (Boolean, (bool,)),
    (Double, (float, int)),
    (BigInteger, (int,)),
    (Integer, (int,)),
    (PlainJson, (dict, list)),
)
PLAIN = {
    str: (str,), int: (int,), float: (int, float), Metrics: (dict,),
    dict[str, Any]: (dict,), dict[str, str]: (dict,),
}  # fmt: skip


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


def check_facts(plain: dict[str, Any]) -> None:
    """Refuse facts that lack a field, have another, or hold something of another kind."""
    hints = get_type_hints(StudyFacts)
    needed = {field.name for field in fields(StudyFacts) if is_needed(field)}
    odd = (set(plain) - set(hints)) | (needed - set(plain))
    if odd:
        raise CorruptRowError(f"the facts of a plan lack or should lack {sorted(odd)}"[:120])
    for name, value in plain.items():
        kind = PLAIN.get(hints[name])
        if kind is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise CorruptRowError(f"the fact {name} is {value!r}"[:80])
    if not isinstance(plain.get("synthetic", False), bool):
        raise CorruptRowError(f"the fact synthetic is {plain['synthetic']!r}"[:80])
    if not isinstance(plain["min_effect"], int | float | None):
        raise CorruptRowError(f"the fact min_effect is {plain['min_effect']!r}"[:80])
    if not all(type(seed) is int for seed in plain["seeds"]):
        raise CorruptRowError(f"the seeds are {plain['seeds']!r}"[:80])
    for facts in plain.get("metric_facts", {}).values():
        if not isinstance(facts, dict) or set(facts) != {f.name for f in fields(MetricFacts)}:
            raise CorruptRowError(f"the facts of a metric are {facts!r}"[:80])
    for name in ("overrides", "notes"):
        if not all(isinstance(text, str) for text in plain[name]):
            raise CorruptRowError(f"the fact {name} is {plain[name]!r}"[:80])
    if not all(isinstance(own, str) for own in plain.get("twins", {}).values()):
        raise CorruptRowError(f"the fact twins is {plain['twins']!r}"[:80])


def is_needed(field: Field[Any]) -> bool:
    """Whether facts must have this field: one that came later has a default."""
    return field.default is MISSING and field.default_factory is MISSING


def check_results(results: Results) -> None:
    """Refuse unknown words and paths that lead out of the database's folder."""
    variants, runs = results.variants, results.runs
    for frame, name, allowed in (
        (variants, "role", ROLES),
        (runs, "state", STATES),
        (runs, "reason", REASONS),
    ):
        strange = set(frame[name].dropna()) - set(allowed)
        if strange:
            raise CorruptRowError(f"{name} is {min(strange)!r}"[:80])
    if results.facts.baseline not in set(variants["variant"]):
        raise CorruptRowError(f"the baseline {results.facts.baseline!r} is no variant"[:120])
    for path in pd.concat([runs["weights"], results.pictures["path"]]).dropna():
        check_path(path)


def check_path(path: str) -> None:
    """Refuse a path that is absolute or climbs, on any system."""
    for kind in (PurePosixPath, PureWindowsPath):
        pure = kind(path)
        if pure.is_absolute() or pure.drive or ".." in pure.parts:
            raise CorruptRowError(f"the path {path!r} leads out of the folder"[:160])
