"""The next trial, and whether to prune a running one: questions put to Optuna.

Each question makes a study in memory from the trials so far. What sampler and pruner note with a
trial (a generation, a rung) is returned, to be stored with it; the sampler's seed follows from the
search's and the trial's number. An answer thus depends on the rows alone: a search that was killed
continues with the same proposals, and many processes may share one.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from srbench.analysis.history import Direction, Tried
from srbench.analysis.space import Choices, Dimension, Integers, Point, Space
from srbench.core.errors import StudyError

FRUITLESS = 5  # proposals in a row that bring nothing new, after which one is drawn at random
WEIGHED = 10  # complete trials, at least, for importances
STATES = {
    "running": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "infeasible": TrialState.PRUNED,  # samplers read its constraints, and take it for bad
    "failed": TrialState.FAIL,
}


@dataclass(frozen=True)
class Method:
    """How a search is run: all of it but what has happened."""

    name: str  # of the study; Hyperband deals its brackets by it
    space: Space
    directions: tuple[Direction, ...]
    sampler: str
    sampler_settings: Mapping[str, Any]
    pruner: str
    pruner_settings: Mapping[str, Any]
    seed: int
    epochs: int  # of a whole run


def propose(method: Method, history: Sequence[Tried]) -> tuple[Point, dict[str, Any]]:
    """The next point to try, and what the sampler notes with it.

    Raises:
        StudyError: the sampler needs a package that is not installed.
    """
    with quietly():
        study = study_of(method, history, _sampler(method, history))
        if method.sampler == "grid":
            study.enqueue_trial(_next_of_grid(method.space, history))
        trial = study.ask()
        point: Point = {}
        try:
            for dimension in method.space.dimensions:
                if dimension.exists(point):
                    point[dimension.path] = trial._suggest(dimension.path, _distribution(dimension))
        except ImportError as problem:
            raise StudyError(
                f"the sampler {method.sampler} needs a package that is not installed ({problem})",
                ("tune", "sampler"),
            ) from None
        noted = study.get_trials(deepcopy=False)[-1].system_attrs
    return point, {k: v for k, v in noted.items() if k != "fixed_params"}


def should_prune(
    method: Method, history: Sequence[Tried], number: int
) -> tuple[bool, dict[str, Any]]:
    """Whether to prune a running trial after its last report, and what the pruner notes then."""
    with quietly():
        pruner = _pruner(method)
        study = study_of(method, history, optuna.samplers.RandomSampler(seed=0), pruner)
        trial = study.get_trials(deepcopy=False)[number]
        pruned = pruner.prune(study, trial)
        noted = study.get_trials(deepcopy=False)[number].system_attrs
    own = {k: v for k, v in noted.items() if not k.startswith("constraints")}
    return pruned, own


def importances(method: Method, history: Sequence[Tried]) -> dict[str, float]:
    """Place -> share of what decided whether a trial is among the best tenth; sums to one.

    Empty below ten complete trials that differ; repeats are left out. PED-ANOVA: Watanabe et al.,
    2023, Efficiently quantifying hyperparameter importance in arbitrary subspaces.
    https://arxiv.org/abs/2304.10255
    """
    whole = [replace(t, noted={}) for t in history if t.counts]
    if len(whole) < WEIGHED:
        return {}
    with quietly():
        study = study_of(method, whole, optuna.samplers.RandomSampler(seed=0))
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {path: float(share) for path, share in found.items()}


def fruitless(history: Sequence[Tried], count: int) -> bool:
    """Whether so many trials in a row were repeats, or were not trained."""
    last = history[-count:]
    return len(last) == count and all(t.repeats is not None or not t.variant for t in last)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The dimensions of a space as Optuna's distributions, by place."""
    return {dimension.path: _distribution(dimension) for dimension in space.dimensions}


def frozen(method: Method, trial: Tried, given: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """A trial as Optuna stores it."""
    state = STATES[trial.state]
    one = len(method.directions) == 1
    return create_trial(
        state=state,
        values=list(trial.values) if state is TrialState.COMPLETE else None,
        params=dict(trial.point),
        distributions={path: given[path] for path in trial.point},
        system_attrs=dict(trial.noted),
        constraints=dict(trial.constraints) or None,
        intermediate_values=dict(trial.reports) if one else None,
    )


def study_of(
    method: Method,
    history: Sequence[Tried],
    sampler: BaseSampler,
    pruner: BasePruner | None = None,
) -> optuna.Study:
    """A study in memory to which all of this has happened."""
    study = optuna.create_study(
        study_name=method.name,
        directions=list(method.directions),
        sampler=sampler,
        pruner=pruner or _pruner(method),
    )
    given = distributions(method.space)
    study.add_trials(frozen(method, trial, given) for trial in history)
    return study


def _sampler(method: Method, history: Sequence[Tried]) -> BaseSampler:
    text = f"{method.name}\n{method.seed}\n{len(history)}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    given = method.sampler_settings
    stuck = fruitless(history, FRUITLESS)
    if method.sampler in ("random", "grid") or (stuck and method.sampler != "brute_force"):
        return optuna.samplers.RandomSampler(seed=seed)
    if method.sampler == "tpe":
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=given["startup"],
            n_ei_candidates=given["candidates"],
            multivariate=True,
            group=True,  # places that exist only under some choices are modelled among themselves
        )
    if method.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=given["population"])
    if method.sampler == "gp":
        try:
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=given["startup"])
        except ImportError as problem:
            raise StudyError(
                f"the sampler gp needs a package that is not installed ({problem})",
                ("tune", "sampler"),
            ) from None
    return optuna.samplers.BruteForceSampler(seed=seed)


def _pruner(method: Method) -> BasePruner:
    given = method.pruner_settings
    if method.pruner == "successive_halving":
        return optuna.pruners.SuccessiveHalvingPruner(
            min_resource=given["epochs"],
            reduction_factor=given["reduction"],
            bootstrap_count=given["startup"],
        )
    if method.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=given["epochs"],
            max_resource=method.epochs,
            reduction_factor=given["reduction"],
        )
    if method.pruner == "wilcoxon":
        return optuna.pruners.WilcoxonPruner(
            p_threshold=given["p"], n_startup_steps=given["startup"]
        )
    return optuna.pruners.NopPruner()


def _next_of_grid(space: Space, history: Sequence[Tried]) -> Point:
    """The first point that was not proposed; the first of all where none is left."""
    asked = {_key(trial.point) for trial in history}
    return next(
        (point for point in space.points() if _key(point) not in asked), next(space.points())
    )


def _key(point: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((path, type(value).__name__, value or "") for path, value in point.items()))


def _distribution(dimension: Dimension) -> BaseDistribution:
    values = dimension.values
    if isinstance(values, Choices):
        return CategoricalDistribution(values.values)
    if isinstance(values, Integers):
        return IntDistribution(values.low, values.high, log=values.log, step=values.step)
    return FloatDistribution(values.low, values.high, log=values.log, step=values.step)


@contextmanager
def quietly() -> Iterator[None]:
    """Optuna's log lines and its notes about experimental arguments are not for our users."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
