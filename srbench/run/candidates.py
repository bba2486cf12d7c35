"""Candidates of a search: a point of its space as a planned variant, or the reason it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from srbench.analysis.history import LATENCY
from srbench.analysis.space import Point
from srbench.core.device_locks import DeviceInUse, SharedLock
from srbench.core.errors import UserError, first_line
from srbench.measure.latency_passes import Effort
from srbench.run.records import training_record
from srbench.run.timed import beside_baseline
from srbench.store import Candidate, Proposal, Store, VariantRecord
from srbench.study.decoding import Decoded
from srbench.study.plan import Plan, PlannedVariant, network_digest, plan_variant
from srbench.study.search import Search
from srbench.study.tree import Variant, check_patch

TIMING = Effort(rounds=200, budget_s=20.0, narrow=0.01, patience_s=1.0)
OVER_SEEDS = ("wilcoxon",)  # pruners for which a trial's seeds are queued one by one


class Candidates:
    """Builds, bounds and times the candidates of one search."""

    def __init__(self, plan: Plan, search: Search, store: Store, share: SharedLock) -> None:
        self.plan, self.search, self.store = plan, search, store
        self.share = share  # of the devices, released while a candidate is timed
        self.images = Decoded(plan.study.scale)
        self.baseline = next(p for p in plan.variants if p.variant.role == "baseline")
        self.known = {p.fingerprint: p for p in plan.variants}
        self.times: dict[str, float] = {}  # network digest -> latency over the baseline's

    def planned(self, name: str, point: Mapping[str, Any]) -> PlannedVariant:
        """A point as a planned variant; UserError and others where it cannot be built."""
        tree = self.search.tree(self.plan.study.base, point)
        check_patch(tree, self.plan.study.scale)
        variant = Variant(name, "candidate", tree, self.search.in_words(point))
        return plan_variant(variant, self.search.seeds, self.plan.numerics, self.images)

    def proposal(self, point: Point, noted: dict[str, Any], number: int) -> Proposal:
        """A point with its candidate, unless it cannot be built or breaks a constraint.

        Raises:
            DeviceInUse: it must be timed, and another srbench uses the device.
        """
        try:
            planned = self.planned(f"trial {number}", point)
        except (UserError, ValueError, RuntimeError, TypeError) as problem:
            return Proposal(point, {}, noted, message=f"cannot be built: {first_line(problem)}")
        broken = {
            c.text: c.violation(_cost(planned, c.quantity), _cost(self.baseline, c.quantity))
            for c in self.search.constraints
            if c.quantity != "latency"
        }
        if self.search.timed and not _worst(broken):
            try:
                noted = {**noted, LATENCY: self._latency(planned)}
            except DeviceInUse:
                raise
            except UserError as problem:
                return Proposal(point, {}, noted, message=f"cannot be timed: {problem}")
        for c in self.search.constraints:
            if c.quantity == "latency":  # not timed where another constraint is broken
                broken[c.text] = c.violation(noted[LATENCY], 1.0) if LATENCY in noted else 0.0
        if worst := _worst(broken):
            message = f"not trained: {worst} is broken by {100 * broken[worst]:.3g} %"
            return Proposal(point, broken, noted, message=message)
        self.known[planned.fingerprint] = planned
        return Proposal(point, broken, noted, self._candidate(planned))

    def _latency(self, planned: PlannedVariant) -> float:
        """A candidate's latency over the baseline's, measured once per network."""
        digest = network_digest(planned.variant.tree, self.plan.study.scale)
        if digest not in self.times:
            with self.share.released():
                self.times[digest] = beside_baseline(
                    planned.variant, self.plan.study, self.share.devices[0], self.store, TIMING
                ).value
        return self.times[digest]

    def _candidate(self, planned: PlannedVariant) -> Candidate:
        seeds = planned.seeds[:1] if self.search.pruner.name in OVER_SEEDS else planned.seeds
        variant = planned.variant
        record = VariantRecord(
            variant.name, "candidate", variant.change, planned.fingerprint, seeds
        )
        numerics = str(self.plan.numerics)
        return Candidate(record, training_record(planned, self.plan.study.scale, numerics))


def _cost(planned: PlannedVariant, quantity: str) -> float:
    """What a constraint bounds: trainable parameters, or MACs for an HR image of 1280x720."""
    return float(planned.cost.parameters if quantity == "params" else planned.cost.macs_720p)


def _worst(broken: Mapping[str, float]) -> str:
    """The constraint with the largest violation; "" where all are met."""
    worst = max(broken, key=lambda text: broken[text], default="")
    return worst if worst and broken[worst] > 0 else ""
