"""From factors to named variants: which combinations of changes a study trains.

    design: {factorial: {se: {attention: scse}, atrous: {rates: [1, 2, 1]}, channels: [32, 64]}}

A factor is on or off, and then it is a name with its changes; or it has levels, and then it is a
path with a list of values. The kinds of design:

    leave_one_out   all on (`full`), and each left out once (`no_se`)
    add_one         none on (`base`), and each alone
    factorial       every combination: base, se, atrous, se+atrous
    fractional      a part of them, balanced: resolution 4 by default; confounded effects are
                    listed as aliases ("residual = se:atrous")
    zip             lists of values that go in step, one variant a position
    list            changes written out, one mapping a variant

A kind may be followed by `groups: {dilation: [rates, padding]}` (factors that vary together,
under one name) and, for `fractional`, `resolution: 3`, 4 or 5. On a line of its own, a design
replaces `variants`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from srbench.core.errors import Path, StudyError
from srbench.core.registry import known
from srbench.study.factors import (
    BASE,
    Combination,
    Factor,
    Level,
    combination,
    distinct,
    factors_of,
    grouped,
    items,
    named,
    separate,
    short_names,
    value_name,
)
from srbench.study.fractions import fraction
from srbench.study.keys import Key

Kind = Literal["leave_one_out", "add_one", "factorial", "fractional", "zip", "list"]
KINDS: dict[str, str] = {
    "leave_one_out": "all factors on, and each left out once",
    "add_one": "none on, and each alone",
    "factorial": "every combination",
    "fractional": "a balanced part of every combination, with its aliases",
    "zip": "lists of values that go in step",
    "list": "changes written out",
}
_SWITCHES = "{se: {attention: scse}, atrous: {rates: [1, 2, 1]}}"
_EXAMPLES = {
    "leave_one_out": _SWITCHES,
    "add_one": _SWITCHES,
    "factorial": "{se: {attention: scse}, channels: [16, 32]}",
    "fractional": "{a: {attention: scse}, b: {skip: bilinear}, c: {blocks: 4}, d: {channels: 32}}",
    "zip": "{channels: [16, 32], blocks: [3, 2]}",
    "list": "[{attention: scse}, {attention: scse, channels: 32}]",
}
DESIGN = {
    kind: Key(about, {"type": "array" if kind == "list" else "object"}, example=_EXAMPLES[kind])
    for kind, about in KINDS.items()
} | {
    "groups": Key(
        "factors that vary together, under one name",
        {"type": "object"},
        example="{both: [se, atrous]}",
    ),
    "resolution": Key(
        "of a fractional design: at 4 no effect of one factor is confounded with that of two",
        {"enum": [3, 4, 5]},
        4,
        example="3",
    ),
}
FULL = "full"
MOST_COMBINATIONS = 1000


@dataclass(frozen=True)
class Design:
    """The variants a study trains, and which effects its estimates confound."""

    kind: Kind
    factors: tuple[Factor, ...]
    combinations: tuple[Combination, ...]
    baseline: str  # the combination that others are compared with
    aliases: tuple[str, ...] = ()  # fractional only: "d = a:b:c"
    resolution: int | None = None

    def levels(self) -> dict[str, dict[str, int]]:
        """Combination -> factor -> level: what `srbench.analysis.attribution` works from."""
        return {one.name: dict(one.levels) for one in self.combinations}


def design(written: object, path: Path = ("design",)) -> Design:
    """Read a design as written in a study.

    Raises:
        StudyError: an unknown kind, a factor that fits no kind, or two variants of one name.
    """
    if not isinstance(written, Mapping) or not written:
        raise StudyError(f"write one of {', '.join(KINDS)} with its factors", path)
    for key in written:
        known(key, DESIGN, "design", (*path, key))
    kinds = [key for key in written if key in KINDS]
    if len(kinds) != 1:
        raise StudyError(f"one kind of design is expected here, found {len(kinds)}", path)
    kind: Kind = kinds[0]
    at = (*path, kind)
    if "resolution" in written and kind != "fractional":
        raise StudyError("resolution belongs to fractional", (*path, "resolution"))
    if kind in ("zip", "list"):
        if "groups" in written:
            raise StudyError(f"groups do not go with {kind}", (*path, "groups"))
        return _zipped(written[kind], at) if kind == "zip" else _listed(written[kind], at)
    factors = factors_of(written[kind], at)
    factors = grouped(factors, written.get("groups"), (*path, "groups"))
    separate(factors, at)
    match kind:
        case "leave_one_out":
            return _leave_one_out(factors, at)
        case "add_one":
            return _add_one(factors, at)
        case "factorial":
            return _factorial(factors, at)
    return _fractional(factors, written.get("resolution", 4), at, (*path, "resolution"))


def _leave_one_out(factors: tuple[Factor, ...], at: Path) -> Design:
    _switches(factors, "leave_one_out", at)
    every = {factor.name: 1 for factor in factors}
    combinations = [combination(FULL, factors, every)]
    combinations += [combination(f"no_{f.name}", factors, {**every, f.name: 0}) for f in factors]
    return Design("leave_one_out", factors, distinct(combinations, at), FULL)


def _add_one(factors: tuple[Factor, ...], at: Path) -> Design:
    switches = tuple(
        f if f.switch else Factor(f.name, (Level(""), *f.levels)) for f in factors
    )  # a list of values starts from the base network, whatever stands there
    none = {factor.name: 0 for factor in switches}
    combinations = [combination(BASE, switches, none)]
    for factor in switches:
        for i, level in enumerate(factor.levels[1:], 1):
            combinations.append(combination(level.name, switches, {**none, factor.name: i}))
    return Design("add_one", switches, distinct(combinations, at), BASE)


def _factorial(factors: tuple[Factor, ...], at: Path) -> Design:
    count = 1
    for factor in factors:
        count *= len(factor.levels)
    if count > MOST_COMBINATIONS:
        raise StudyError(f"{count:,} variants; at most {MOST_COMBINATIONS:,}. Try fractional", at)
    grid = product(*(range(len(factor.levels)) for factor in factors[::-1]))
    # the first factor changes fastest
    combinations = [named(factors, levels[::-1]) for levels in grid]
    return Design("factorial", factors, distinct(combinations, at), combinations[0].name)


def _fractional(factors: tuple[Factor, ...], resolution: object, at: Path, where: Path) -> Design:
    if resolution not in (3, 4, 5):
        raise StudyError(f"{resolution!r} is not 3, 4 or 5", where)
    wrong = next((f for f in factors if len(f.levels) != 2), None)
    if wrong:
        raise StudyError(
            f"a fraction takes factors of two levels; {wrong.name} has {len(wrong.levels)}", at
        )
    if len(factors) < 3:
        raise StudyError("a fraction needs three factors or more; use factorial", at)
    found = fraction([factor.name for factor in factors], int(resolution))
    if found is None:
        raise StudyError(
            f"no fraction of {len(factors)} factors has resolution {resolution}; use factorial",
            where,
        )
    combinations = [named(factors, row) for row in found.levels]
    return Design(
        "fractional",
        factors,
        distinct(combinations, at),
        combinations[0].name,
        found.aliases,
        found.resolution,
    )


def _zipped(written: object, at: Path) -> Design:
    lists = dict(items(written, at))
    for path, values in lists.items():
        if not isinstance(values, list) or not values:
            raise StudyError(f"a list of values is expected, found {values!r}", (*at, path))
    lengths = {path: len(values) for path, values in lists.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise StudyError(f"the lists go in step and must be of one length: {found}", at)
    rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return _rows("zip", rows, at)


def _listed(written: object, at: Path) -> Design:
    if not isinstance(written, list) or not written:
        raise StudyError("write a list of mappings, one a variant: [{rates: [1, 2, 1]}, {}]", at)
    for i, row in enumerate(written):
        if not isinstance(row, Mapping):
            raise StudyError(f"changes are written as {{setting: value}}, found {row!r}", (*at, i))
    return _rows("list", written, at)


def _rows(kind: Literal["zip", "list"], rows: Sequence[Mapping[str, Any]], at: Path) -> Design:
    short = short_names(list(dict.fromkeys(path for row in rows for path in row)))
    names = ["+".join(value_name(short[p], v) for p, v in row.items()) for row in rows]
    levels = tuple(
        Level(name or BASE, tuple(row.items())) for name, row in zip(names, rows, strict=True)
    )
    factor = Factor("row", levels)
    rows_made = [Combination(one.name, (("row", i),), one.changes) for i, one in enumerate(levels)]
    return Design(kind, (factor,), distinct(rows_made, at), rows_made[0].name)


def _switches(factors: tuple[Factor, ...], kind: str, at: Path) -> None:
    for factor in factors:
        if not factor.switch:
            raise StudyError(
                f"{kind} takes factors that are on or off: write name: {{{factor.name}: value}}",
                (*at, factor.name),
            )
