"""The one-sentence headings of the sections: what each shows, not what it is called."""

from __future__ import annotations

from collections import Counter

from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, number, of_variants, trained
from srbench.analysis.verdict_sentences import ORDER
from srbench.analysis.verdicts import Word
from srbench.core.numbers import listed, plural

VERBS = ("helps", "hurts")


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
        against = f" against {base}" if words[0] in VERBS else ""
        who = "The only variant" if count == 1 else f"All {count} variants"
        return f"{who} {_predicate(words[0], count)}{to}{against}"
    message = [f"{counts[word]} {_predicate(word, counts[word])}" for word in words]
    silent = len(contrasts) - sum(counts[word] for word in words)
    message += [f"{silent} without a verdict"] if silent else []
    return f"Against {base}: {listed(message)}"


def _predicate(word: Word, count: int) -> str:
    """helps, help; is equivalent, are equivalent."""
    if word in VERBS:
        return word if count == 1 else word.removesuffix("s")
    return f"{'is' if count == 1 else 'are'} {word}"


def pictures_heading(count: int) -> str:
    """What there is to look at."""
    if not count:
        return "No pictures were stored with these results"
    return f"{plural(count, 'picture')} to compare by eye"


def costs_heading(results: Results) -> str:
    """How many variants carry parameters that no output can reach."""
    counts = of_variants(results, "dead")
    dead = [name for name in trained(results) if number(counts[name]) > 0]
    if not dead:
        return "No variant has dead parameters"
    who = listed(dead) if len(dead) <= 3 else plural(len(dead), "variant")
    return f"{who} {'has' if len(dead) == 1 else 'have'} parameters that no output can reach"


def failures_heading(results: Results) -> str:
    """How many planned runs gave no score."""
    rows = cells(results)
    missing = [c for c in rows if c.score != c.score]
    if not missing:
        return f"All {plural(len(rows), 'planned run')} finished and were scored"
    return f"{len(missing)} of {plural(len(rows), 'planned run')} gave no score"


def scores_heading(results: Results) -> str:
    """The scores of all variants and the interpolations."""
    metric = results.facts.heading()
    return f"Scores of {plural(len(trained(results)), 'variant')}, {metric} first"
