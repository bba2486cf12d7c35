"""The baseline's widths that take as long as other networks: two passes, coarse and fine.

Time need not rise with the width (a multiple of 16 may be faster than what lies below it), so no
bisection: a grid of widths, timed in the same rounds as the networks that they are to match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from srbench.latency.passes import Effort, Entrant, OnRound, Pass, measure
from srbench.latency.setting import Setting
from srbench.registry import StudyError
from srbench.stats.capacity import MULTIPLES
from srbench.stats.latency import Ratio, word
from srbench.study import Tree

GRID = 8  # widths of the coarse pass, from half to four times the baseline's
NEAREST = 6  # widths of the fine pass for each network


@dataclass(frozen=True)
class Matched:
    """A network and the width of the baseline that takes about as long."""

    variant: str
    width: int  # the baseline's own where nothing is to be matched
    ratio: Ratio  # the variant's time over the baseline's
    twin: Ratio  # the twin's time over the baseline's
    word: str  # of the variant against the baseline; "same" and "unresolved" need no twin

    @property
    def needed(self) -> bool:
        return self.word in ("slower", "faster")

    @property
    def mismatch(self) -> float:
        """The twin's time over the variant's, less one."""
        return self.twin.value / self.ratio.value - 1


def match_widths(
    variants: Sequence[Entrant],
    baseline: Entrant,
    path: str,
    scale: int,
    setting: Setting,
    effort: Effort,
    on_round: OnRound = lambda done, spent: None,
) -> list[Matched]:
    """For each variant the baseline's width (`path`, such as "channels") of the nearest time.

    Raises:
        StudyError: the baseline has no such width, or as `measure`.
    """
    own = dict(baseline.tree.leaves()).get(path)
    if type(own) is not int:
        raise StudyError(f"the baseline has no width {path!r}", ("match", "setting"))

    def at(width: int) -> Tree:
        return baseline.tree.set(path, width)

    possible = _possible(at, own, scale)
    coarse = _spaced(possible, GRID)

    def timed(widths: Sequence[int]) -> Pass:
        others = [Entrant(_name(width), at(width)) for width in widths if width != own]
        return measure(
            [baseline, *variants, *others], baseline.name, scale, setting, effort, on_round
        )

    def near(found: Pass, name: str, widths: Sequence[int]) -> list[int]:
        """The widths whose time is nearest the network's, the nearest first."""
        target = found.ratio(name).value
        called = {w: baseline.name if w == own else _name(w) for w in widths}
        return sorted(widths, key=lambda w: abs(found.ratio(called[w]).value - target))

    first = timed(coarse)
    fine = {own}
    for variant in variants:
        low, high = sorted(near(first, variant.name, coarse)[:2])
        fine |= set(_spaced([w for w in possible if low <= w <= high], NEAREST))
    widths = sorted(fine)
    second = timed(widths)
    found = []
    for variant in variants:
        ratio = second.ratio(variant.name)
        said = word(ratio, second.control)
        width = near(second, variant.name, widths)[0] if said in ("slower", "faster") else own
        twin = second.ratio(baseline.name if width == own else _name(width))
        found.append(Matched(variant.name, width, ratio, twin, said))
    return found


def _name(width: int) -> str:
    return f"the baseline at width {width}"


def _possible(at: Callable[[int], Tree], own: int, scale: int) -> list[int]:
    """Widths from half to four times the baseline's that can be built, all by one multiple."""
    for multiple in MULTIPLES:
        widths = [w for w in range(max(1, own // 2), 4 * own + 1) if w % multiple == 0]
        if len(widths) > 1 and all(_builds(at, width, scale) for width in widths[:3]):
            return sorted({*widths, own})
    raise StudyError("no other width of the baseline can be built", ("match", "setting"))


def _builds(at: Callable[[int], Tree], width: int, scale: int) -> bool:
    try:
        at(width).model.build()(scale)
    except (StudyError, ValueError, RuntimeError, TypeError):
        return False
    return True


def _spaced(widths: Sequence[int], most: int) -> list[int]:
    """At most `most` of them, evenly spaced, with both ends."""
    return sorted(set(_pick(widths, most)))


def _pick(widths: Sequence[int], most: int) -> Iterator[int]:
    count = min(most, len(widths))
    for i in range(count):
        yield widths[round(i * (len(widths) - 1) / max(1, count - 1))]
