"""The table of effects on the primary outcome: one row a contrast, best first, with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.limits import noise_text
from srbench.analysis.power import BUDGET
from srbench.analysis.ranking import (
    best_first,
    effect_decimals,
    known_or_mark,
    mean_of,
    ranked,
    states_of,
    why_missing,
)
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import by_variant, number, of_variants, scores_by_seed, text
from srbench.analysis.search_results import confirmed_text, searched
from srbench.analysis.significance import PERMUTED_FROM
from srbench.analysis.verdict_sentences import effects_heading
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.section import Section


@lru_cache(maxsize=8)
def effects_shown(results: Results) -> Table:
    """One row a contrast: verdict, effect, intervals, p, seeds, and what it costs."""
    facts = results.facts
    caption = (
        f"Effects on {facts.heading()} on {facts.dataset} against {facts.baseline}, "
        f"protocol {facts.protocol}"
    )
    return _contrasts("effects", caption, ranked(results), results)


def pairs_shown(results: Results) -> Table:
    """The contrasts of variants with each other, in the family of the effects."""
    caption = "Variants against each other, in one family with the effects"
    return _contrasts("pairs", caption, judgement(results).pairs, results)


def controls_shown(results: Results) -> Table:
    """The same for the controls, which are a family of their own."""
    caption = f"Controls against {results.facts.baseline}, judged in a family of their own"
    rows = best_first(judgement(results).controls, results)
    return _contrasts("controls", caption, rows, results)


def _contrasts(name: str, caption: str, contrasts: Sequence[Judged], results: Results) -> Table:
    unit = results.facts.unit
    decimals = effect_decimals(results)

    sequential = judgement(results).sequential and name == "effects"
    one = "repeated" if sequential else "95 %"
    both = "over all contrasts at once (Bonferroni)"
    if sequential:
        both = "the repeated interval holds over all contrasts and looks"
    test = "paired" if results.facts.paired else "Welch's"
    of = "look" if sequential else "holm"
    holm = "Holm" if not sequential else "Holm at the last look; see the looks"
    head = "p different" if sequential else "p different (Holm)"
    same = "p equivalent" if sequential else "p equivalent (Holm)"
    columns = (
        Column("variant", "variant"),
        Column("verdict", "verdict", kind="verdict"),
        in_unit("effect", "effect", unit, decimals),
        *limits(unit, decimals, name=one),
        Column("seeds", "seeds", kind="count", note="finished and scored"),
        Column("against_seeds", "against", kind="count", note="seeds of the other side"),
        Column(f"p_{of}", head, kind="p", note=f"{test} t test; {holm}"),
        Column(f"p_within_{of}", same, kind="p", note=f"two one-sided t tests; {holm}"),
        Column("more_seeds", "more seeds", note="that decide it if the effect is as estimated"),
        Column("most_seeds", "at most", note="more seeds that decide it whatever the effect is"),
        in_unit(results.facts.metric, results.facts.heading(), unit, decimals, "number"),
        Column("parameters_more", "more parameters", kind="difference"),
        Column("macs_more_percent", "more MACs", "%", "difference", 1),
        *limits(unit, decimals, "all_", "simultaneous", both),
        in_unit("sd", "sd", unit, decimals + 1, "number", note="over seeds"),
        Column("p_permutation", "p permutation", kind="p", note="from 6 seeds on; unadjusted"),
        Column("runs", "runs"),
        Column("note", "what is missing"),
        Column("change", "change"),
    )  # fmt: skip
    return Table(name, caption, columns, tuple(_row(effect, results) for effect in contrasts))


def _row(effect: Judged, results: Results) -> tuple[Value, ...]:
    name, base, of, look = effect.variant, effect.against, effect.verdict, effect.look
    planned, scores = by_variant(results)[name], scores_by_seed(results)[name]
    missing = why_missing(planned)
    if scores and not effect.seeds:
        missing = Mark("no baseline", f"{base} has no finished run")
    few = Mark("one seed", "an interval needs at least two seeds") if effect.seeds else missing
    if effect.course is not None and look is None and effect.seeds:
        few = Mark("no look yet", effect.why)
    untested = Mark("no verdict", effect.why) if effect.seeds else missing
    unnamed = Mark("no min_effect", "the study names no min_effect")
    within = unnamed if not results.facts.min_effect and effect.word else untested
    flips = Mark("few seeds", f"a permutation test needs {PERMUTED_FROM} seeds")
    if effect.course is not None:
        p, q = (look.p, look.p_within) if look else (float("nan"), float("nan"))
    else:
        p, q = of.p_holm, of.p_within_holm
    parameters, macs = (of_variants(results, name) for name in ("parameters", "macs_720p"))
    why = "" if effect.word or not effect.seeds else effect.why
    return (
        name if base == results.facts.baseline else f"{name} − {base}",
        effect.verdict_word,
        effect.mean if effect.seeds else missing,
        *(x if x == x else few for x in (effect.low, effect.high)),
        effect.seeds,
        of.other,
        p if p == p else untested,
        q if q == q else within,
        *_more(effect),
        mean_of(list(scores.values())) if scores else missing,
        known_or_mark(number(parameters.get(name)) - number(parameters.get(base))),
        known_or_mark(_percent_more(number(macs.get(name)), number(macs.get(base)))),
        *(x if x == x else few for x in (effect.simultaneous.low, effect.simultaneous.high)),
        of.sd if of.sd == of.sd else few,
        of.p_permutation if of.p_permutation == of.p_permutation else flips,
        states_of(planned),
        "; ".join(part for part in (why, effect.incomplete) if part),
        text(of_variants(results, "change").get(name)),
    )


def _more(effect: Judged) -> tuple[str, str]:
    """The seeds that decide it, likely and certainly: "6", "over 100"; "" if decided."""
    if effect.course is not None and effect.course.next_look is not None:
        return f"next look at {effect.course.next_look}", ""
    if effect.more is None:
        return "", ""
    likely, certain = (
        f"over {BUDGET}" if seeds is None else str(seeds)
        for seeds in (effect.more.likely, effect.more.certain)
    )
    return likely, certain


def _percent_more(value: float, base: float) -> float:
    return 100 * (value / base - 1) if base else float("nan")


def section(results: Results) -> Section:
    """The verdicts with their numbers, and the controls; beside a search, its confirmation."""
    return Section(
        "effects",
        "Confirmation" if searched(results) else "Effects",
        effects_heading(results),
        (effects_shown(results), pairs_shown(results), controls_shown(results)),
        template="section_effects.html",
        shows={"noise": noise_text(results), "confirmed": confirmed_text(results)},
    )
