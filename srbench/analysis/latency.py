"""Times of the latency pass as the report gives them: ratios to the baseline, under one setting.

Of several settings the plainest that was taken (fp32, contiguous, eager) is the one of sentences,
figures and claims; the table of latency has them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.effects import Interval
from srbench.analysis.latency_ratios import QUIET, Ratio, Spread, is_quiet, ratio, spread, word
from srbench.analysis.results import SETTING, Results
from srbench.analysis.run_matrix import controls, trained
from srbench.core.numbers import plural

QUANTITIES = {"latency": "forward pass", "step_time": "training step"}
PLAIN: dict[str, dict[str, tuple[str, ...]]] = {
    "latency": {"precision": ("fp32",), "memory_format": ("contiguous",), "mode": ("eager",)},
    "step_time": {"precision": ("fp32",), "memory_format": ("auto", "contiguous")},
}
Rounds = dict[int, float]  # ms by round


@dataclass(frozen=True, eq=False)
class Taken:
    """One pass: its row of the frame, times by variant, and its control."""

    number: int
    row: dict[str, Any]
    times: dict[str, Rounds]
    first_ms: dict[str, float]
    of: str  # the variant that was timed a second time; "" where this plan has none such
    control: Ratio  # of that second time to the first

    @property
    def key(self) -> tuple[Any, ...]:
        """What must be the same for times to compare."""
        return tuple(self.row[name] for name in SETTING)

    @property
    def in_words(self) -> str:
        """The setting: "1x3x64x64 at x2, fp32, contiguous, eager, 1 thread, on ..."."""
        r = self.row
        size = f"{self.input} at x{r['scale']}"
        memory, threads = str(r["memory_format"]).replace("_", " "), plural(r["threads"], "thread")
        return f"{size}, {r['precision']}, {memory}, {r['mode']}, {threads}, on {r['device']}"

    @property
    def input(self) -> str:
        """The shape of what is upscaled: "1x3x64x64"."""
        sides = (self.row[name] for name in ("batch", "lr_height", "lr_width"))
        return "{}\u00d73\u00d7{}\u00d7{}".format(*sides)

    @property
    def plain(self) -> bool:
        """Whether the setting is the plainest of its quantity."""
        plain = PLAIN[self.row["quantity"]]
        return all(self.row[name] in values for name, values in plain.items())


@dataclass(frozen=True)
class Timing:
    """One variant under one setting, with the baseline and the control of its pass."""

    variant: str
    taken: Taken
    spread: Spread
    first_ms: float
    ratio: Ratio
    word: str  # slower, faster, same or unresolved; "baseline", "same network"

    @property
    def ms(self) -> Interval:
        """ms a call: the baseline's median times the ratio, with the ratio's interval."""
        return self._beyond(0.0)

    @property
    def more(self) -> Interval:
        """ms more than the baseline, with the ratio's interval."""
        return self._beyond(1.0)

    def _beyond(self, share: float) -> Interval:
        r, base = self.ratio, self.spread.median / self.ratio.value
        mean, low, high = (base * (x - share) for x in (r.value, r.low, r.high))
        return Interval(mean, low, high, r.rounds)


def over(times: Rounds, baseline: Rounds) -> Ratio:
    """The ratio of two series over the rounds that both have."""
    common = sorted(times.keys() & baseline.keys())
    return ratio([times[k] for k in common], [baseline[k] for k in common])


@lru_cache(maxsize=8)
def passes_taken(results: Results) -> tuple[Taken, ...]:
    """The passes that the plan has times from, newest first."""
    rows = reversed(results.passes.to_dict("records"))
    return tuple(_taken(results, {str(k): v for k, v in row.items()}) for row in rows)


def _taken(results: Results, row: dict[str, Any]) -> Taken:
    names = {"", *trained(results)}
    times: dict[str, Rounds] = {}
    first: dict[str, float] = {}
    again: Rounds = {}
    of = ""
    mine = results.latency[results.latency["pass_id"] == row["pass_id"]]
    for sample in mine.to_dict("records"):
        name, turn, ms = str(sample["variant"]), int(sample["round"]), float(sample["ms"])
        if sample["copy"]:
            again[turn], of = ms, name
        elif name in names:
            times.setdefault(name, {})[turn] = ms
            first[name] = float(sample["first_ms"])
    return Taken(int(row["pass_id"]), row, times, first, of, over(again, times.get(of, {})))


@lru_cache(maxsize=16)
def timings(results: Results, quantity: str) -> tuple[Timing, ...]:
    """Every variant that has a time under the plainest setting, in study order."""
    taken = [one for one in passes_taken(results) if one.row["quantity"] == quantity]
    chosen = next((one for one in taken if one.plain), taken[0] if taken else None)
    return () if chosen is None else under(results, chosen.key)


def untimed(results: Results, quantity: str) -> list[str]:
    """The variants that have no time under that setting; controls need none."""
    done = {*(timing.variant for timing in timings(results, quantity)), *controls(results)}
    return [name for name in trained(results) if name not in done]


def under(results: Results, key: tuple[Any, ...]) -> tuple[Timing, ...]:
    """Every variant's newest time under one setting."""
    newest: dict[str, Taken] = {}
    for one in passes_taken(results):
        if one.key == key:
            newest = dict.fromkeys(one.times, one) | newest
    base = results.facts.baseline
    return tuple(_timing(newest[name], name, base) for name in trained(results) if name in newest)


def _timing(taken: Taken, name: str, baseline: str) -> Timing:
    times, base = taken.times[name], taken.times[baseline]
    found = over(times, base)
    judged: str = "same network" if times == base else word(found, taken.control)
    judged = "baseline" if name == baseline else judged
    return Timing(name, taken, spread(list(times.values())), taken.first_ms[name], found, judged)


def rounds_of(results: Results) -> dict[tuple[str, str], Rounds]:
    """(quantity, variant) -> ms by round, for claims; rounds of two passes have other numbers."""
    out: dict[tuple[str, str], Rounds] = {}
    for quantity in QUANTITIES:
        found = timings(results, quantity)
        for one in passes_taken(results):
            if found and one.key == found[0].taken.key:
                for name, times in one.times.items():
                    by_round = {one.number * 10**6 + turn: ms for turn, ms in times.items()}
                    out.setdefault((quantity, name), {}).update(by_round)
    return out


def percent(found: Ratio) -> str:
    """The smallest difference that a pass with this control resolves, never below 1 %."""
    return f"{100 * max(found.noise, QUIET):.2g}\u00a0%"


def latency_change(timing: Timing) -> str:
    """A time against the baseline: "12 % more latency"; "" where it is not resolved."""
    off = 100 * abs(timing.ratio.value - 1)
    size = f"{off:.1f}" if off < 9.5 else f"{off:.0f}"
    return {
        "slower": f"{size} % more latency",
        "faster": f"{size} % less latency",
        "same": f"the same latency within {percent(timing.taken.control)}",
        "same network": "the same latency",
    }.get(timing.word, "")


def control_text(control: Ratio, who: str) -> str:
    """A control in words, and the differences that its pass can resolve."""
    if control.low != control.low:
        return "Too few rounds for a control, so no difference is reported."
    found = f"{control.value:.3f} (95\u00a0% interval {control.low:.3f} to {control.high:.3f})"
    if is_quiet(control):
        return (
            f"The control, {who} against itself, is {found}; differences above {percent(control)} "
            "are reported."
        )
    return (
        f"The machine was too noisy for differences of 1 %: the control, {who} against itself, is "
        f"{found}, so no difference below {percent(control)} is reported."
    )


def latency_text(results: Results) -> tuple[str, ...]:
    """How times were taken and what they can resolve: a paragraph a quantity."""
    return tuple(
        " ".join(_sentences(found[0].taken, what))
        for quantity, what in QUANTITIES.items()
        if (found := timings(results, quantity))
    )


def _sentences(taken: Taken, what: str) -> Iterator[str]:
    control, who = taken.control, taken.of or "another network"
    yield (
        f"Times of a {what}: medians of {plural(control.rounds, 'round')} in which every network "
        f"ran once, in shuffled order; {taken.in_words}; random weights."
    )
    yield control_text(control, who)
    for warning in json.loads(taken.row["warnings"]):
        yield f"{warning[:1].upper()}{warning[1:]}."
