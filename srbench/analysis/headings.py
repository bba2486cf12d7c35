"""The one-sentence headings of the sections: what each shows, not what it is called."""

from __future__ import annotations

from srbench.analysis.answer import ORDER
from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, number, of_variants, trained
from srbench.core.numbers import listed, plural


def effects_heading(results: Results) -> str:
    """How many contrasts came out how."""
    known = [e for e in ranked(results) if e.pairs]
    if not known:
        return "No effect can be computed yet"
    judged = [e for e in known if e.word is not None]
    if not judged:
        return "Effects so far, without a verdict"
    counts = {word: sum(e.word == word for e in judged) for word in ORDER}
    [*words] = [word for word, n in counts.items() if n]
    base = results.facts.baseline
    if len(words) == 1 and len(judged) == len(ranked(results)):
        return _all_alike(words[0], len(known), base)
    message = [_counted(n, word) for word, n in counts.items() if n]
    silent = len(ranked(results)) - len(judged)
    message += [f"{silent} without a verdict"] if silent else []
    return f"Against {base}: {listed(message)}"


def _all_alike(word: str, count: int, base: str) -> str:
    who = "The only variant" if count == 1 else f"All {count} variants"
    verb = word if count == 1 else word.removesuffix("s")
    if word in ("helps", "hurts"):
        return f"{who} {verb} against {base}"
    return f"{who} {'is' if count == 1 else 'are'} {word}" + (
        f" to {base}" if word == "equivalent" else ""
    )


def _counted(count: int, word: str) -> str:
    verb = {"helps": ("helps", "help"), "hurts": ("hurts", "hurt")}.get(word)
    if verb is None:
        verb = (f"is {word}", f"are {word}")
    return f"{count} {verb[count != 1]}"


def pictures_heading(count: int) -> str:
    """What there is to look at."""
    if not count:
        return "No pictures were stored beside these results"
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
