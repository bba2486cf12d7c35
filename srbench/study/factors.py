"""Factors: what a design turns on and off, and what its variants are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srbench.core.errors import Path, StudyError
from srbench.core.registry import in_words, known

BASE = "base"
_TAKEN = "+ : , = < > ( ) ' \" / \\".replace(" ", "")
Change = tuple[str, Any]  # a path and the value it takes


@dataclass(frozen=True)
class Level:
    """One setting of a factor: what it is called, and what it changes."""

    name: str  # "se", "channels_32"; empty where the factor is off
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Factor:
    """A thing that a design turns on and off, or sets to one of several values."""

    name: str
    levels: tuple[Level, ...]

    @property
    def switch(self) -> bool:
        """Whether it is on or off, rather than a list of values."""
        return self.levels[0] == Level("")


@dataclass(frozen=True)
class Combination:
    """One variant of a design: the level of every factor, and the changes that makes."""

    name: str
    levels: tuple[tuple[str, int], ...]  # factor -> which of its levels
    changes: tuple[Change, ...]


def factors_of(written: object, at: Path) -> tuple[Factor, ...]:
    """Read factors: `{se: {attention: scse}, channels: [32, 64]}`.

    Raises:
        StudyError: something is neither changes nor a list of values.
    """
    found = items(written, at)
    short = short_names([name for name, value in found if isinstance(value, list)])
    return tuple(_factor(name, value, short.get(name, name), (*at, name)) for name, value in found)


def _factor(path: str, written: object, name: str, at: Path) -> Factor:
    if isinstance(written, Mapping) and written:
        _check_name(name, at)
        return Factor(name, (Level(""), Level(name, tuple(written.items()))))
    if isinstance(written, list) and len(written) >= 2:
        levels = tuple(Level(value_name(name, v), ((path, v),)) for v in written)
        if len({level.name for level in levels}) < len(levels):
            raise StudyError("a value is in it twice", at)
        return Factor(name, levels)
    raise StudyError(
        "a factor is {path: value} (on or off) or a list of two values or more, "
        f"found {written!r}", at,
    )  # fmt: skip


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The last word of each path, or the whole path where two end alike."""
    ends = [path.rsplit(".", 1)[-1] for path in paths]
    return {p: e if ends.count(e) == 1 else p for p, e in zip(paths, ends, strict=True)}


def grouped(factors: tuple[Factor, ...], written: object, at: Path) -> tuple[Factor, ...]:
    """Factors that move together become one, at the place of the first of them."""
    if written is None:
        return factors
    left = {factor.name: factor for factor in factors}
    into: dict[str, Factor] = {}
    for name, members in items(written, at):
        where = (*at, name)
        _check_name(name, where)
        if not isinstance(members, list) or len(members) < 2:
            raise StudyError("a group is a list of two factors or more", where)
        changes: list[Change] = []
        for i, member in enumerate(members):
            known(member, left, "factor", (*where, i))
            if member in into or not left[member].switch:
                why = "is in two groups" if member in into else "is a list of values"
                raise StudyError(f"{member!r} {why}", (*where, i))
            changes += left[member].levels[1].changes
        _once([path for path, _ in changes], where)
        joined = Factor(name, (Level(""), Level(name, tuple(changes))))
        into |= dict.fromkeys(members, joined)
    found: list[Factor] = []
    for factor in factors:
        one = into.get(factor.name, factor)
        if not any(one is other for other in found):
            found.append(one)
    return tuple(found)


def separate(factors: tuple[Factor, ...], at: Path) -> None:
    """No two factors change one place: in a combination one would undo the other."""
    _once([factor.name for factor in factors], at)
    owner: dict[str, str] = {}
    for factor in factors:
        for path in dict.fromkeys(p for level in factor.levels for p, _ in level.changes):
            if path in owner:
                raise StudyError(f"{owner[path]} and {factor.name} both change {path}", at)
            owner[path] = factor.name


def _once(names: Sequence[str], at: Path) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise StudyError(f"{twice!r} is in it twice", at)


def named(factors: tuple[Factor, ...], levels: Sequence[int]) -> Combination:
    """The variant with these levels, called by what is on: `se+atrous`."""
    chosen = {factor.name: int(level) for factor, level in zip(factors, levels, strict=True)}
    words = [f.levels[chosen[f.name]].name for f in factors]
    return combination("+".join(filter(None, words)) or BASE, factors, chosen)


def combination(name: str, factors: tuple[Factor, ...], levels: Mapping[str, int]) -> Combination:
    """A variant with its changes, shorter paths first: `attention` before `attention.nodes`."""
    changes = [c for factor in factors for c in factor.levels[levels[factor.name]].changes]
    changes.sort(key=lambda change: change[0].count("."))
    return Combination(name, tuple(levels.items()), tuple(changes))


def distinct(combinations: Sequence[Combination], at: Path) -> tuple[Combination, ...]:
    """The combinations, if their names differ and are short enough for a variant."""
    seen: set[str] = set()
    for combination in combinations:
        if combination.name in seen:
            raise StudyError(
                f"two variants would be called {combination.name!r}; rename a factor", at
            )
        if len(combination.name) > 80:
            raise StudyError(f"the name {combination.name!r} is longer than 80 characters", at)
        seen.add(combination.name)
    return tuple(combinations)


def items(written: object, at: Path) -> list[tuple[str, Any]]:
    """The pairs of a mapping that may not be empty."""
    if not isinstance(written, Mapping) or not written:
        raise StudyError(
            f"factors are written as {{name: {{path: value}}}} or {{path: [values]}}, "
            f"found {written!r}", at,
        )  # fmt: skip
    return list(written.items())


def _check_name(name: str, at: Path) -> None:
    if not name.strip() or set(name) & set(_TAKEN):
        raise StudyError(f"{name!r} is no name for a factor: it may not hold {_TAKEN}", at)


def value_name(name: str, value: object) -> str:
    """`rates_1-2-1`: a value in a form that claims and the command line take without quotes."""
    return f"{name}_{_plain(value)}"


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        inner = (f"{k}-{_plain(v)}" if v not in (None, {}) else str(k) for k, v in value.items())
        return "-".join(inner)
    if isinstance(value, list | tuple):
        return "-".join(map(_plain, value))
    text = "none" if value is None else in_words(value)
    return "-".join(re.sub(r"[+=/\\:,()<>'\"\x00-\x1f\x7f]", " ", text).split())
