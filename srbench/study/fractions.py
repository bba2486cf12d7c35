"""Fractions of a two-level factorial: which cells, and what they cannot tell apart.

The generators are those of minimum aberration (Fries and Hunter, 1980), with the fewest cells that
reach the resolution, and signed so that the cell with every factor off is one of them. pyDOE3's own
choice is not used: `fracfact_by_res` misses resolution 5 for six factors or more, and
`fracfact_opt` refuses saturated designs such as seven factors in eight cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

TRIED = 20_000  # sets of generators looked at for one size; beyond ten factors not all


@dataclass(frozen=True)
class Fraction:
    """Levels (0 off, 1 on) of every cell, the first all off, and the aliases."""

    levels: tuple[tuple[int, ...], ...]
    resolution: int
    aliases: tuple[str, ...]  # of main effects up to three factors, of pairs with pairs


def fraction(names: Sequence[str], resolution: int) -> Fraction | None:
    """The smallest fraction of that resolution; None where only the whole factorial has it."""
    for base in range(2, len(names)):
        masks = _generators(len(names), base, resolution)
        if masks is not None:
            words = _words(base, masks)
            shortest = min(word.bit_count() for word in words)
            return Fraction(_levels(base, masks), shortest, tuple(_aliases(names, words)))
    return None


def _generators(count: int, base: int, resolution: int) -> tuple[int, ...] | None:
    """One set of basic factors for each further factor, or None where none fits."""
    possible = [m for m in range(1, 1 << base) if m.bit_count() >= resolution - 1]
    possible.sort(key=lambda m: (-m.bit_count(), m))
    best: tuple[list[int], tuple[int, ...]] | None = None
    for masks in islice(combinations(possible, count - base), TRIED):
        lengths = [word.bit_count() for word in _words(base, masks)]
        pattern = [lengths.count(k) for k in range(1, count + 1)]
        if min(lengths) >= resolution and (best is None or pattern < best[0]):
            best = (pattern, masks)
    return best[1] if best else None


def _words(base: int, masks: Sequence[int]) -> list[int]:
    """The defining relation: every product of the generating words."""
    found = {0}
    for i, mask in enumerate(masks):
        found |= {mask ^ 1 << (base + i) ^ other for other in found}
    return sorted(found - {0})


def _levels(base: int, masks: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Every combination of the basic factors, the last of which changes fastest.

    A further factor is on where an odd number of its own basic factors is.
    """
    return tuple(
        (*row, *(sum(row[i] for i in range(base) if mask >> i & 1) % 2 for mask in masks))
        for row in product((0, 1), repeat=base)
    )


def _aliases(names: Sequence[str], words: Sequence[int]) -> Iterator[str]:
    """What each main effect and each pair is mixed with; a class of pairs is listed once."""
    listed: set[int] = set()
    for order, lengths in ((1, (1, 2, 3)), (2, (2,))):
        for chosen in combinations(range(len(names)), order):
            mask = sum(1 << i for i in chosen)
            near = [(m, w) for w in words if (m := mask ^ w).bit_count() in lengths]
            if mask in listed or not near:
                continue
            listed |= {m for m, _ in near}
            near.sort(key=lambda pair: (pair[0].bit_count(), pair[0]))
            signed = ["-" * (w.bit_count() % 2) + _term(m, names) for m, w in near]
            yield " = ".join([_term(mask, names), *signed])


def _term(mask: int, names: Sequence[str]) -> str:
    return ":".join(name for i, name in enumerate(names) if mask >> i & 1)
