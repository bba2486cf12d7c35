"""How much each place of a space decided, by PED-ANOVA.

Watanabe et al., 2023, PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
subspaces. https://arxiv.org/abs/2304.10255
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from srbench.analysis.history import Tried
from srbench.run.proposals import Method, quietly, study_of

LEAST = 10  # complete trials


def importances(method: Method, history: Sequence[Tried]) -> dict[str, float]:
    """Place -> share of what decided whether a trial is among the best tenth; sums to one.

    Empty below ten complete trials that differ. Repeats are left out: they would count twice.
    """
    whole = [t for t in history if t.state == "complete" and t.repeats is None]
    if len(whole) < LEAST:
        return {}
    with quietly():
        told = [replace(t, noted={}) for t in whole]
        study = study_of(method, told, optuna.samplers.RandomSampler(seed=0))
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {path: float(share) for path, share in found.items()}
