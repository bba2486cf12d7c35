"""Optuna's file: every run of a plan, and every trial of a search, as an Optuna trial.

The run table is the queue and the truth; this file is a view of it that may be deleted. Optuna
cannot change a trial that has ended, so a study with one that differs from its row is made anew
under the same name.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from srbench.analysis.history import Direction, State
from srbench.analysis.space import Plain
from srbench.run.proposals import STATES

MAX_REPORTS = 150  # of one trial: the dashboard fetches them all, every few seconds
BUSY_S = 10.0  # how long a write waits for another process


@dataclass(frozen=True)
class ShownTrial:
    """A run, or a trial of a search, as Optuna shows it."""

    number: int  # of the run or trial in our rows
    state: State
    parameters: Mapping[str, Plain]
    attributes: Mapping[str, Plain]
    values: tuple[float, ...] = ()  # one an objective; empty unless complete
    reports: Mapping[int, float] = field(default_factory=dict)  # epoch -> value on `validate`
    constraints: Mapping[str, float] = field(default_factory=dict)
    picture: Path | None = None  # where there may be one


@dataclass(frozen=True)
class ShownStudy:
    """A plan or a search as Optuna shows it."""

    name: str
    key: Literal["run", "trial"]  # the attribute that holds a trial's number
    plan: str
    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    distributions: Mapping[str, BaseDistribution]
    epochs: int  # of a whole run
    trials: Sequence[ShownTrial]
    note: str  # Markdown
    figures: Callable[[], Mapping[str, Any]]  # stable name -> Plotly figure

    @property
    def digest(self) -> str:
        """Categories cannot grow, so another plan or vocabulary needs a new study."""
        return _digest(self.plan, self.metrics, sorted(self.distributions.items()))


class OptunaFile:
    """Optuna's storage and its folder of pictures, open for writing."""

    def __init__(self, storage: RDBStorage, artifacts: Path) -> None:
        self.storage = storage
        self.artifacts = FileSystemArtifactStore(str(artifacts))

    def bring_up_to_date(self, shown: ShownStudy, until: float = inf) -> bool:
        """Write what differs between a study in the file and the rows it shows.

        False if that was not done by `until`, on the monotonic clock; the next call goes on.
        """
        wanted = {t.number: (_frozen(t, shown), _file(t.picture)) for t in shown.trials}
        study = self._opened(shown)
        found = study.get_trials(deepcopy=False)
        present = {trial.user_attrs.get(shown.key, -1): trial for trial in found}
        if (
            study.user_attrs.get("plan") != shown.digest
            or len(present) != len(found)
            or not present.keys() <= wanted.keys()
            or not all(_can_become(trial, *wanted[number]) for number, trial in present.items())
        ):
            self._delete(study)
            study, present = self._opened(shown), {}
        for number, (trial, picture) in wanted.items():
            if time.monotonic() > until:
                return False
            self._write(study, present.get(number), trial, picture)
        ended = [(t.number, t.values, t.attributes) for t in shown.trials if t.state != "running"]
        drawn = _digest(shown.note, ended)
        if study.user_attrs.get("drawn") != drawn:
            _annotate(study, shown)
            study.set_user_attr("drawn", drawn)
        return True

    def _opened(self, shown: ShownStudy) -> optuna.Study:
        study = optuna.create_study(
            storage=self.storage,
            study_name=shown.name,
            directions=shown.directions,
            load_if_exists=True,
        )
        if not study.user_attrs:
            study.set_metric_names(list(shown.metrics))
            study.set_user_attr("plan", shown.digest)
        return study

    def _delete(self, study: optuna.Study) -> None:
        """Delete a study with the pictures of its trials."""
        for trial in study.get_trials(deepcopy=False):
            for meta in get_all_artifact_meta(trial, storage=self.storage):
                with suppress(ArtifactNotFound):
                    self.artifacts.remove(meta.artifact_id)
        optuna.delete_study(study_name=study.study_name, storage=self.storage)

    def _write(
        self,
        study: optuna.Study,
        present: FrozenTrial | None,
        wanted: FrozenTrial,
        picture: Path | None,
    ) -> None:
        """Create a trial, or add to a running one, and end it where its run has ended.

        A picture can only be added before the end; without one a trial is created as it ended.
        """
        if present is None:
            begun = copy(wanted)
            if picture is not None:
                begun.state, begun.values = TrialState.RUNNING, None
            made = self.storage.create_new_trial(study._study_id, begun)
            present = self.storage.get_trial(made)
        if present.state is not TrialState.RUNNING:
            return
        number = present._trial_id
        for name, value in wanted.user_attrs.items():
            if name not in present.user_attrs or present.user_attrs[name] != value:
                self.storage.set_trial_user_attr(number, name, value)
        for epoch, report in wanted.intermediate_values.items():
            if epoch not in present.intermediate_values:
                self.storage.set_trial_intermediate_value(number, epoch, report)
        if wanted.state is TrialState.RUNNING:
            return
        if picture is not None and not _has_picture(present):
            upload_artifact(
                artifact_store=self.artifacts, file_path=str(picture),
                study_or_trial=present, storage=self.storage,
            )  # fmt: skip
        self.storage.set_trial_state_values(number, wanted.state, wanted.values)


@contextmanager
def opened(root: Path) -> Iterator[OptunaFile]:
    """Optuna's file below the database's folder, made where there is none."""
    artifacts = root / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = RDBStorage(_url(root), engine_kwargs={"connect_args": {"timeout": BUSY_S}})
        try:
            yield OptunaFile(storage, artifacts)
        finally:
            storage.remove_session()
            storage.engine.dispose()


def serve(root: Path, port: int) -> None:
    """Serve optuna-dashboard on 127.0.0.1 until it is interrupted."""
    from optuna_dashboard import run_server

    store = FileSystemArtifactStore(str(root / "artifacts"))
    run_server(RDBStorage(_url(root)), "127.0.0.1", port, artifact_store=store)


def vocabulary(parameters: Sequence[Mapping[str, Plain]]) -> dict[str, BaseDistribution]:
    """One category for every value that a parameter takes in the plan."""
    values: dict[str, dict[str, Plain]] = {}
    for one in parameters:
        for name, value in one.items():
            values.setdefault(name, {}).setdefault(repr(value), value)
    return {name: CategoricalDistribution(list(found.values())) for name, found in values.items()}


def _url(root: Path) -> str:
    """A database of its own, so that the dashboard can lock nothing of ours."""
    return f"sqlite:///{root / 'optuna.sqlite'}"


def _annotate(study: optuna.Study, shown: ShownStudy) -> None:
    from optuna_dashboard import save_note, save_plotly_graph_object

    save_note(study, shown.note)
    for name, figure in shown.figures().items():
        save_plotly_graph_object(study, figure, graph_object_id=name)


def _frozen(trial: ShownTrial, shown: ShownStudy) -> FrozenTrial:
    """A trial as Optuna is to have it; as Optuna does, one pruned has its last report as value."""
    state, reports = STATES[trial.state], _reports(trial, shown)
    values = list(trial.values) or None
    if state is TrialState.PRUNED and reports:
        values = [reports[max(reports)]]
    return create_trial(
        state=state,
        values=values,
        params=dict(trial.parameters),
        distributions={name: shown.distributions[name] for name in trial.parameters},
        user_attrs={shown.key: trial.number, **trial.attributes},
        intermediate_values=reports,
        constraints=dict(trial.constraints) or None,
    )


def _can_become(present: FrozenTrial, wanted: FrozenTrial, picture: Path | None) -> bool:
    """Whether a trial in the file equals the wanted one, or only lacks what can be added."""
    if present.state is TrialState.RUNNING:
        known = {e: wanted.intermediate_values.get(e) for e in present.intermediate_values}
        return _same(present.params, wanted.params) and _same(present.intermediate_values, known)
    return (
        present.state is wanted.state
        and _same(present.params, wanted.params)
        and _same(present.values, wanted.values)
        and _same(present.intermediate_values, wanted.intermediate_values)
        and _same(present.user_attrs, wanted.user_attrs)
        and _has_picture(present) == (picture is not None)
    )


def _reports(trial: ShownTrial, shown: ShownStudy) -> dict[int, float]:
    """At most MAX_REPORTS: the first of every few epochs, and the last once the run has ended.

    A report that was chosen stays chosen as the curve grows. Optuna takes none with several
    objectives.
    """
    if len(shown.directions) > 1:
        return {}
    step = 1 if shown.epochs <= MAX_REPORTS else -(-shown.epochs // (MAX_REPORTS - 1))
    chosen: dict[int, int] = {}
    for epoch in sorted(trial.reports):
        chosen.setdefault((epoch - 1) // step, epoch)
    epochs = set(chosen.values())
    if trial.state != "running" and trial.reports:
        epochs.add(max(trial.reports))
    return {epoch: trial.reports[epoch] for epoch in sorted(epochs)}


def _same(one: Any, other: Any) -> bool:
    """Equal to the bit; NaN equals NaN, and 1 is not 1.0."""
    if isinstance(one, Mapping):
        one, other = sorted(one.items()), sorted(other.items())
    return repr(one) == repr(other)


def _file(picture: Path | None) -> Path | None:
    return picture if picture is not None and picture.is_file() else None


def _has_picture(trial: FrozenTrial) -> bool:
    return any(name.startswith("artifacts:") for name in trial.system_attrs)


def _digest(*what: Any) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]
