"""A search in Optuna's own terms: each trial with its parameters, reports, values and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from srbench.analysis.history import Tried, tried
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.space import Space
from srbench.core.places import STRIP, run_folder
from srbench.run.mirror_guard import Guarded, mirror_url
from srbench.run.mirror_lock import Keeper, locked
from srbench.run.optuna_file import Cell, Finished, Mirror, Plain
from srbench.run.proposals import distributions
from srbench.store import Store, this_process


class SearchWatcher:
    """Shows the trials of one search while they are trained."""

    def __init__(self, store: Store, plan: int, say: Callable[[str], None]) -> None:
        self.store, self.plan = store, plan
        self.facts = facts = store.results(plan, points=2).facts
        self.guarded = Guarded(say)
        self.keeper: Keeper | None = None
        self.metric = f"validate/{(facts.search or {})['objectives'][0]}"
        with self.guarded(), locked(store.root):
            self.keeper = Keeper(store.root, search_name(facts))
            self.guarded.mirror = open_search(store.root, facts)
            if self.keeper.is_alone():
                bring_in_step(self.guarded.mirror, self.history(), store.root)

    def history(self) -> list[Tried]:
        return history_of(self.store, self.plan, self.facts)

    def started(self, claim: Any, steps: int) -> None:
        with self.guarded() as mirror:
            trial = self._of(claim)
            if trial is not None:
                mirror.begin(cell_of(trial))

    def resumed(self, claim: Any, step: int) -> None:
        pass

    def progressed(self, claim: Any, message: Any) -> None:
        points = [p for p in message.points if p[0] == self.metric]
        if not points or claim.judged or len((self.facts.search or {})["seeds"]) > 1:
            return
        with self.guarded() as mirror:
            number = int(claim.variants[0].partition(" ")[2])
            for _, _, epoch, value in points:
                mirror.report(number, round(epoch), value)

    def scoring(self, claim: Any) -> None:
        pass

    def finished(self, claim: Any, done: Any, folder: Path) -> None:
        self._ended(claim)

    def failed(self, claim: Any, reason: str, message: str) -> None:
        self._ended(claim)

    def pruned(self, claim: Any, at: int, why: str) -> None:
        self._ended(claim)

    def stopped(self, claim: Any, step: int) -> None:
        with self.guarded() as mirror:
            trial = self._of(claim)
            if trial is not None:
                facts: dict[str, Plain] = {"state": f"interrupted at step {step}"}
                mirror.finish(Finished(cell_of(trial), state="failed", facts=facts))

    def said(self, text: str) -> None:
        pass

    def close(self) -> None:
        """Put the trials in order: repeats, and what other processes did, are known only now."""
        with self.guarded() as mirror, locked(self.store.root):
            if self.keeper is not None and self.keeper.is_alone():
                bring_in_step(mirror, self.history(), self.store.root)
            annotate(mirror, self.store.results(self.plan, points=2))
            mirror.close()
        if self.keeper is not None:
            with suppress(OSError), locked(self.store.root):
                self.keeper.leave()

    def _of(self, claim: Any) -> Tried | None:
        """The trial of a candidate's run."""
        if claim.judged:
            return None
        return next((t for t in self.history() if t.variant == claim.variants[0]), None)

    def _ended(self, claim: Any) -> None:
        with self.guarded() as mirror:
            trial = self._of(claim)
            if trial is not None and trial.state != "running":
                mirror.finish(finished_of(trial, self.store.root))


def search_name(facts: StudyFacts) -> str:
    """The search has the study's name; the runs that confirm it are shown beside."""
    return facts.name


def history_of(store: Store, plan: int, facts: StudyFacts) -> list[Tried]:
    """Every trial of a plan's search."""
    return tried(store.trials(plan, this_process()), facts.search or {}, facts.epochs)


def open_search(root: Path, facts: StudyFacts) -> Mirror:
    """The mirror of one search."""
    search = facts.search or {}
    validated = ("psnr_y", "ssim_y")
    return Mirror(
        mirror_url(root),
        root / "artifacts",
        name=search_name(facts),
        plan=facts.plan,
        metrics=[f"{n} on validate" if n in validated else n for n in search["objectives"]],
        directions=search["directions"],
        distributions=distributions(Space.from_plain(search["space"])),
        key="trial",
    )


def bring_in_step(mirror: Mirror, history: Sequence[Tried], root: Path) -> None:
    """Make the mirror anew where it is behind, and end what nobody works on."""
    ended = [finished_of(trial, root) for trial in history if trial.state != "running"]
    if not mirror.in_step_with(ended):
        mirror.rebuild(ended)
    mirror.fail_orphans()


def annotate(mirror: Mirror, results: Results) -> None:
    """The study's note: what was found, and what was confirmed of it."""
    from srbench.report.markdown import search_note

    mirror.annotate(search_note(results), {})


def cell_of(trial: Tried) -> Cell:
    """What is known of a trial before it is trained."""
    return Cell(trial.number, dict(trial.point))


def finished_of(trial: Tried, root: Path) -> Finished:
    """What became of a trial."""
    facts: dict[str, Plain] = {"state": trial.state, "runs": ", ".join(
        str(run.run) for run in trial.runs)}  # fmt: skip
    if trial.message:
        facts["message"] = trial.message[:200]
    if trial.runs:
        facts["train_seconds"] = trial.seconds
    strip = None
    if trial.runs and trial.fingerprint is not None:
        first = trial.runs[0]
        strip = run_folder(root, trial.fingerprint, first.seed, first.attempt) / STRIP
    known = {"complete": "complete", "failed": "failed"}
    return Finished(
        cell_of(trial),
        trial.values,
        known.get(trial.state, "pruned"),  # type: ignore[arg-type]
        facts,
        trial.reports,
        trial.constraints,
        strip,
    )
