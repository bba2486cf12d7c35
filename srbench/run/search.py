"""A search under way: proposes trials while the budget lasts, prunes, confirms.

Everything is read from the rows before each decision, so that a killed search goes on and many
processes may share one. Trials wait in the queue like all runs; whoever is free trains them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from srbench.analysis.history import LATENCY, WAITING, Tried, ranked, tried
from srbench.analysis.space import Point
from srbench.core.device_locks import DeviceInUse, SharedLock
from srbench.core.errors import StudyError, UserError, first_line
from srbench.measure.latency_passes import Effort
from srbench.run.proposals import Method, propose, should_prune
from srbench.run.records import training_record
from srbench.run.timed import beside_baseline
from srbench.store import Candidate, Lease, Owner, Proposal, Store, VariantRecord, this_process
from srbench.study.decoding import Decoded
from srbench.study.plan import Plan, PlannedVariant, network_digest, plan_variant
from srbench.study.search import Search
from srbench.study.tree import Variant, check_patch

FRUITLESS = 100  # proposals in a row that bring nothing new: the search has come to its end
TIMING = Effort(rounds=200, budget_s=20.0, narrow=0.01, patience_s=1.0)
AT_ONCE = 20  # fruitless proposals between two looks at the workers


class Searcher:
    """The search of one plan, as one of perhaps several processes that work on it."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        store: Store,
        say: Callable[[str], None],
        share: SharedLock,
    ) -> None:
        assert plan.study.search is not None
        self.plan, self.number, self.store, self.say = plan, number, store, say
        self.search: Search = plan.study.search
        self.plain = self.search.as_plain()
        self.epochs = int(plan.study.base.train["epochs"])
        self.method = method_of(self.search, plan.study.name, self.epochs)
        self.me: Owner = this_process("srbench run")
        self.share = share  # of the devices, given up while a candidate is timed
        self.times: dict[str, float] = {}  # network digest -> latency over the baseline's
        self.images = Decoded(plan.study.scale)
        self.baseline = next(p for p in plan.variants if p.variant.role == "baseline")
        self.known: dict[str, PlannedVariant] = {p.fingerprint: p for p in plan.variants}
        self._adopt()

    def history(self) -> list[Tried]:
        """Every trial and what became of it."""
        return tried(self.store.trials.read(self.number, self.me), self.plain, self.epochs)

    # what a conductor asks

    def supply(
        self, wanted: int, busy: int = 0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Queue trials until `wanted` runs wait, or the search is over.

        Where candidates are timed, nothing is proposed beside `busy` workers, and a device that
        another srbench uses is waited for.
        """
        if self.search.timed and busy:
            return
        waits = False
        for _ in range(AT_ONCE):
            if self.store.queue.claimable(self.number) >= wanted:
                return
            history = self.history()
            if over(self.search, history):
                return
            while (proposal := self._proposal_or_wait(history)) is None:
                if not waits:
                    self.say("waiting: another srbench uses the device, and candidates are timed")
                waits = True
                if stopping():
                    return
            self.store.trials.add(self.number, len(history), proposal)

    def planned(self, lease: Lease) -> PlannedVariant:
        """What a claimed run trains: a candidate of any process, or what is confirmed."""
        if lease.fingerprint not in self.known:
            row = next(t for t in self.history() if t.fingerprint == lease.fingerprint)
            planned = self._planned(lease.variants[0], row.point)
            if planned.fingerprint != lease.fingerprint:
                raise StudyError(
                    f"trial {row.number} was proposed by another version of srbench or of a part; "
                    "run the study again when no other srbench works on it"
                )
            self.known[lease.fingerprint] = planned
        return self.known[lease.fingerprint]

    def should_prune(self, lease: Lease, curves: frozenset[str]) -> tuple[int, str] | None:
        """(epoch, reason) where a run with these new points is not worth going on with."""
        metric = f"validate/{self.search.objectives[0]}"
        if self.search.pruner.name not in _OVER_EPOCHS or metric not in curves:
            return None
        history = self.history()
        trial = _of(history, lease)
        if trial is None or trial.state != "running" or not trial.reports:
            return None
        gone, noted = should_prune(self.method, history, trial.number)
        epoch = max(trial.reports)
        if epoch >= self.epochs:
            return None
        if noted != trial.noted and not gone:
            self.store.trials.note(self.number, trial.number, noted)
        return (epoch, f"{self.search.pruner.name} at epoch {epoch}") if gone else None

    def prune(self, lease: Lease, at: int, why: str, *, steps: int, seconds: float) -> None:
        """Write down that a run was given up; its rung counts for those that come after."""
        history = self.history()
        trial = _of(history, lease)
        if trial is not None:
            _, noted = should_prune(self.method, history, trial.number)
            self.store.trials.note(self.number, trial.number, noted)
        self.store.trials.prune(self.number, lease, at, why, steps=steps, seconds=seconds)

    def ended(self, lease: Lease) -> None:
        """A run has ended: where seeds come one by one, the next one or the end of its trial."""
        self._next_seeds([t for t in (_of(self.history(), lease),) if t is not None])

    # what a session asks

    def goes_on(self) -> bool:
        """Whether there is something to propose."""
        history = self.history()
        self._next_seeds(history)
        return not over(self.search, history)

    def left(self) -> int:
        """How many trials there may still be, as far as that can be said."""
        history = self.history()
        known = [most for unit, most in self.search.budget if unit == "trials"]
        used = sum(t.repeats is None and t.variant is not None for t in history)
        return max(0, int(min([*known, self.search.space.size])) - used) if known else 0

    def is_elsewhere(self) -> bool:
        """Whether trials are under way in other processes, which must end before confirmation."""
        return any(run.elsewhere for trial in self.history() for run in trial.runs)

    def confirm(self) -> bool:
        """Queue the best on fresh seeds once all trials have ended; whether that was done now."""
        history = self.history()
        if not over(self.search, history) or any(
            run.state in WAITING for trial in history for run in trial.runs
        ):
            return False
        best = list(self._best(history))
        records = [
            VariantRecord(name, "variant", said, fingerprint, self.plan.study.seeds)
            for name, (said, fingerprint) in zip(self.search.names(), best, strict=False)
        ]
        if not records or not self.store.plans.add_variants(self.number, records):
            return False
        self.say(f"searched: {summary(self.search, history)}")
        return True

    def _best(self, history: list[Tried]) -> Iterator[tuple[str, str]]:
        """(change, fingerprint) of the best trials; the baseline is run again anyway."""
        for trial in ranked(history, self.search.directions):
            if trial.fingerprint not in (None, self.baseline.fingerprint):
                said = self.search.said(trial.point)
                yield f"{said} (trial {trial.number})", str(trial.fingerprint)

    # inside

    def _proposal_or_wait(self, history: list[Tried]) -> Proposal | None:
        """The next trial; None where a device that it must be timed on is in use."""
        point, noted = propose(self.method, history)
        try:
            return self._checked(point, noted, len(history))
        except DeviceInUse:
            return None

    def _checked(self, point: Point, noted: dict[str, Any], number: int) -> Proposal:
        """A proposal with its candidate, unless it cannot be built or breaks a constraint."""
        name = f"trial {number}"
        try:
            planned = self._planned(name, point)
        except (UserError, ValueError, RuntimeError, TypeError) as problem:
            first = first_line(problem)
            return Proposal(point, {}, noted, message=f"cannot be built: {first}")
        broken = {
            c.text: c.violation(cost_of(planned, c.quantity), cost_of(self.baseline, c.quantity))
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
            if c.quantity == "latency":  # what costs too much is not timed as well
                broken[c.text] = c.violation(noted[LATENCY], 1.0) if LATENCY in noted else 0.0
        if worst := _worst(broken):
            said = f"not trained: {worst} is broken by {100 * broken[worst]:.3g} %"
            return Proposal(point, broken, noted, message=said)
        self.known[planned.fingerprint] = planned
        return Proposal(point, broken, noted, self._candidate(planned))

    def _latency(self, planned: PlannedVariant) -> float:
        """A candidate's time over the baseline's, taken once a network with the device alone."""
        digest = network_digest(planned.variant.tree, self.plan.study.scale)
        if digest not in self.times:
            device = self.share.devices[0]
            with self.share.released():
                self.times[digest] = beside_baseline(
                    planned.variant, self.plan.study, device, self.store, TIMING
                ).value
        return self.times[digest]

    def _planned(self, name: str, point: Mapping[str, Any]) -> PlannedVariant:
        tree = self.search.tree(self.plan.study.base, point)
        check_patch(tree, self.plan.study.scale)
        variant = Variant(name, "candidate", tree, self.search.said(point))
        return plan_variant(variant, self.search.seeds, self.plan.numerics, self.images)

    def _candidate(self, planned: PlannedVariant) -> Candidate:
        seeds = planned.seeds[:1] if self.search.pruner.name in _OVER_SEEDS else planned.seeds
        variant = planned.variant
        record = VariantRecord(
            variant.name, "candidate", variant.change, planned.fingerprint, seeds
        )
        scale, numerics = self.plan.study.scale, str(self.plan.numerics)
        return Candidate(record, training_record(planned, scale, numerics))

    def _next_seeds(self, trials: list[Tried]) -> None:
        """Where seeds come one by one: the next one of each trial that waits for it, or its end."""
        if self.search.pruner.name not in _OVER_SEEDS:
            return
        for trial in trials:
            waits = trial.repeats is None and trial.state == "running" and trial.variant
            if not waits or any(run.state != "done" for run in trial.runs):
                continue
            gone, _ = should_prune(self.method, self.history(), trial.number)
            if gone:
                said = f"{self.search.pruner.name} after {len(trial.runs)} seeds"
                self.store.trials.give_up(self.number, trial.number, len(trial.runs), said)
            else:
                seed = self.search.seeds[len(trial.runs)]
                self.store.trials.add_seed(self.number, str(trial.variant), seed)

    def _adopt(self) -> None:
        """Take over what an earlier plan of the study has tried, as far as it fits this one.

        So a space that has grown, or a longer budget, begins with what is known.
        """
        former = self.store.trials.former_plan(self.number)
        if former is None or self.store.trials.read(self.number, self.me):
            return
        taken = 0
        for row in self.store.trials.read(former, self.me):
            if row.fingerprint is None or not self.search.space.holds(row.parameters):
                continue
            noted = {k: v for k, v in row.noted.items() if not k.startswith("completed_rung")}
            proposal = self._checked(row.parameters, noted, taken)
            same = proposal.candidate and proposal.candidate.variant.fingerprint == row.fingerprint
            ended = any(run.state not in WAITING for run in row.runs)
            if not same or not ended:
                continue
            told = replace(proposal, pruned_at=row.pruned_at, message=row.message)
            if not self.store.trials.add(self.number, taken, told):
                return  # another process is at it
            taken += 1
        if taken:
            self.say(f"{taken} trials of an earlier search of this study are taken over")


_OVER_EPOCHS = ("hyperband", "successive_halving")
_OVER_SEEDS = ("wilcoxon",)


def _of(history: list[Tried], lease: Lease) -> Tried | None:
    """The trial that a claimed run was proposed by; None for a run that is no candidate's."""
    found = (t for t in history if t.repeats is None and t.fingerprint == lease.fingerprint)
    return next((t for t in found if any(run.run == lease.run for run in t.runs)), None)


def method_of(search: Search, name: str, epochs: int) -> Method:
    """A search in the words that Optuna's room understands."""
    sampler, pruner = search.sampler.build()(), search.pruner.build()()
    return Method(
        name=name,
        space=search.space,
        directions=search.directions,
        sampler=search.sampler.name,
        sampler_settings=asdict(sampler),
        pruner=search.pruner.name,
        pruner_settings=asdict(pruner),
        seed=search.seed,
        epochs=epochs,
    )


def cost_of(planned: PlannedVariant, quantity: str) -> float:
    """What a constraint speaks of: trainable parameters, or MACs for an HR image of 1280x720."""
    return float(planned.cost.parameters if quantity == "params" else planned.cost.macs_720p)


def _worst(broken: Mapping[str, float]) -> str:
    """The constraint that is broken most; "" where all are kept."""
    worst = max(broken, key=lambda text: broken[text], default="")
    return worst if worst and broken[worst] > 0 else ""


def over(search: Search, history: list[Tried]) -> str:
    """Why nothing more is proposed; "" while the search goes on."""
    new = [t for t in history if t.repeats is None and t.variant is not None]
    used = {
        "trials": float(len(new)),
        "hours": sum(t.seconds for t in new) / 3600,
        "epochs": sum(t.epochs for t in new),
    }
    for unit, most in search.budget:
        if used[unit] >= most:
            return f"the budget of {most:g} {unit} is spent"
    if len({repr(sorted(t.point.items())) for t in history}) >= search.space.size:
        return "every point of the space was tried"
    last = history[-FRUITLESS:]
    if len(last) == FRUITLESS and all(t.repeats is not None or t.variant is None for t in last):
        return f"{FRUITLESS} proposals in a row brought nothing new"
    return ""


def summary(search: Search, history: list[Tried]) -> str:
    """One line: why it ended, how many trials came to what, and the best of them."""
    counts = {
        state: sum(t.state == state and t.repeats is None for t in history)
        for state in ("complete", "pruned", "infeasible", "failed")
    }
    repeats = sum(t.repeats is not None for t in history)
    told = [f"{n} {state}" for state, n in {**counts, "repeats": repeats}.items() if n]
    best = next(iter(ranked(history, search.directions)), None)
    found = ""
    if best is not None:
        values = ", ".join(
            f"{name} {value:.6g}"
            for name, value in zip(search.objectives, best.values, strict=True)
        )
        found = f"; best on validate: {search.said(best.point)} ({values})"
    return f"{over(search, history)} ({', '.join(told)}){found}"
