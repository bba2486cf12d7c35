"""What the verdicts say, in sentences: the best variant in full, the rest by verdict, its lead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.phrases import (
    counted,
    how_sure,
    interval,
    margin,
    price,
    quantity,
    settles,
)
from srbench.analysis.ranking import effect_decimals, ranked
from srbench.analysis.results import Results
from srbench.analysis.significance import LEAST_SEEDS
from srbench.analysis.verdicts import Word
from srbench.core.numbers import listed, plural, shown, with_unit

_MIRROR: dict[Word, Word] = {"helps": "hurts", "hurts": "helps", "equivalent": "equivalent",
                             "unresolved": "unresolved"}  # fmt: skip
_OVER = {"helps": "better than", "hurts": "worse than", "equivalent": "equivalent to",
         "unresolved": "not distinguishable from"}  # fmt: skip
NAMED = 3  # variants of one verdict that a sentence names
ORDER: tuple[Word, ...] = ("helps", "hurts", "equivalent", "unresolved")


def verdict_sentences(results: Results) -> list[str]:
    """The sentences on all contrasts; without any verdict, the numbers."""
    known = [e for e in ranked(results) if e.seeds]
    decided = [e for e in known if e.word is not None]
    if not decided:
        return _numbers_only(results, known)
    lead = next((e for e in decided if e.word == "helps"), decided[0])
    head = opening(results.facts.question, [e.word for e in judgement(results).contrasts])
    apposed = lead.word != "helps" and len(ranked(results)) > 1
    if apposed:
        settled = all(e.word in ("hurts", "equivalent") for e in ranked(results))
        none = "No variant helps: " if settled else "No variant is shown to help: "
        head = f"{head or none}the nearest, "
    others = [e for e in ranked(results) if e is not lead]
    clauses = [_group(results, lead, word, others) for word in ORDER]
    same = [e for e in others if e.identical and e.word is not None]
    if same:
        verb = "equals" if len(same) == 1 else "equal"
        clauses.append(f"{_named(same)} {verb} {results.facts.baseline} to the bit")
    silent = [e for e in others if e.word is None]
    if silent:
        verb = "has" if len(silent) == 1 else "have"
        clauses.append(f"{_named(silent)} {verb} no verdict ({silent[0].why})")
    rest = "; ".join(clause for clause in clauses if clause)
    name = f"{lead.variant}," if apposed else lead.variant
    lines = [f"{head}{name} {_lead(results, lead)}.", f"{rest}." if rest else ""]
    return [*lines, _lead_over(results, lead.variant)]


def effects_heading(results: Results) -> str:
    """How many contrasts have which verdict."""
    contrasts, base = ranked(results), results.facts.baseline
    counts = Counter(e.word for e in contrasts if e.seeds)
    if not counts:
        return "No effect can be computed yet"
    words = [word for word in ORDER if counts[word]]
    if not words:
        return "Effects so far, without a verdict"
    count = counts[words[0]]
    if count == len(contrasts):
        to = f" to {base}" if words == ["equivalent"] else ""
        against = f" against {base}" if words[0] in ("helps", "hurts") else ""
        who = "The only variant" if count == 1 else f"All {count} variants"
        return f"{who} {_predicate(words[0], count)}{to}{against}"
    message = [f"{counts[word]} {_predicate(word, counts[word])}" for word in words]
    silent = len(contrasts) - sum(counts[word] for word in words)
    message += [f"{silent} without a verdict"] if silent else []
    return f"Against {base}: {listed(message)}"


def _predicate(word: Word, count: int) -> str:
    """helps, help; is equivalent, are equivalent."""
    if word in ("helps", "hurts"):
        return word if count == 1 else word.removesuffix("s")
    return f"{'is' if count == 1 else 'are'} {word}"


def opening(question: str, words: Sequence[Word | None]) -> str:
    """ "Yes: " or "No: " where the question asks for one and every contrast gives the same."""
    asks = re.match(r"(does|do|did|can|will|would|is|are)\b", question.strip(), re.IGNORECASE)
    helps = bool(re.search(r"\b(help|improv|better|benefit)", question, re.IGNORECASE))
    hurts = bool(re.search(r"\b(hurt|harm|worse)", question, re.IGNORECASE))
    negated = re.search(r"\b(not|no|without)\b|n't", question, re.IGNORECASE)
    if not asks or helps == hurts or negated or not words:
        return ""
    wanted, other = ("helps", "hurts") if helps else ("hurts", "helps")
    if all(word == wanted for word in words):
        return "Yes: "
    return "No: " if all(word in (other, "equivalent") for word in words) else ""


def _lead(results: Results, effect: Judged) -> str:
    """One contrast in full, as the predicate of its variant."""
    base = results.facts.baseline
    where = f"{results.facts.heading()} on {results.facts.dataset}"
    size = quantity(results, effect.mean, signed=True)
    bracket = f"{interval(results, effect)}; {how_sure(results, effect)}"
    if effect.identical:
        return f"equals {base} to the bit ({counted(results, effect)})"
    if effect.word == "unresolved":
        more = settles(effect)
        message = f"is unresolved at {size} in {where} against {base} ({bracket})"
        return f"{message}: {more}" if more else message
    if effect.word == "equivalent":
        message = f"is equivalent to {base} within {margin(results)} in {where}"
        message += f" (effect {size}, {bracket})"
    else:
        verb = "raises" if effect.mean > 0 else "lowers"
        ends = interval(results, effect, mirrored=effect.mean < 0)
        message = f"{verb} {where} by {quantity(results, abs(effect.mean))} against {base}"
        message += f" ({ends}; {how_sure(results, effect)}){_too_small(results, effect)}"
    cost = price(results, effect.variant)
    return f"{message}, {cost}" if cost else message


def _too_small(results: Results, effect: Judged) -> str:
    """That a significant effect may not matter."""
    least = results.facts.min_effect
    if not least or abs(effect.mean) >= least:
        return ""
    return f", less than the min_effect of {with_unit(f'{least:g}', results.facts.unit)}"


def _lead_over(results: Results, leader: str) -> str:
    """Where the study compares variants: which of them the leader is better than."""
    found: dict[str, list[str]] = {}
    d = effect_decimals(results)
    for pair in judgement(results).pairs:
        if leader in (pair.variant, pair.against) and pair.word is not None:
            first = pair.variant == leader
            other, of = pair.against if first else pair.variant, pair.simultaneous
            of = of if first else -of
            size = quantity(results, of.mean, signed=True)
            says = f"{other} ({size}, {shown(of.low, d)} to {shown(of.high, d)})"
            found.setdefault(_OVER[pair.word if first else _MIRROR[pair.word]], []).append(says)
    if not found:
        return ""
    says = "; ".join(f"{word} {listed(others)}" for word, others in sorted(found.items()))
    return f"Among the variants, {leader} is {says}, by simultaneous 95 % intervals."


def _group(results: Results, lead: Judged, word: Word, others: Sequence[Judged]) -> str:
    """The other variants of one verdict: by name up to three, else counted with their range."""
    rows = [e for e in others if e.word == word and not e.identical]
    if not rows:
        return ""
    one, also = len(rows) == 1, lead.word == word

    def size(e: Judged) -> str:
        return quantity(results, e.mean, signed=True)

    if len(rows) > NAMED:
        who = f"{len(rows)} {'others' if also else 'variants'}"
    elif word == "equivalent" or (one and word != "unresolved"):
        who = listed(e.variant for e in rows)
    elif word == "unresolved":
        who = listed(
            f"{e.variant} ({'; '.join(filter(None, (size(e), settles(e))))})" for e in rows
        )
    else:
        who = listed(f"{e.variant} ({size(e)})" for e in rows)
    too = " too" if also and len(rows) <= NAMED else ""
    if word in ("helps", "hurts"):
        verb = word if one else word.removesuffix("s")
        small = [e.variant for e in rows if _too_small(results, e)]
        note = f" (less than min_effect: {listed(small)})" if small else ""
        return f"{who} {verb}{too}{_by(results, rows)}{note}"
    be = "is" if one else "are"
    if word == "equivalent":
        return f"{who} {be} equivalent{too} within {margin(results)}"
    return f"{who} {be} unresolved{too}"


def _named(rows: Sequence[Judged]) -> str:
    """Variants by name, or how many they are."""
    if len(rows) <= NAMED:
        return listed(e.variant for e in rows)
    return plural(len(rows), "variant")


def _by(results: Results, rows: Sequence[Judged]) -> str:
    sizes = sorted(abs(e.mean) for e in rows)
    if len(rows) == 1:
        return f" by {quantity(results, sizes[0])}"
    if len(rows) <= NAMED:
        return ""
    return f", by {shown(sizes[0], effect_decimals(results))} to {quantity(results, sizes[-1])}"


def _numbers_only(results: Results, known: Sequence[Judged]) -> list[str]:
    """Where no verdict may be given: the numbers, and why there is none."""
    best, facts, d = known[0], results.facts, effect_decimals(results)
    where = f"{facts.heading()} on {facts.dataset}"
    message = [
        f"{best.variant} differs from {facts.baseline} by "
        f"{quantity(results, best.mean, signed=True)} in {where} ({interval(results, best)})."
    ]
    others = known[1:]
    if others:
        near = others if len(others) <= NAMED + 1 else [*others[: NAMED - 1], others[-1]]
        each = [
            f"{e.variant} {quantity(results, e.mean, signed=True)}"
            + (
                f" ({shown(e.simultaneous.low, d)} to {shown(e.simultaneous.high, d)})"
                if e.low == e.low
                else ""
            )
            for e in near
        ]
        if len(near) == len(others):
            message.append(f"The {'other' if len(each) == 1 else 'others'}: {'; '.join(each)}.")
        else:
            head = f"Of {plural(len(others), 'other')}: "
            message.append(f"{head}{'; '.join(each[:-1])}; last, {each[-1]}.")
    few = {1: "One seed is", 2: "Two seeds are"}.get(best.seeds)
    needed = f"it needs {LEAST_SEEDS}"
    message.append(f"{few} too few for a verdict: {needed}." if few else f"No verdict: {best.why}.")
    return message
