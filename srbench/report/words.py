"""The answer in words, and the takeaways that head the sections: every number from rows.

Effects, intervals and seeds are stated; fewer than three seeds give numbers and no conclusion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from srbench.report.cells import cells, compared, interpolation_scores, scores_by_seed, yardstick
from srbench.report.condition import labels
from srbench.report.numbers import LOWER_IS_BETTER, listed, metric_name, plural, shown, with_unit
from srbench.report.ranking import effect_decimals, ranked
from srbench.results import Results
from srbench.stats.effects import Effect

ENOUGH_SEEDS = 3
NAMED = 3  # variants named in the answer beside the best one


def answer(results: Results) -> str:
    """One to four sentences: the largest effect, the others, the yardstick, and what is wanting."""
    nothing = _nothing_to_say(results)
    sentences = [nothing] if nothing else [*_effects_said(results), _against_yardstick(results)]
    sentences += [_wanting(results), _labels_said(results)]
    return " ".join(s for s in sentences if s)


def quantity(results: Results, value: float, *, signed: bool = False) -> str:
    """A value of the primary metric with as many digits as justified, and its unit."""
    return with_unit(shown(value, effect_decimals(results), signed=signed), results.facts.unit)


def interval(results: Results, effect: Effect) -> str:
    """The bracket after an effect: "95 % interval 3.10 to 3.32, 3 seeds"."""
    if effect.pairs < 2:
        return "1 seed, no interval"
    d = effect_decimals(results)
    low, high = shown(effect.low, d), shown(effect.high, d)
    return f"95 % interval {low} to {high}, {plural(effect.pairs, 'seed')}"


def _nothing_to_say(results: Results) -> str:
    facts, rows = results.facts, cells(results)
    scores = scores_by_seed(results)
    done = [c for c in rows if c.state == "done"]
    if not rows:
        return "No answer: the plan has no run."
    if not done:
        if all(c.state == "failed" for c in rows):
            return f"No answer: {_all(len(rows))} failed ({_reasons(results)})."
        return f"No answer yet: none of {plural(len(rows), 'run')} has finished."
    if not scores.get(facts.baseline):
        return (
            f"No answer yet: the baseline {facts.baseline} has no scored run, "
            "so no effect can be taken."
        )
    if not compared(results):
        mean = quantity(results, _mean(scores[facts.baseline].values()))
        count = plural(len(scores[facts.baseline]), "seed")
        return (
            f"The study has only its baseline, {facts.baseline}: {mean} ({count}). "
            "There is nothing to compare it with."
        )
    if not any(e.pairs for e in ranked(results)):
        return "No answer yet: no variant shares a finished seed with the baseline."
    return ""


def _effects_said(results: Results) -> list[str]:
    known = [e for e in ranked(results) if e.pairs]
    best, facts = known[0], results.facts
    where = f"{metric_name(facts.metric)} on {facts.dataset}"
    if best.pairs < ENOUGH_SEEDS:
        first = (
            f"On {plural(best.pairs, 'seed')}, {best.variant} differs from {facts.baseline} by "
            f"{quantity(results, best.mean, signed=True)} in {where} ({interval(results, best)})"
        )
        few = "One seed is" if best.pairs == 1 else "Two seeds are"
        return [f"{first}.", *_others(results, known[1:]), f"{few} too few for a conclusion."]
    better = -1 if facts.metric in LOWER_IS_BETTER else 1
    if best.excludes_zero and better * best.mean < 0:
        first = (
            f"Every variant scores worse than {facts.baseline}: the nearest, {best.variant}, is at "
            f"{quantity(results, best.mean, signed=True)} in {where} ({interval(results, best)})."
        )
    elif best.excludes_zero:
        verb = "raises" if best.mean > 0 else "lowers"
        size = quantity(results, abs(best.mean))
        limits = best if best.mean > 0 else _mirrored(best)
        first = (
            f"{best.variant} {verb} {where} by {size} against {facts.baseline} "
            f"({interval(results, limits)})."
        )
    else:
        first = (
            f"No variant stands clear above {facts.baseline}: the best, {best.variant}, is at "
            f"{quantity(results, best.mean, signed=True)} in {where}, and its interval includes "
            f"zero ({interval(results, best)})."
        )
    return [first, *_others(results, known[1:])]


def _others(results: Results, others: list[Effect]) -> list[str]:
    if not others:
        return []
    near = others if len(others) <= NAMED + 1 else [*others[: NAMED - 1], others[-1]]
    said = [
        f"{e.variant} {quantity(results, e.mean, signed=True)} ({_short(results, e)})" for e in near
    ]
    if len(near) == len(others):
        return [f"The {'other' if len(said) == 1 else 'others'}: {'; '.join(said)}."]
    return [f"Of {plural(len(others), 'other')}: {'; '.join(said[:-1])}; last, {said[-1]}."]


def _short(results: Results, effect: Effect) -> str:
    d = effect_decimals(results)
    if effect.pairs < 2:
        return "1 seed"
    return f"{shown(effect.low, d)} to {shown(effect.high, d)}"


def _against_yardstick(results: Results) -> str:
    found = yardstick(results)
    known = [e for e in ranked(results) if e.pairs]
    if found is None or not known:
        return ""
    name, level = found
    best = known[0].variant
    means = {v: _mean(s.values()) for v, s in scores_by_seed(results).items() if s}
    top = best if means[best] >= means[results.facts.baseline] else results.facts.baseline
    gap = means[top] - level
    side = "above" if gap >= 0 else "below"
    reach = quantity(results, abs(gap))
    return f"{top} ends {reach} {side} {name} interpolation ({quantity(results, level)})."


def yardstick_note(results: Results) -> str:
    """The line under the forest plot: what the interpolations score, without training."""
    known = interpolation_scores(results)
    said = [f"{name} {quantity(results, value)}" for name, value in known.items()]
    return f"Without training: {', '.join(said)}." if said else ""


def _wanting(results: Results) -> str:
    rows = cells(results)
    counts: dict[str, int] = {}
    for cell in rows:
        if cell.state != "done":
            counts[cell.state] = counts.get(cell.state, 0) + 1
    if not counts or len(rows) == sum(counts.values()):
        return ""
    said = [
        f"{n} failed ({_reasons(results)})"
        if state == "failed"
        else f"{n} {'is' if n == 1 else 'are'} {state}"
        for state, n in sorted(counts.items())
    ]
    return f"Of {plural(len(rows), 'planned run')}, {listed(said)}."


def _labels_said(results: Results) -> str:
    return " ".join(f"{label.word.capitalize()}: {label.says}." for label in labels(results))


def _reasons(results: Results) -> str:
    counts: dict[str, int] = {}
    for cell in cells(results):
        if cell.state == "failed":
            counts[cell.reason or "error"] = counts.get(cell.reason or "error", 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))


def _mirrored(effect: Effect) -> Effect:
    """The same effect told the other way round, for "lowers ... by"."""
    return replace(effect, mean=-effect.mean, low=-effect.high, high=-effect.low)


def _all(count: int) -> str:
    return "the only run" if count == 1 else f"all {count} runs"


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else float("nan")
