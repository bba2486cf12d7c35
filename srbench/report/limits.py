"""What a study cannot tell, and the line of facts under its answer."""

from __future__ import annotations

from srbench.report.cells import cells, compared, study_effects, text
from srbench.report.condition import labels, resting, validation_curve
from srbench.report.numbers import duration, listed, metric_name, plural
from srbench.results import Results


def facts_line(results: Results) -> tuple[tuple[str, str], ...]:
    """(heading, value) pairs for the line of facts."""
    facts, rows = results.facts, cells(results)
    done = [c for c in rows if c.state == "done"]
    seconds = sum(c.train_seconds for c in done if c.train_seconds == c.train_seconds)
    devices = sorted({text(d) for d in results.runs["device"]} - {""})
    ended = sorted(text(f)[:10] for f in results.runs["finished"] if text(f))
    out = [
        ("runs", f"{len(done)} of {len(rows)} done"),
        ("seeds", str(len(facts.seeds))),
        ("training", f"{plural(facts.epochs, 'epoch')}, {plural(facts.steps, 'step')}"),
        ("device", listed(devices)),
        ("time", f"{duration(seconds)} of training" if seconds else ""),
        ("date", ended[-1] if ended else facts.planned_at[:10]),
        ("converged", converged(results)),
    ]
    for state in sorted({c.state for c in rows} - {"done"}):
        out.append((state, plural(sum(c.state == state for c in rows), "run")))
    stale = sum(c.stale for c in rows)
    out.append(("stale", plural(stale, "run") if stale else ""))
    return tuple((head, value) for head, value in out if value)


def converged(results: Results) -> str:
    """yes, no with a count, or not known."""
    found = resting(results)
    if not found:
        return "not known"
    moving = sum(at.moving for at in found.values())
    return f"no: {moving} of {len(found)} variants still moving" if moving else "yes, on validate"


def cannot_tell(results: Results) -> tuple[str, ...]:
    """The limits of the evidence, one sentence each."""
    facts = results.facts
    out = [f"{label.word.capitalize()}: {label.says}." for label in labels(results)]
    pairs = [e.pairs for e in study_effects(results)]
    if len(facts.seeds) < 3:
        out.append(
            f"Seeds: {plural(len(facts.seeds), 'seed')} give numbers but no conclusion; "
            "take at least 3, better 5."
        )
    else:
        out.append(
            f"Seeds: {len(facts.seeds)} trainings a variant. A difference smaller than its "
            "interval may be there and not be seen."
        )
    if pairs and min(pairs) < len(facts.seeds):
        out.append("Missing cells: some effects rest on fewer seeds than planned; see the runs.")
    if not resting(results):
        why = "too few points" if validation_curve(results) else "no curve"
        out.append(f"Convergence: not known, since there is {why} on validate.")
    out.append(
        f"Budget: one budget was tried ({plural(facts.epochs, 'epoch')}, "
        f"{plural(facts.steps, 'step')}). A longer training may rank the variants differently."
    )
    out.append(
        "Tuning: learning rate, schedule and loss were the same for all variants; none was "
        "tuned for a variant."
    )
    sets = sorted({str(d) for d in results.scores["dataset"]} | {facts.dataset})
    count = results.scores.loc[results.scores["dataset"] == facts.dataset, "image"].nunique()
    out.append(
        f"Images: only {listed(sets)} ({plural(int(count), 'image')} in the primary set), scale "
        f"x{facts.scale}. Other images, scales and degradations were not tried."
    )
    out.append(
        f"Outcome: effects are on {metric_name(facts.metric)} under {facts.protocol}; other "
        "metrics are shown and are secondary. PSNR is not what an eye sees."
    )
    if len(compared(results)) > 1:
        out.append(
            f"Many rows: each 95 % interval stands for itself. Over {len(compared(results))} "
            "contrasts read the simultaneous (thin) interval."
        )
    return tuple(out)
