"""Optuna's file and its dashboard: every run as a trial.

Our run table is the queue and the truth; Optuna's file can be deleted and is made anew from it.
A fixed plan goes through a sampler that proposes the claimed run, so that optuna-dashboard shows
parameters, curves, scores and pictures while the study runs.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from srbench.analysis.history import Direction

MAX_REPORTS = 150  # of one trial: the dashboard fetches them all, every few seconds

_ENDS = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Cell:
    """One run or trial as Optuna sees it: its parameters, and facts known before training."""

    run: int  # its number, or that of the trial
    parameters: Mapping[str, Plain]
    facts: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """What became of a run: its values (none where it has none), reports and picture strip."""

    cell: Cell
    values: tuple[float, ...] = ()
    state: Literal["complete", "pruned", "failed"] = "complete"
    facts: Mapping[str, Plain] = field(default_factory=dict)
    reports: Mapping[int, float] = field(default_factory=dict)  # epoch -> value on `validate`
    constraints: Mapping[str, float] = field(default_factory=dict)
    artifact: Path | None = None


class Planned(BaseSampler):
    """Proposes the parameters of the run that was claimed, whatever came before. Ours."""

    def __init__(self) -> None:
        self.next: Mapping[str, Plain] = {}

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, Any]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        return self.next[param_name]


class Mirror:
    """One Optuna study that shows one plan. Never in the way: its failures are only logged."""

    def __init__(
        self,
        url: str,
        artifacts: Path,
        *,
        name: str,
        plan: str,
        metrics: Sequence[str],
        directions: Sequence[Direction],
        distributions: Mapping[str, BaseDistribution],
        key: str = "run",
    ) -> None:
        quiet()
        artifacts.mkdir(parents=True, exist_ok=True)
        self.storage = optuna.storages.RDBStorage(
            url, engine_kwargs={"connect_args": {"timeout": 60}} if "sqlite" in url else None
        )
        self.artifacts = FileSystemArtifactStore(str(artifacts))
        self.name, self.plan, self.key = name, plan, key
        self.metrics, self.directions = list(metrics), list(directions)
        self.distributions = distributions
        self.sampler = Planned()
        self.trials: dict[int, optuna.Trial] = {}
        self.reported: dict[int, int] = {}
        self.study = self._open()

    def in_step_with(self, finished: Sequence[Finished]) -> bool:
        """Whether the ended trials are exactly these runs with all that is known of them."""
        ended = self.study.get_trials(
            deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)
        )
        told = [(t.user_attrs.get(self.key, 0), set(t.user_attrs)) for t in ended]
        known = [(d.cell.run, set(self._facts(d))) for d in finished if d.state != "failed"]
        about = dict(self.study.user_attrs)
        return (
            about.get("plan") == self.plan
            and about.get("vocabulary") == self._vocabulary_text()
            and sorted(told, key=lambda t: t[0]) == sorted(known, key=lambda k: k[0])
        )

    def rebuild(self, finished: Sequence[Finished]) -> None:
        """Make the study anew from our rows: finished trials cannot be changed in place."""
        former = self._pictures()
        optuna.delete_study(study_name=self.name, storage=self.storage)
        for picture in former:
            with suppress(ArtifactNotFound):
                self.artifacts.remove(picture)
        self.study = self._open()
        study_id = self.storage.get_study_id_from_name(self.name)
        for done in finished:
            if done.artifact is None or not done.artifact.exists():
                self.storage.create_new_trial(study_id, self._template(done, _ENDS[done.state]))
                continue
            template = self._template(done, TrialState.RUNNING)
            trial = self.storage.get_trial(self.storage.create_new_trial(study_id, template))
            upload_artifact(
                artifact_store=self.artifacts,
                file_path=str(done.artifact),
                study_or_trial=trial,
                storage=self.storage,
            )
            self._tell(trial.number, done)

    def fail_orphans(self) -> None:
        """Tell FAIL for trials that nobody works on: Optuna would show them running for ever."""
        self.trials.clear()
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)

    def begin(self, cell: Cell) -> None:
        """Ask for the trial of a run that was claimed; a former one, whose worker died, failed."""
        former = self.trials.pop(cell.run, None)
        self.reported.pop(cell.run, None)
        if former is not None:
            self.study.tell(former.number, state=TrialState.FAIL)
        self.sampler.next = dict(cell.parameters)
        trial = self.study.ask({key: self.distributions[key] for key in self.sampler.next})
        for key, value in self._facts(Finished(cell)).items():
            trial.set_user_attr(key, value)
        self.trials[cell.run] = trial

    def report(self, run: int, epoch: int, value: float) -> None:
        """One point of the curve on `validate`."""
        trial = self.trials.get(run)
        if trial is not None and self._single and epoch > self.reported.get(run, -1):
            self.reported[run] = epoch
            trial.report(value, epoch)

    def finish(self, done: Finished) -> None:
        """Attach the pictures and tell the value."""
        trial = self.trials.pop(done.cell.run, None)
        if trial is None:
            return
        for key, value in done.facts.items():
            trial.set_user_attr(key, value)
        if done.artifact is not None and done.artifact.exists():
            upload_artifact(
                artifact_store=self.artifacts, file_path=str(done.artifact), study_or_trial=trial
            )
        self._tell(trial.number, done)

    def annotate(self, note: str, figures: Mapping[str, Any]) -> None:
        """The study's note (Markdown) and its Plotly figures, under stable names."""
        from optuna_dashboard import save_note, save_plotly_graph_object

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            save_note(self.study, note)
            for name, figure in figures.items():
                save_plotly_graph_object(self.study, figure, graph_object_id=name)

    def close(self) -> None:
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _open(self) -> optuna.Study:
        study = optuna.create_study(
            storage=self.storage,
            study_name=self.name,
            sampler=self.sampler,
            directions=self.directions,
            load_if_exists=True,
        )
        if "plan" not in study.user_attrs:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names(self.metrics)
            study.set_user_attr("plan", self.plan)
            study.set_user_attr("vocabulary", self._vocabulary_text())
        return study

    def _pictures(self) -> list[str]:
        """The artifacts of all trials."""
        return [
            meta.artifact_id
            for trial in self.study.get_trials(deepcopy=False)
            for meta in get_all_artifact_meta(trial, storage=self.storage)
        ]

    def _template(self, done: Finished, state: TrialState) -> FrozenTrial:
        """A trial as Optuna is to store it; a pruned one has the value of its last report."""
        parameters = dict(done.cell.parameters)
        reports = dict(_thinned(done.reports)) if self._single else {}
        values = None
        if state is TrialState.COMPLETE:
            values = list(done.values)
        elif state is TrialState.PRUNED and reports:
            values = [reports[max(reports)]]
        return create_trial(
            state=state,
            values=values,
            params=parameters,
            distributions={key: self.distributions[key] for key in parameters},
            user_attrs=self._facts(done),
            intermediate_values=reports,
            constraints=dict(done.constraints) or None,
        )

    @property
    def _single(self) -> bool:
        """Whether there is one objective: only then does Optuna take reports."""
        return len(self.directions) == 1

    def _tell(self, number: int, done: Finished) -> None:
        if done.state == "complete" and not any(value != value for value in done.values):
            self.study.tell(number, list(done.values))
        else:  # also without the outcome, as of an output that the network does not have
            state = TrialState.PRUNED if done.state == "pruned" else TrialState.FAIL
            self.study.tell(number, state=state)

    def _facts(self, done: Finished) -> dict[str, Plain]:
        return {self.key: done.cell.run, **done.cell.facts, **done.facts}

    def _vocabulary_text(self) -> str:
        """A digest: categories cannot grow, so another vocabulary needs another study."""
        text = repr([self.metrics, sorted(self.distributions.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def vocabulary(cells: Sequence[Cell]) -> dict[str, BaseDistribution]:
    """One category for every value that a parameter takes in the plan."""
    values: dict[str, list[Plain]] = {}
    for cell in cells:
        for key, value in cell.parameters.items():
            known = values.setdefault(key, [])
            if not any(value is v or (type(value) is type(v) and value == v) for v in known):
                known.append(value)
    return {key: CategoricalDistribution(found) for key, found in values.items()}


def differing(trees: Mapping[str, Mapping[str, Plain]]) -> dict[str, dict[str, Plain]]:
    """For each variant the places of its tree where those that have the place are not all alike."""
    places = dict.fromkeys(place for tree in trees.values() for place in tree)
    vary = [p for p in places if len({repr(t[p]) for t in trees.values() if p in t}) > 1]
    return {name: {p: tree[p] for p in vary if p in tree} for name, tree in trees.items()}


def quiet() -> None:
    """Optuna's own log lines would break the progress display."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _thinned(reports: Mapping[int, float]) -> list[tuple[int, float]]:
    points = sorted(reports.items())
    if len(points) <= MAX_REPORTS:
        return points
    keep = {round(i * (len(points) - 1) / (MAX_REPORTS - 1)) for i in range(MAX_REPORTS)}
    return [points[i] for i in sorted(keep)]


def serve(url: str, artifacts: Path, port: int) -> None:
    """Serve optuna-dashboard on 127.0.0.1 until it is interrupted."""
    from optuna_dashboard import run_server

    quiet()
    artifacts.mkdir(parents=True, exist_ok=True)
    store = FileSystemArtifactStore(str(artifacts))
    run_server(optuna.storages.RDBStorage(url), "127.0.0.1", port, artifact_store=store)
