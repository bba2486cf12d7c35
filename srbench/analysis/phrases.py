"""The pieces that sentences about a contrast are made of: amount, interval, p, cost, seeds."""

from __future__ import annotations

from collections.abc import Sequence

from srbench.analysis.effects import Interval
from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import latency_change, timings
from srbench.analysis.power import BUDGET
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, of_variants
from srbench.core.numbers import listed, p_plain, p_value, plural, shown, with_unit


def quantity(results: Results, value: float, *, signed: bool = False) -> str:
    """A value of the primary metric with as many digits as justified, and its unit."""
    return with_unit(shown(value, effect_decimals(results), signed=signed), results.facts.unit)


def margin(results: Results) -> str:
    """min_effect as the study file has it: "±0.03 dB"; "" where it names none."""
    least = results.facts.min_effect
    return with_unit(f"±{least:g}", results.facts.unit) if least else ""


def interval_text(found: Interval, decimals: int, name: str = "95 %") -> str:
    """The bracket after a mean over seeds: "95 % interval 3.10 to 3.32, 3 seeds"."""
    seeds = plural(found.count, "seed")
    if found.low != found.low:
        return f"{seeds}, no interval"
    return f"{name} interval {shown(found.low, decimals)} to {shown(found.high, decimals)}, {seeds}"


def effect_text(results: Results, effect: Interval) -> str:
    """A difference with its bracket: "+3.21 dB (95 % interval 3.10 to 3.32, 3 seeds)"."""
    bracket = interval_text(effect, effect_decimals(results))
    return f"{quantity(results, effect.mean, signed=True)} ({bracket})"


def interval(results: Results, effect: Judged, *, mirrored: bool = False) -> str:
    """The bracket after a contrast; of the last look where the study has looks."""
    ends = (-effect.high, -effect.low) if mirrored else (effect.low, effect.high)
    found = Interval(effect.mean, *ends, effect.pairs)
    name = "95 %" if effect.course is None else "repeated"
    early = " before the first look" if effect.course and effect.low != effect.low else ""
    return interval_text(found, effect_decimals(results), name) + early


def how_sure(results: Results, effect: Judged) -> str:
    """The p behind a verdict: "p = 0.0003 after Holm over 6 contrasts"."""
    within, look = effect.word == "equivalent", effect.look
    if look is not None:
        p, nominal = (look.p_within, look.nominal_within) if within else (look.p, look.nominal)
        return f"p = {p_plain(p)}, {p_plain(nominal)} or less needed at this look"
    p = effect.verdict.p_within_holm if within else effect.verdict.p_holm
    count = len(judgement(results).contrasts)
    return p_value(p) + (f" after Holm over {count} contrasts" if count > 1 else "")


def settles(effects: Sequence[Judged]) -> str:
    """What would settle unresolved contrasts: "about 6 more seeds would settle it"."""
    it = "it" if len(effects) == 1 else "them"
    courses = [e.course for e in effects if e.course is not None]
    if courses:
        waiting = [course.next_look for course in courses if course.next_look is not None]
        return f"the next look is at {min(waiting)} seeds" if waiting else "no look is left"
    known = [e.more for e in effects if e.more is not None]
    if not known:
        return ""
    lows = [more.low for more in known if more.low is not None]
    highs = [more.high for more in known if more.high is not None]
    if not lows:
        return f"not to be settled at this budget (more than {BUDGET} further seeds)"
    low, high = min(lows), max(highs, default=0)
    if len(highs) < len(known):
        return f"at least {plural(low, 'more seed')} would settle {it}, perhaps over {BUDGET}"
    seeds = plural(low, "more seed") if low == high else f"{low} to {high} more seeds"
    return f"about {seeds} would settle {it}"


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
