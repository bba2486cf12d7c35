"""Times of the latency pass, as the report tells them: ratios to the baseline, under one setting.

Of several settings the plainest that was taken (fp32, contiguous, eager) speaks for the study in
sentences, figures and claims; the table of latency has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from srbench.analysis.effects import Interval
from srbench.analysis.latency_ratios import QUIET, Ratio, Spread, is_quiet, ratio, spread, word
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import controls, trained
from srbench.core.numbers import plural

QUANTITIES = {"latency": "forward pass", "step_time": "training step"}
PLAIN: dict[str, dict[str, tuple[str, ...]]] = {
    "latency": {"precision": ("fp32",), "memory_format": ("contiguous",), "mode": ("eager",)},
    "step_time": {"precision": ("fp32",), "memory_format": ("auto", "contiguous")},
}
SETTING = (
    "quantity", "device", "scale", "lr_height", "lr_width", "batch", "precision",
    "memory_format", "mode", "threads",
)  # fmt: skip
Rounds = dict[int, float]  # ms by round


@dataclass(frozen=True, eq=False)
class Taken:
    """One pass: its row of the frame, times by variant, and of what was timed a second time."""

    number: int
    row: dict[str, Any]
    times: dict[str, Rounds]
    again: Rounds
    first_ms: dict[str, float]
    of: str  # the variant that was timed a second time; "" where this plan has none such

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

    @cached_property
    def control(self) -> Ratio:
        """The network that was timed twice over itself."""
        return over(self.again, self.times.get(self.of, {}))

    @property
    def plain(self) -> bool:
        plain = PLAIN[self.row["quantity"]]
        return all(self.row[name] in values for name, values in plain.items())


@dataclass(frozen=True)
class Timing:
    """One variant under one setting, beside the baseline and the control of its pass."""

    variant: str
    taken: Taken
    spread: Spread
    first_ms: float
    ratio: Ratio
    word: str  # slower, faster, same or unresolved; "baseline", "same network"

    @property
    def ms(self) -> Interval:
        """ms a call: the baseline's median times the ratio, with the ratio's interval."""
        base = self.spread.median / self.ratio.value
        low, high = base * self.ratio.low, base * self.ratio.high
        return Interval(self.spread.median, low, high, self.ratio.rounds)

    @property
    def more(self) -> Interval:
        """ms more than the baseline, with the ratio's interval."""
        base = self.spread.median / self.ratio.value
        mean, low, high = (
            base * (x - 1) for x in (self.ratio.value, self.ratio.low, self.ratio.high)
        )
        return Interval(mean, low, high, self.ratio.rounds)


def over(times: Rounds, baseline: Rounds) -> Ratio:
    """The ratio of two series over the rounds that both have."""
    common = sorted(times.keys() & baseline.keys())
    return ratio([times[k] for k in common], [baseline[k] for k in common])


@lru_cache(maxsize=8)
def passes_taken(results: Results) -> tuple[Taken, ...]:
    """The passes that the plan has times from, newest first."""
    return tuple(_passes(results))


def _passes(results: Results) -> Iterator[Taken]:
    names = set(trained(results))
    for row in reversed(results.passes.to_dict("records")):
        number = int(row["pass_id"])
        mine = results.latency[results.latency["pass_id"] == number]
        times: dict[str, Rounds] = {}
        first: dict[str, float] = {}
        again: Rounds = {}
        of = ""
        for name, copy, turn, ms, first_ms in zip(
            mine["variant"], mine["copy"], mine["round"], mine["ms"], mine["first_ms"], strict=True
        ):
            if copy:
                again[int(turn)], of = float(ms), str(name)
            elif name in names or not name:
                times.setdefault(str(name), {})[int(turn)] = float(ms)
                first[str(name)] = float(first_ms)
        yield Taken(number, {str(k): v for k, v in row.items()}, times, again, first, of)


@lru_cache(maxsize=16)
def timings(results: Results, quantity: str) -> tuple[Timing, ...]:
    """Every variant that has a time under the setting that speaks for the study, in its order."""
    taken = [one for one in passes_taken(results) if one.row["quantity"] == quantity]
    chosen = next((one for one in taken if one.plain), taken[0] if taken else None)
    return () if chosen is None else under(results, chosen.key)


def untimed(results: Results, quantity: str) -> list[str]:
    """The variants that have no time under that setting; controls need none."""
    there = {timing.variant for timing in timings(results, quantity)}
    return [n for n in trained(results) if n not in there and n not in controls(results)]


def under(results: Results, key: tuple[Any, ...]) -> tuple[Timing, ...]:
    """Every variant's newest time under one setting."""
    found: dict[str, Timing] = {}
    for one in passes_taken(results):
        if one.key == key:
            for name in one.times:
                found.setdefault(name, _timing(one, name, results.facts.baseline))
    return tuple(found[name] for name in trained(results) if name in found)


def _timing(taken: Taken, name: str, baseline: str) -> Timing:
    times, base = taken.times[name], taken.times[baseline]
    found = over(times, base)
    if name == baseline:
        message = "baseline"
    elif times == base:
        message = "same network"
    else:
        message = word(found, taken.control)
    return Timing(name, taken, spread(list(times.values())), taken.first_ms[name], found, message)


def rounds_of(results: Results) -> dict[tuple[str, str], Rounds]:
    """(quantity, variant) -> ms by round, for claims; rounds of two passes never meet."""
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
    """How far off a control is, never less than 1 %: what a pass can tell."""
    return f"{100 * max(found.noise, QUIET):.2g}\u00a0%"


def latency_change(timing: Timing) -> str:
    """What may be said of a time against the baseline: "12 % more latency", "" for nothing."""
    off = 100 * abs(timing.ratio.value - 1)
    size = f"{off:.1f}" if off < 9.5 else f"{off:.0f}"
    match timing.word:
        case "slower" | "faster":
            return f"{size} % {'more' if timing.word == 'slower' else 'less'} latency"
        case "same":
            return f"the same latency within {percent(timing.taken.control)}"
        case "same network":
            return "the same latency"
    return ""


def latency_text(results: Results) -> tuple[str, ...]:
    """How times were taken and what they can tell: a paragraph a quantity, beside the costs."""
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
    if is_quiet(control):
        yield f"The control, {who} against itself, came out as {_of(control)}."
    elif control.low == control.low:
        yield (
            f"The machine was too noisy for differences of 1 %: the control, {who} against "
            f"itself, came out as {_of(control)}, so no difference below {percent(control)} is "
            "reported."
        )
    else:
        yield "Too few rounds for a control, so no difference is reported."
    for warning in str(taken.row["warnings"]).split("; "):
        if warning and not warning.startswith("too noisy"):
            yield f"{warning[:1].upper()}{warning[1:]}."


def _of(found: Ratio) -> str:
    return f"{found.value:.3f} (95\u00a0% interval {found.low:.3f} to {found.high:.3f})"
