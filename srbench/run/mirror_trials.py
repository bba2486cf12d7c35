"""A search's trials as Optuna shows them: points of the space, reports and values."""

from __future__ import annotations

from collections.abc import Sequence, Set

from srbench.analysis.history import Tried
from srbench.analysis.results import Results
from srbench.analysis.space import Plain, Space
from srbench.core.places import STRIP, run_folder
from srbench.run.optuna_file import ShownStudy, ShownTrial
from srbench.run.proposals import distributions


def shown_search(results: Results, history: Sequence[Tried], free: Set[int]) -> ShownStudy:
    """The search of a study; `free` are the runs that no living process trains."""
    from srbench.report.markdown import search_note

    facts, search = results.facts, results.facts.search or {}
    shown = (_shown(trial, results, free) for trial in history)
    return ShownStudy(
        name=facts.name,
        key="trial",
        plan=facts.plan,
        metrics=tuple(
            f"{name} on validate" if name in facts.metric_facts else name
            for name in search["objectives"]
        ),
        directions=tuple(search["directions"]),
        distributions=distributions(Space.from_plain(search["space"])),
        epochs=len(search["seeds"]) if len(search["seeds"]) > 1 else facts.epochs,
        trials=[trial for trial in shown if trial is not None],
        note=search_note(results),
        figures=dict,
    )


def _shown(trial: Tried, results: Results, free: Set[int]) -> ShownTrial | None:
    """A trial as Optuna shows it; None while all its runs wait in the queue."""
    attributes: dict[str, Plain] = {"state": trial.state}
    state = trial.state
    trained_now = any(run.state == "running" and run.run not in free for run in trial.runs)
    if state == "running" and not trained_now:
        if not any(run.steps for run in trial.runs):
            return None
        state = "failed"  # Optuna has no state for a run that was interrupted
        attributes["state"] = f"interrupted at step {trial.runs[-1].steps}"
    attributes["runs"] = ", ".join(str(run.run) for run in trial.runs)
    if trial.message:
        attributes["message"] = trial.message[:200]
    picture = None
    if trial.runs:
        attributes["train_seconds"] = trial.seconds
        first = trial.runs[0]
        folder = run_folder(results.root, str(trial.fingerprint), first.seed, first.attempt)
        picture = folder / STRIP
    return ShownTrial(
        trial.number, state, trial.point, attributes, trial.values, trial.reports,
        trial.constraints, picture,
    )  # fmt: skip
