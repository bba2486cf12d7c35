"""Fractions of a two-level factorial: which cells, and what they cannot tell apart.

The generators are those of minimum aberration (Fries and Hunter, 1980), with the fewest cells that
reach the resolution, and signed so that the cell with every factor off is one of them. pyDOE3 makes
the matrix; its own choice of generators is not used: `fracfact_by_res` misses resolution 5 for six
factors or more, and `fracfact_opt` refuses saturated designs such as seven factors in eight cells.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

TRIED = 20_000  # sets of generators looked at for one size; beyond ten factors not all


@dataclass(frozen=True)
class Fraction:
    """Levels (0 off, 1 on) of every cell, the first all off, and the aliases."""

    levels: tuple[tuple[int, ...], ...]
    resolution: int
    generators: tuple[str, ...]  # "d = a:b:c"
    aliases: tuple[str, ...]  # of main effects up to three factors, of pairs with pairs


def fraction(names: Sequence[str], resolution: int) -> Fraction | None:
    """The smallest fraction of that resolution; None where only the whole factorial has it."""
    count = len(names)
    for base in range(2, count):
        masks = _generators(count, base, resolution)
        if masks is not None:
            words = _words([mask | 1 << (base + i) for i, mask in enumerate(masks)])
            shown = tuple(f"{names[base + i]} = {_signed(_term(m, names), m.bit_count() % 2 == 1)}"
                          for i, m in enumerate(masks))  # fmt: skip
            levels = _levels(count, base, masks)
            shortest = min(word.bit_count() for word in words)
            return Fraction(levels, shortest, shown, tuple(_aliases(names, words)))
    return None


def _generators(count: int, base: int, resolution: int) -> tuple[int, ...] | None:
    """One set of basic factors for each further factor, or None where none fits."""
    possible = [m for m in range(1, 1 << base) if m.bit_count() >= resolution - 1]
    possible.sort(key=lambda m: (-m.bit_count(), m))
    if len(possible) < count - base:
        return None
    best: tuple[list[int], tuple[int, ...]] | None = None
    for masks in islice(combinations(possible, count - base), TRIED):
        words = _words([mask | 1 << (base + i) for i, mask in enumerate(masks)])
        lengths = [word.bit_count() for word in words]
        pattern = [lengths.count(k) for k in range(1, count + 1)]
        if min(lengths) >= resolution and (best is None or pattern < best[0]):
            best = (pattern, masks)
    return best[1] if best else None


def _words(generating: Sequence[int]) -> list[int]:
    """The defining relation: every product of the generating words."""
    found = {0}
    for word in generating:
        found |= {word ^ other for other in found}
    return sorted(found - {0})


def _levels(count: int, base: int, masks: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    from pyDOE3 import fracfact  # late: half a second

    letters = string.ascii_letters[:base]
    columns = list(letters)
    for mask in masks:
        text = "".join(letter for i, letter in enumerate(letters) if mask >> i & 1)
        columns.append(text if mask.bit_count() % 2 else f"-{text}")
    matrix = fracfact(" ".join(columns))
    return tuple(tuple(int(x > 0) for x in row) for row in matrix)


def _aliases(names: Sequence[str], words: Sequence[int]) -> Iterator[str]:
    """What each main effect and each pair is mixed with; a class of pairs is listed once."""
    listed: set[int] = set()
    for order, highest in ((1, 3), (2, 2)):
        for chosen in combinations(range(len(names)), order):
            mask = sum(1 << i for i in chosen)
            partners = [(mask ^ word, word) for word in words]
            near = [(m, w) for m, w in partners if m.bit_count() <= highest]
            if order == 2:
                near = [(m, w) for m, w in near if m.bit_count() == 2]
            if mask in listed or not near:
                continue
            listed |= {m for m, _ in near}
            near.sort(key=lambda pair: (pair[0].bit_count(), pair[0]))
            others = [_signed(_term(m, names), w.bit_count() % 2 == 0) for m, w in near]
            yield " = ".join([_term(mask, names), *others])


def _term(mask: int, names: Sequence[str]) -> str:
    return ":".join(name for i, name in enumerate(names) if mask >> i & 1)


def _signed(term: str, positive: bool) -> str:
    return term if positive else f"-{term}"
