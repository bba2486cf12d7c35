"""Checks that rows hold what srbench writes, before a report uses them.

SQLite stores any value in any column, so a damaged or doctored file may hold text for numbers,
unknown states, or paths that lead out of the folder. Such a file is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import PurePosixPath, PureWindowsPath
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pandas as pd

from srbench.analysis.results import Results, StudyFacts
from srbench.store.columns import REASONS, ROLES, STATES, CorruptRowError


def check_facts(plain: dict[str, Any]) -> None:
    """Refuse facts that lack a field, have another, or hold something of another kind."""
    hints = get_type_hints(StudyFacts)
    needed = {field.name for field in fields(StudyFacts) if is_needed(field)}
    odd = (set(plain) - set(hints)) | (needed - set(plain))
    if odd:
        raise CorruptRowError(f"the facts of a plan lack or should lack {sorted(odd)}"[:120])
    for name, value in plain.items():
        if not fits(value, hints[name]):
            raise CorruptRowError(f"the fact {name} is {value!r}"[:80])


def fits(value: Any, hint: Any) -> bool:
    """Whether plain JSON has the type of a field: lists are tuples, objects dataclasses."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is UnionType:
        return any(fits(value, one) for one in args)
    if origin is tuple and isinstance(value, list):
        kinds = args[:1] * len(value) if args[-1] is Ellipsis else args
        return len(kinds) == len(value) and all(map(fits, value, kinds))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return all(fits(one, args[1]) for one in value.values())
    if is_dataclass(hint):
        return isinstance(value, dict) and set(value) == {field.name for field in fields(hint)}
    if origin is not None or (isinstance(value, bool) and hint is not bool):
        return False
    return isinstance(value, int | float if hint is float else hint)


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
