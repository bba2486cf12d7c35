"""The pieces that sentences about a contrast are made of: amount, interval, p, price, seeds."""

from __future__ import annotations

from collections.abc import Sequence

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import latency_change, timings
from srbench.analysis.power import BUDGET, MoreSeeds
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


def interval(results: Results, effect: Judged, *, mirrored: bool = False) -> str:
    """The bracket after an effect: "95 % interval 3.10 to 3.32, 3 seeds"."""
    seeds = plural(effect.pairs, "seed")
    if effect.low != effect.low:
        return f"{seeds}, no interval{' before the first look' if effect.course else ''}"
    d = effect_decimals(results)
    low, high = (-effect.high, -effect.low) if mirrored else (effect.low, effect.high)
    name = "95 %" if effect.course is None else "repeated"
    return f"{name} interval {shown(low, d)} to {shown(high, d)}, {seeds}"


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
    more = _all_of(known)
    if more.low is None:
        return f"not to be settled at this budget (more than {BUDGET} further seeds)"
    if more.high is None:
        return f"at least {plural(more.low, 'more seed')} would settle {it}, perhaps over {BUDGET}"
    range_ = f"{more.low} to {more.high} more seeds"
    seeds = plural(more.low, "more seed") if more.low == more.high else range_
    return f"about {seeds} would settle {it}"


def _all_of(known: Sequence[MoreSeeds]) -> MoreSeeds:
    lows = [more.low for more in known if more.low is not None]
    highs = [more.high for more in known if more.high is not None]
    whole = len(highs) == len(known)
    return MoreSeeds(min(lows) if lows else None, max(highs) if whole else None)


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
