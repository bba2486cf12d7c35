"""What a study cannot tell, and the line of facts under its answer."""

from __future__ import annotations

from dataclasses import dataclass

from srbench.analysis.convergence import (
    converged,
    moving,
    plateaus,
    ranking_settled,
    ranking_text,
    tolerance_text,
    validation_curve,
)
from srbench.analysis.judgement import (
    Judged,
    Judgement,
    Outcome,
    control_outcome,
    judgement,
    spreads,
    without_outliers,
)
from srbench.analysis.phrases import quantity
from srbench.analysis.plateaus import LEAST_POINTS
from srbench.analysis.power import detectable, noise_floor
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    best_interpolation,
    cells,
    compared,
    left_out,
    scores_by_seed,
    text,
)
from srbench.analysis.search_results import search_failure
from srbench.analysis.significance import LEAST_SEEDS
from srbench.core.numbers import duration, listed, p_value, plural, shown, with_unit


@dataclass(frozen=True)
class Label:
    """A word that qualifies every number of the page, and the sentence that explains it."""

    word: str
    says: str


def labels(results: Results) -> tuple[Label, ...]:
    """The labels that apply to this study, gravest first."""
    out: list[Label] = []
    if failure := search_failure(results):
        says = f"{failure}, so nothing was confirmed; narrow the space and run the study again"
        out.append(Label("search failed", says))
    if results.facts.later:
        out.append(Label("changed after results", results.facts.later.rstrip(".")))
    out += [Label("check the images", sentence) for sentence in results.facts.overlaps]
    outcomes = [control_outcome(control) for control in judgement(results).controls]
    out += [Label("control failed", says) for outcome, says in outcomes if outcome == "failed"]
    if results.facts.synthetic:
        out.append(Label("synthetic", "these numbers come from made-up data, not from photographs"))
    if results.facts.steps == 0:
        out.append(Label("random weights", "the networks were scored without training"))
    unconverged = _still_moving(results) or _below_interpolation(results)
    out += [Label("unconverged", unconverged)] if unconverged else []
    out += [Label("outlier", _outliers(results))] if judgement(results).outliers else []
    if left_out(results):
        out.append(Label("flat images", left_out_text(results)))
    stale = sum(cell.stale for cell in cells(results))
    if stale:
        says = f"{plural(stale, 'run')} used source code that has since changed"
        says += f" ({changed})" if (changed := results.facts.changed_parts) else ""
        out.append(Label("stale", says))
    return tuple(out)


def left_out_text(results: Results) -> str:
    """Which images means leave out, and by which metrics."""
    metrics: dict[str, list[str]] = {}
    for (metric, dataset), (images, count) in left_out(results).items():
        named = [*images[:3], *([f"{len(images) - 3} more"] if images[3:] else [])]
        where = f"{len(images)} of {plural(count, 'image')} of {dataset} ({listed(named)})"
        metrics.setdefault(where, []).append(results.facts.heading(metric))
    return "; ".join(
        f"{where} left out of means of {listed(names)}: reproduced exactly, the score is infinite"
        for where, names in metrics.items()
    )


def _outliers(results: Results) -> str:
    """Which runs lie far from the other seeds of their variant, and what they decide."""
    found, unit = judgement(results), results.facts.unit
    named = [
        f"seed {one.seed} of {one.variant} lies {with_unit(f'{abs(one.distance):.3g}', unit)} "
        f"{'below' if one.distance < 0 else 'above'} the mean of its other seeds "
        f"({p_value(one.p)} over all runs)"
        for one in found.outliers
    ]
    it = "that run" if len(named) == 1 else "those runs"
    other = without_outliers(results)
    changed = [
        f"{b.variant} {_is(b)} (it {_is(a)})"
        for a, b in zip(
            (*found.contrasts, *found.pairs), (*other.contrasts, *other.pairs), strict=True
        )
        if a.word != b.word
    ]
    without = f"without {it}, {listed(changed)}" if changed else f"no verdict depends on {it}"
    return f"{listed(named)}; {without}"


def _is(judged: Judged) -> str:
    if judged.word in ("helps", "hurts"):
        return str(judged.word)
    return f"is {judged.word}" if judged.word else "has no verdict"


def _still_moving(results: Results) -> str:
    """How many curves were still moving; "" where none was."""
    still, found = moving(results), plateaus(results)
    if not still:
        return ""
    says = (
        f"{len(still)} of {plural(len(found), 'variant')} would still change by more than "
        f"{tolerance_text(results)} in {results.facts.heading()} on validate over another third "
        "of training"
    )
    ranking = ranking_settled(results)
    if ranking is None:
        return says
    settled = "not settled" if ranking.settled_from is None else "settled"
    return f"{says}; their order had {settled}"


def _below_interpolation(results: Results) -> str:
    """Which interpolation every trained variant still scores worse than; "" for none."""
    known = best_interpolation(results)
    means = [sum(s.values()) / len(s) for s in scores_by_seed(results).values() if s]
    if known is None or not means:
        return ""
    name, level = known
    sign = results.facts.sign
    if max(sign * mean for mean in means) >= sign * level:
        return ""
    return f"no variant has reached {name} interpolation, which needs no training"


OUTCOMES: dict[Outcome, str] = {"passed": "as they must", "failed": "failed", "open": "open"}


def facts_line(results: Results) -> tuple[tuple[str, str], ...]:
    """(heading, value) pairs for the line of facts."""
    facts, rows = results.facts, cells(results)
    done = [c for c in rows if c.state == "done"]
    seconds = sum(c.train_seconds for c in done if c.train_seconds == c.train_seconds)
    devices = sorted({text(d) for d in results.runs["device"]} - {""})
    controls = [control_outcome(row)[0] for row in judgement(results).controls]
    held = [f"{controls.count(x)} {word}" for x, word in OUTCOMES.items() if x in controls]
    ended = sorted(text(f)[:10] for f in results.runs["finished"] if text(f))
    out = [
        ("runs", f"{len(done)} of {len(rows)} done"),
        ("seeds", _seeds(results)),
        ("training", f"{plural(facts.epochs, 'epoch')}, {plural(facts.steps, 'step')}"),
        ("device", listed(devices)),
        ("time", f"{duration(seconds)} of training" if seconds else ""),
        ("date", ended[-1] if ended else facts.planned_at[:10]),
        ("converged", converged(results)),
        ("controls", ", ".join(held)),
    ]
    for state in sorted({c.state for c in rows} - {"done"}):
        out.append((state, plural(sum(c.state == state for c in rows), "run")))
    stale = sum(c.stale for c in rows)
    out.append(("stale", plural(stale, "run") if stale else ""))
    return tuple((head, value) for head, value in out if value)


def _seeds(results: Results) -> str:
    if not results.facts.looks:
        own, base = len(results.facts.seeds), len(results.facts.baseline_seeds)
        return f"{own}, baseline {base}" if base > own else str(own)
    taken = max((len(e.course.looks) for e in judgement(results).contrasts if e.course), default=0)
    return f"until decided; {taken} of {plural(len(results.facts.looks), 'look')} taken"


def cannot_tell(results: Results) -> tuple[str, ...]:
    """The limits of the evidence, one sentence each."""
    found, settled = judgement(results), ranking_text(results)
    missing = [f"{e.variant} ({e.incomplete})" for e in found.contrasts if e.incomplete]
    more = f"; and {len(missing) - 3} more" if missing[3:] else ""
    sentences = (
        *(f"{label.word.capitalize()}: {label.says}." for label in labels(results)),
        _seeds_text(results, found),
        _looks_text(results, found),
        f"Missing cells: {'; '.join(missing[:3])}{more}. Runs may not be missing at random."
        if missing
        else "",
        _convergence_text(results),
        f"Ranking: {settled[0].lower()}{settled[1:]}" if settled else "",
        *_fixed_text(results),
        _contrasts_text(results, found),
        f"Controls: {'; '.join(control_outcome(row)[1] for row in found.controls)}."
        if found.controls
        else "Controls: none. A study may name identity (the baseline with other random numbers: "
        "must not differ) and broken (must hurt).",
    )
    return tuple(sentence for sentence in sentences if sentence)


def _seeds_text(results: Results, found: Judgement) -> str:
    facts = results.facts
    most = max((e.seeds for e in found.contrasts), default=0)
    if not facts.looks and len(facts.seeds) < LEAST_SEEDS:
        count = plural(len(facts.seeds), "seed")
        return f"Seeds: {count} give numbers but no verdict; take at least 3, better 5."
    spread, of_baseline = spreads(results)
    if most < LEAST_SEEDS or not spread:
        return ""
    base = max(e.verdict.other for e in found.contrasts)
    message = f"Seeds: up to {most} trainings of a variant"
    message += "." if facts.paired or base == most else f" and {base} of {facts.baseline}."
    if facts.looks or facts.paired or base < LEAST_SEEDS:
        return f"{message} A smaller difference may exist and not be detected."
    least = spread * detectable(most, found.family, base, of_baseline / spread)
    size = with_unit(shown(least, effect_decimals(results)), facts.unit)
    return (
        f"{message} With the spread of these runs, an effect below {size} would be "
        "missed more than one time in five."
    )


def _looks_text(results: Results, found: Judgement) -> str:
    facts = results.facts
    if not facts.looks:
        if len(results.looks):
            return (
                "Looks: this study was looked at while seeds were added, and its file now fixes "
                "their number; its verdicts do not count those looks."
            )
        return "Looks: the number of seeds was fixed; verdicts hold for one look at the end."
    waiting = sum(e.course is not None and e.course.state == "continue" for e in found.contrasts)
    verb = "waits" if waiting == 1 else "wait"
    return (
        f"Looks: seeds were added until decided, with looks at {listed(map(str, facts.looks))} "
        "seeds; each has an equal share of the error, which widens the repeated intervals."
        + (f" {plural(waiting, 'contrast')} still {verb}." if waiting else "")
    )


def _convergence_text(results: Results) -> str:
    found = plateaus(results).values()
    if all(end.points < LEAST_POINTS for end in found):
        why = "has too few points" if validation_curve(results) else "is not stored"
        return f"Convergence: not known, since the curve on validate {why}."
    unknown = sum(end.state == "not known" for end in found)
    if unknown:
        return (
            f"Convergence: not known for {unknown} of {plural(len(found), 'variant')}. The curves "
            f"scatter too much to show or to exclude that another third of training would change "
            f"them by {tolerance_text(results)}."
        )
    if all(end.state == "converged" for end in found):
        return (
            "Convergence: the curves had converged under this schedule. A plateau that a "
            "schedule made does not say that a longer one would gain nothing."
        )
    return ""


def _fixed_text(results: Results) -> tuple[str, ...]:
    """What the study held fixed."""
    facts, scores = results.facts, results.scores
    sets = listed(sorted({*map(str, scores["dataset"]), facts.dataset}))
    images = int(scores.loc[scores["dataset"] == facts.dataset, "image"].nunique())
    lr = f"; LR of {', of '.join(facts.lr)}" if facts.lr else ""
    return (
        f"Budget: one budget was tried ({plural(facts.epochs, 'epoch')}, "
        f"{plural(facts.steps, 'step')}). A longer training may rank the variants differently.",
        "Tuning: learning rate, schedule and loss were held fixed unless a variant names its own; "
        "none was tuned for a variant.",
        f"Images: only {sets} ({plural(images, 'image')} in the primary set), scale "
        f"x{facts.scale}{lr}. Other images, scales and degradations were not tried.",
        f"Outcome: verdicts are on {facts.heading()} on {facts.dataset} under {facts.protocol} "
        "alone; other metrics and sets are shown and are secondary. PSNR is not perceived quality.",
    )


def _contrasts_text(results: Results, found: Judgement) -> str:
    count = len(compared(results))
    if count < 2:
        return ""
    if found.sequential:
        return (
            f"Many contrasts: verdicts hold over all {count} and over all looks (Holm, "
            "Bonferroni). Effects by image, other metrics and claims are not in that count."
        )
    says = (
        f"Many contrasts: verdicts hold over all {found.family} at once (Holm, 5 % for each "
        "family); each 95 % interval covers one contrast, the simultaneous (thin) one for all. "
        "Effects by image and other metrics are not in that count."
    )
    alike = max(sum(e.word == word for e in found.contrasts) for word in ("helps", "hurts"))
    if alike > 1 and not found.pairs:
        says += " Variants were compared with the baseline only: name pairs under compare for more."
    return says


def noise_text(results: Results) -> str:
    """The noise floor from the identity control; "" without one."""
    rows = [e for e in judgement(results).controls if e.variant == "identity" and e.differences[1:]]
    if not rows:
        return ""
    floor = noise_floor(rows[0].differences)
    low, high = quantity(results, floor.low), quantity(results, floor.high)
    return (
        "Noise floor: the baseline against itself, with other random numbers, differs with a "
        f"standard deviation of {quantity(results, floor.mean)} for one seed (95 % interval {low} "
        f"to {high})."
    )
