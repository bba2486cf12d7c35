"""The pieces that sentences about a contrast are made of: amount, interval, p, cost, seeds."""

from __future__ import annotations

from collections import Counter

from srbench.analysis.effects import Interval
from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import latency_change, timings
from srbench.analysis.power import BUDGET
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import by_variant, number, of_variants
from srbench.core.numbers import listed, p_plain, p_value, plural, shown, with_unit


def quantity(results: Results, value: float, *, signed: bool = False) -> str:
    """A value of the primary metric with as many digits as justified, and its unit."""
    return with_unit(shown(value, effect_decimals(results), signed=signed), results.facts.unit)


def margin(results: Results) -> str:
    """min_effect as the study file has it: "±0.03 dB"; "" where it names none."""
    least = results.facts.min_effect
    return with_unit(f"±{least:g}", results.facts.unit) if least else ""


def interval_text(found: Interval, decimals: int) -> str:
    """The bracket after a mean over seeds: "95 % interval 3.10 to 3.32, 3 seeds"."""
    seeds = plural(found.count, "seed")
    if found.low != found.low:
        return f"{seeds}, no interval"
    return f"95 % interval {shown(found.low, decimals)} to {shown(found.high, decimals)}, {seeds}"


def effect_text(results: Results, effect: Interval) -> str:
    """A difference with its bracket: "+3.21 dB (95 % interval 3.10 to 3.32, 3 seeds)"."""
    bracket = interval_text(effect, effect_decimals(results))
    return f"{quantity(results, effect.mean, signed=True)} ({bracket})"


def interval(results: Results, effect: Judged, *, mirrored: bool = False) -> str:
    """The bracket after a contrast; of the last look where the study has looks.

    Among several contrasts the interval is the simultaneous one: that of one contrast alone covers
    too rarely where it was picked for being the best.
    """
    of, d = -effect.simultaneous if mirrored else effect.simultaneous, effect_decimals(results)
    if of.low != of.low:
        early = " before the first look" if effect.course else ""
        return f"{counted(results, effect)}, no interval{early}"
    several = "simultaneous 95 %" if judgement(results).family > 1 else "95 %"
    name = "repeated" if effect.course else several
    return f"{name} interval {shown(of.low, d)} to {shown(of.high, d)}; {counted(results, effect)}"


def counted(results: Results, effect: Judged) -> str:
    """The seeds that count, and why others do not: "3 of 5 seeds, 2 diverged, against 8"."""
    base = effect.verdict.other
    planned = {name: len(found) for name, found in by_variant(results).items()}
    asked = effect.planned if effect.course else planned[effect.variant]
    message = plural(effect.seeds, "seed")
    if effect.seeds != asked:
        message = f"{effect.seeds} of {plural(asked, 'seed')}, {_lost(results, effect.variant)}"
    if results.facts.paired or (base == planned[effect.against] == effect.seeds):
        return message
    other = f"{base}" if base == planned[effect.against] or effect.course else (
        f"{base} of {planned[effect.against]}, {_lost(results, effect.against)}"
    )  # fmt: skip
    return f"{message} against {other}" if effect.seeds == asked else f"{message}, against {other}"


def _lost(results: Results, variant: str) -> str:
    """What became of the runs that do not count: "2 diverged"."""
    gone = [cell for cell in by_variant(results)[variant] if not cell.scored]
    counts = Counter(cell.reason or cell.lacks for cell in gone)
    return listed(f"{n} {word}" for word, n in sorted(counts.items()))


def how_sure(results: Results, effect: Judged) -> str:
    """The p behind a verdict: "p = 0.0003 after Holm over 6 contrasts"."""
    within, look = effect.word == "equivalent", effect.look
    if look is not None:
        p = look.p_within if within else look.p
        return f"p = {p_plain(p)}, {p_plain(look.level)} or less needed at this look"
    p = effect.verdict.p_within_holm if within else effect.verdict.p_holm
    count = judgement(results).family
    return p_value(p) + (f" after Holm over {count} contrasts" if count > 1 else "")


def settles(effect: Judged) -> str:
    """The seeds that it lacks: "about 6 more seeds would decide it if the effect is so"."""
    if effect.course is not None:
        at = effect.course.next_look
        return f"the next look is at {at} seeds" if at is not None else "no look is left"
    if effect.more is None:
        return ""
    likely, certain = effect.more.likely, effect.more.certain
    if likely is None:
        message = f"more than {BUDGET} further seeds would be needed"
    else:
        message = (
            f"about {plural(likely, 'more seed')} would decide it if the effect is as estimated"
        )
    if certain is None:
        return message if likely is None else f"{message}, more than {BUDGET} whatever it is"
    return message if certain == likely else f"{message}, {certain} whatever it is"


def price(results: Results, variant: str) -> str:
    """What a variant costs: "for 2.4 % more parameters and MACs and 12 % more latency"."""
    message: dict[str, list[str]] = {}
    for column, name in (("parameters", "parameters"), ("macs_720p", "MACs")):
        value = number(of_variants(results, column).get(variant))
        base = number(of_variants(results, column).get(results.facts.baseline))
        if value == value and base > 0:
            message.setdefault(_more_or_fewer(value, base), []).append(name)
    parts = [
        f"{much} {' or '.join(of) if much == 'no more' else listed(of)}"
        for much, of in message.items()
    ]
    times = [latency_change(t) for t in timings(results, "latency") if t.variant == variant]
    parts += [time for time in times if time]
    return f"for {listed(parts)}" if parts else ""


def _more_or_fewer(value: float, base: float) -> str:
    if value == base:
        return "no more"
    share = 100 * abs(value / base - 1)
    size = f"{share:.2g}" if share < 10 else f"{share:.0f}"
    return f"{size} % {'more' if value > base else 'fewer'}"
