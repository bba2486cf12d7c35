"""What claims are evaluated on, and how a quantity of a test is read from it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import quote

import numpy as np

from srbench.analysis.claims_readings import (
    ByRound,
    BySeed,
    Exact,
    OfStudy,
    Reading,
    RunShare,
    Sign,
    Unknown,
    join,
)
from srbench.analysis.claims_tree import Arithmetic, Number, Quantity, Value
from srbench.analysis.claims_vocabulary import better
from srbench.core.errors import did_you_mean
from srbench.core.part_facts import Metrics

Curve = tuple[Sequence[float], Sequence[float]]  # epochs, values
_OPERATORS: Mapping[str, Sign] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """Everything measured that claims are evaluated on: plain numbers, by name.

    scores     (metric, variant, dataset) -> value by seed, or one figure for an untrained network
    curves     (curve, variant) -> by seed, the epochs and their values; curves of a metric on the
               validation set stand under "validate/psnr_y"
    costs      (cost, variant) -> exact figure
    rounds     ("latency" | "step_time", variant) -> ms by round; one round's values pair
    events     ("diverges" | "collapses" | "converges", variant) -> in how many runs it does
    gaps       variant -> seed -> why there is no score: "oom", "diverged", "missing"
    contrasts  (variant, other) -> the study's contrast: a claim that restates it takes its verdict
    family     how many contrasts the study decides together
    min_effects    metric -> min_effect
    metric_facts   metric -> unit and direction
    published  the same, from sources; their variants may have other names
    study      the study's name, for the command that brings published figures
    """

    metric: str = ""
    dataset: str = ""
    variants: tuple[str, ...] = ()  # all trained ones, in study order: `*`
    scores: Mapping[tuple[str, str, str], Mapping[int, float] | float] = field(default_factory=dict)
    curves: Mapping[tuple[str, str], Mapping[int, Curve]] = field(default_factory=dict)
    costs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    rounds: Mapping[tuple[str, str], Mapping[int, float]] = field(default_factory=dict)
    events: Mapping[tuple[str, str], RunShare] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    contrasts: Mapping[tuple[str, str], OfStudy] = field(default_factory=dict)
    family: int = 1
    min_effects: Mapping[str, float] = field(default_factory=dict)
    metric_facts: Metrics = field(default_factory=dict)
    published: Evidence | None = None
    study: str = "STUDY"


def read(value: Value, evidence: Evidence) -> Reading:
    """The value of an expression, seed by seed where it has seeds.

    Raises:
        Unknown: something in it was not measured.
    """
    match value:
        case Number():
            return Exact(value.value)
        case Quantity(published=True):
            return _published(replace(value, published=False), evidence)
        case Quantity():
            return _quantity(value, evidence)
        case Arithmetic():
            left, right = read(value.left, evidence), read(value.right, evidence)
            return join(_OPERATORS[value.operator], left, right)


def _quantity(quantity: Quantity, evidence: Evidence) -> Reading:
    name, variant = quantity.name, quantity.variant
    at = name, variant
    if quantity.reaching:
        return _epochs_to(quantity, evidence)
    if quantity.epochs or quantity.last is not None:
        return _window(quantity, _stored_curves(name, variant, evidence))
    if at in evidence.costs:
        return Exact(float(evidence.costs[at]))
    if at in evidence.rounds:
        return ByRound(_finite(quantity, evidence.rounds[at]))
    found = evidence.scores.get((*at, quantity.dataset or evidence.dataset))
    if found is not None:
        return BySeed(_finite(quantity, found)) if isinstance(found, Mapping) else Exact(found)
    if at in evidence.curves:
        return _window(replace(quantity, last=1), evidence.curves[at])
    raise Unknown(f"{quantity} was not measured")


def _published(quantity: Quantity, evidence: Evidence) -> Exact:
    """The figure of a source, or the mean of a curve of its."""
    stored = evidence.published or Evidence()
    try:
        found = _quantity(quantity, stored)
    except Unknown:
        problem = f"no published figure of {quantity} is stored{_nearest(quantity, stored)}"
        raise Unknown(f"{problem}; {way_to_import(evidence)}") from None
    if isinstance(found, Exact):
        return found
    return Exact(float(np.mean(list(found.values.values()))))


def _nearest(quantity: Quantity, stored: Evidence) -> str:
    """The stored figures of this quantity and variant, or a variant of nearly that name."""
    at = quantity.name, quantity.variant
    there = [str(Quantity(*at, key[2])) for key in stored.scores if key[:2] == at]
    if at in stored.curves:
        last = max(max(epochs) for epochs, _ in stored.curves[at].values())
        there.append(f"epochs up to {last:g}")
    if there:
        return f" (of {quantity.variant}: {', '.join(sorted(there))})"
    hint = did_you_mean(quantity.variant, stored.variants).removeprefix("; ")
    return f" ({hint})" if hint else ""


def way_to_import(evidence: Evidence) -> str:
    """What a user can do about missing published figures."""
    return f"figures are imported by srbench import FILE --study {quote(evidence.study)}"


def _finite(quantity: Quantity, values: Mapping[int, float]) -> dict[int, float]:
    finite = {k: float(v) for k, v in values.items() if np.isfinite(v)}
    if not finite:
        raise Unknown(f"{quantity} has no finite value")
    return finite


def _stored_curves(name: str, variant: str, evidence: Evidence) -> Mapping[int, Curve]:
    found = curves_of(name, variant, evidence)
    if not found:
        raise Unknown(f"no curve of {name} is stored for {variant}")
    return found


def curves_of(name: str, variant: str, evidence: Evidence) -> Mapping[int, Curve]:
    """The curve of that name by seed, of a metric that on `validate`; empty without one."""
    curves = evidence.curves
    return curves.get((name, variant)) or curves.get((f"validate/{name}", variant)) or {}


def _window(quantity: Quantity, curves: Mapping[int, Curve]) -> BySeed:
    """The mean of each seed's curve over the epochs of the quantity."""
    found: dict[int, float] = {}
    for seed, (epochs, values) in curves.items():
        at, y = np.asarray(epochs, dtype=np.float64), np.asarray(values, dtype=np.float64)
        end = at.max(initial=0)
        if quantity.epochs:
            first, final = quantity.epochs
            chosen = (at >= first) & (at <= final) & (end >= final)
        else:
            chosen = at > end - (quantity.last or 0)
        if chosen.any():
            found[seed] = float(y[chosen].mean())
    if not found:
        raise Unknown(f"{quantity}: no curve is that long")
    return BySeed(_finite(quantity, found))


def _epochs_to(quantity: Quantity, evidence: Evidence) -> BySeed:
    """The first epoch at the level; a seed that does not reach it counts with its last epoch."""
    name, level = quantity.reaching or ("", 0.0)
    sign = better(name, evidence.metric_facts)
    found: dict[int, float] = {}
    never = 0
    for seed, (epochs, values) in _stored_curves(name, quantity.variant, evidence).items():
        reached = np.flatnonzero(np.asarray(values, dtype=np.float64) * sign >= level * sign)
        found[seed] = float(epochs[reached[0]] if len(reached) else epochs[-1])
        never += not len(reached)
    return BySeed(_finite(quantity, found), at_least=never)
