"""The one-sentence headings of the sections: what each shows, not what it is called."""

from __future__ import annotations

from srbench.report.cells import cells, number, trained
from srbench.report.condition import resting
from srbench.report.numbers import LOWER_IS_BETTER, listed, metric_name, plural, shown
from srbench.report.ranking import ranked
from srbench.report.table_costs import cost_shown
from srbench.report.table_images import image_effects
from srbench.results import Results


def effects_heading(results: Results) -> str:
    """How many effects stand clear of zero, and on which side."""
    known = [e for e in ranked(results) if e.pairs]
    if not known:
        return "No effect can be taken yet"
    if max(e.pairs for e in known) < 3:
        return "Effects so far, on too few seeds for a conclusion"
    sign = -1 if results.facts.metric in LOWER_IS_BETTER else 1
    better = sum(e.excludes_zero and sign * e.mean > 0 for e in known)
    worse = sum(e.excludes_zero and sign * e.mean < 0 for e in known)
    base = results.facts.baseline
    if better == len(known):
        many = "The only variant scores" if better == 1 else f"All {better} variants score"
        return f"{many} above {base}"
    said = [f"{worse} below"] if worse else []
    unclear = len(known) - better - worse
    said += [f"{unclear} not clear of zero"] if unclear else []
    verb = "scores" if better == 1 else "score"
    return f"{better} of {plural(len(known), 'variant')} {verb} above {base}, {listed(said)}"


def curves_heading(results: Results) -> str:
    """Whether training had come to rest."""
    found = resting(results)
    if not found:
        return "How training went: whether it had converged is not known"
    moving = [name for name, at in found.items() if at.moving]
    if not moving:
        return "The validation curves of all variants had come to rest"
    if len(moving) == len(found):
        return "No variant had come to rest when training ended"
    return f"{len(moving)} of {plural(len(found), 'variant')} had not come to rest"


def cost_heading(results: Results) -> str:
    """What the best variant costs against the baseline."""
    known = [e for e in ranked(results) if e.pairs]
    if not known:
        return "Quality against cost waits for finished runs"
    best, base = known[0].variant, results.facts.baseline
    table = results.variants.set_index("variant")["parameters"]
    more = 100 * (number(table.get(best)) / number(table.get(base)) - 1)
    if more != more:
        return f"{best} scores best"
    said = "no more" if more == 0 else f"{shown(abs(more), 1)} % {'more' if more > 0 else 'fewer'}"
    return f"The best, {best}, has {said} parameters than {base}"


def images_heading(results: Results) -> str:
    """On how many images the best variant is better."""
    known = [e for e in ranked(results) if e.pairs]
    found = image_effects(results).get(known[0].variant, {}) if known else {}
    if not found:
        return "Effects by image wait for finished runs"
    sign = -1 if results.facts.metric in LOWER_IS_BETTER else 1
    gain = sum(sign * e.mean > 0 for e in found.values())
    all_of = f"all {len(found)}" if gain == len(found) and gain > 1 else f"{gain} of {len(found)}"
    return f"{known[0].variant} is better on {all_of} images"


def pictures_heading(count: int) -> str:
    """What there is to look at."""
    if not count:
        return "No pictures were stored beside these results"
    return f"{plural(count, 'picture')} to compare by eye"


def costs_heading(results: Results) -> str:
    """How many variants carry parameters that no output can reach."""
    shown_table = cost_shown(results)
    dead = [str(r[0]) for r in shown_table.rows if isinstance(r[3], (int, float)) and r[3] > 0]
    if not dead:
        return "No variant has dead parameters"
    who = listed(dead) if len(dead) <= 3 else plural(len(dead), "variant")
    return f"{who} {'has' if len(dead) == 1 else 'have'} parameters that no output can reach"


def failures_heading(results: Results) -> str:
    """How many planned runs gave no score."""
    rows = cells(results)
    wanting = [c for c in rows if c.score != c.score]
    if not wanting:
        return f"All {plural(len(rows), 'planned run')} finished and were scored"
    return f"{len(wanting)} of {plural(len(rows), 'planned run')} gave no score"


def scores_heading(results: Results) -> str:
    """The scores of all variants and the interpolations."""
    metric = metric_name(results.facts.metric)
    return f"Scores of {plural(len(trained(results)), 'variant')}, {metric} first"
