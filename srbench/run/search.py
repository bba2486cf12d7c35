"""A search under way: proposes trials while the budget lasts, prunes, confirms the best.

Everything is read from the rows before each decision, so that a killed search continues and many
processes may share one. Trials wait in the queue like all runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from srbench.analysis.history import WAITING, Tried, outcomes, ranked, tried
from srbench.core.device_locks import DeviceInUse, SharedLock
from srbench.core.errors import StudyError
from srbench.run.candidates import OVER_SEEDS, Candidates
from srbench.run.proposals import Method, fruitless, propose, should_prune
from srbench.store import Lease, Owner, Proposal, Store, VariantRecord, this_process
from srbench.study.plan import Plan, PlannedVariant
from srbench.study.search import Search

FRUITLESS = 100  # proposals in a row that bring nothing new end a search
OVER_EPOCHS = ("hyperband", "successive_halving")  # pruners that read curves
AT_ONCE = 20  # fruitless proposals between two looks at the workers


class Searcher:
    """The search of one plan; several processes may work on it."""

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
        self.candidates = Candidates(plan, self.search, store, share)
        self._adopt()

    def history(self) -> list[Tried]:
        """Every trial and what became of it."""
        return tried(self.store.trials.read(self.number, self.me), self.plain, self.epochs)

    def supply(
        self, wanted: int, busy: int = 0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Queue trials until `wanted` runs wait, or the search is over.

        Where candidates are timed, nothing is proposed while workers are `busy`, and this waits
        for a device that another srbench uses.
        """
        if self.search.timed and busy:
            return
        waited = False
        for _ in range(AT_ONCE):
            if self.store.queue.claimable(self.number) >= wanted:
                return
            history = self.history()
            if over(self.search, history):
                return
            while (proposal := self._proposal_or_wait(history)) is None:
                if not waited:
                    self.say("waiting: another srbench uses the device, and candidates are timed")
                waited = True
                if stopping():
                    return
            self.store.trials.add(self.number, len(history), proposal)

    def planned(self, lease: Lease) -> PlannedVariant:
        """What a claimed run trains: any process's candidate, or a variant to confirm."""
        if lease.fingerprint not in self.candidates.known:
            row = next(t for t in self.history() if t.fingerprint == lease.fingerprint)
            planned = self.candidates.planned(lease.variants[0], row.point)
            if planned.fingerprint != lease.fingerprint:
                raise StudyError(
                    f"trial {row.number} was proposed by another version of srbench or of a part; "
                    "run the study again when no other srbench works on it"
                )
            self.candidates.known[lease.fingerprint] = planned
        return self.candidates.known[lease.fingerprint]

    def should_prune(self, lease: Lease, curves: frozenset[str]) -> tuple[int, str] | None:
        """(epoch, reason) if the pruner ends a run after these new points, else None."""
        metric = f"validate/{self.search.objectives[0]}"
        if self.search.pruner.name not in OVER_EPOCHS or metric not in curves:
            return None
        history = self.history()
        trial = _of(history, lease)
        if trial is None or trial.state != "running" or not trial.reports:
            return None
        prune, noted = should_prune(self.method, history, trial.number)
        epoch = max(trial.reports)
        if epoch >= self.epochs:
            return None
        if noted != trial.noted and not prune:
            self.store.trials.note(self.number, trial.number, noted)
        return (epoch, f"{self.search.pruner.name} at epoch {epoch}") if prune else None

    def prune(self, lease: Lease, at: int, why: str, *, steps: int, seconds: float) -> None:
        """Store that a run was pruned; its rung counts for later trials."""
        history = self.history()
        trial = _of(history, lease)
        if trial is not None:
            _, noted = should_prune(self.method, history, trial.number)
            self.store.trials.note(self.number, trial.number, noted)
        self.store.trials.prune(self.number, lease, at, why, steps=steps, seconds=seconds)

    def ended(self, lease: Lease) -> None:
        """A run has ended: where seeds are queued one by one, queue the next or end its trial."""
        self._next_seeds([t for t in (_of(self.history(), lease),) if t is not None])

    def goes_on(self) -> bool:
        """Whether the search has more to propose."""
        history = self.history()
        self._next_seeds(history)
        return not over(self.search, history)

    def left(self) -> int:
        """How many trials may still come; 0 where the budget does not count trials."""
        history = self.history()
        known = [most for unit, most in self.search.budget if unit == "trials"]
        used = sum(t.repeats is None and t.variant is not None for t in history)
        return max(0, int(min([*known, self.search.space.size])) - used) if known else 0

    def is_elsewhere(self) -> bool:
        """Whether other processes train trials, which must end before confirmation."""
        return any(run.elsewhere for trial in self.history() for run in trial.runs)

    def confirm(self) -> bool:
        """Queue the best on fresh seeds once all trials have ended; whether this call did."""
        history = self.history()
        if not over(self.search, history) or any(
            run.state in WAITING for trial in history for run in trial.runs
        ):
            return False
        best = list(self._best(history))
        records = [
            VariantRecord(name, "variant", phrase, fingerprint, self.plan.study.seeds)
            for name, (phrase, fingerprint) in zip(self.search.names(), best, strict=False)
        ]
        found = summary(self.search, history)
        if not records:
            self.say(f"searched: {found}; there is nothing to confirm")
        elif self.store.plans.add_variants(self.number, records):
            self.say(f"searched: {found}")
            return True
        return False

    def _best(self, history: list[Tried]) -> Iterator[tuple[str, str]]:
        """(change, fingerprint) of the best trials; the baseline is run again anyway."""
        for trial in ranked(history, self.search.directions):
            if trial.fingerprint not in (None, self.candidates.baseline.fingerprint):
                phrase = self.search.in_words(trial.point)
                yield f"{phrase} (trial {trial.number})", str(trial.fingerprint)

    def _proposal_or_wait(self, history: list[Tried]) -> Proposal | None:
        """The next trial; None where a device that it must be timed on is in use."""
        point, noted = propose(self.method, history)
        try:
            return self.candidates.proposal(point, noted, len(history))
        except DeviceInUse:
            return None

    def _next_seeds(self, trials: list[Tried]) -> None:
        """Where seeds are queued one by one: queue each trial's next seed, or end the trial."""
        if self.search.pruner.name not in OVER_SEEDS:
            return
        for trial in trials:
            runs = trial.repeats is None and trial.state == "running" and trial.variant
            if not runs or any(run.state != "done" for run in trial.runs):
                continue
            prune, _ = should_prune(self.method, self.history(), trial.number)
            if prune:
                phrase = f"{self.search.pruner.name} after {len(trial.runs)} seeds"
                self.store.trials.give_up(self.number, trial.number, len(trial.runs), phrase)
            else:
                seed = self.search.seeds[len(trial.runs)]
                self.store.trials.add_seed(self.number, str(trial.variant), seed)

    def _adopt(self) -> None:
        """Take over the trials of an earlier plan of the study that fit this one.

        So a larger space or a longer budget starts from what is known.
        """
        former = self.store.trials.former_plan(self.number)
        if former is None or self.store.trials.read(self.number, self.me):
            return
        taken = 0
        for row in self.store.trials.read(former, self.me):
            if row.fingerprint is None or not self.search.space.holds(row.parameters):
                continue
            noted = {k: v for k, v in row.noted.items() if not k.startswith("completed_rung")}
            proposal = self.candidates.proposal(row.parameters, noted, taken)
            same = proposal.candidate and proposal.candidate.variant.fingerprint == row.fingerprint
            ended = any(run.state not in WAITING for run in row.runs)
            if not same or not ended:
                continue
            adopted = replace(proposal, pruned_at=row.pruned_at, message=row.message)
            if not self.store.trials.add(self.number, taken, adopted):
                return  # another process adopts them
            taken += 1
        if taken:
            self.say(f"{taken} trials of an earlier search of this study are taken over")


def _of(history: list[Tried], lease: Lease) -> Tried | None:
    """The trial that a claimed run belongs to; None if it is of no candidate."""
    found = (t for t in history if t.repeats is None and t.fingerprint == lease.fingerprint)
    return next((t for t in found if any(run.run == lease.run for run in t.runs)), None)


def method_of(search: Search, name: str, epochs: int) -> Method:
    """A search as `proposals` needs it."""
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


def over(search: Search, history: list[Tried]) -> str:
    """Why the search proposes no more; "" while it does."""
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
    if fruitless(history, FRUITLESS):
        return f"{FRUITLESS} proposals in a row brought nothing new"
    return ""


def summary(search: Search, history: list[Tried]) -> str:
    """One line: why the search ended, how many trials are in which state, and the best one."""
    best = next(iter(ranked(history, search.directions)), None)
    found = ""
    if best is not None:
        values = ", ".join(
            f"{name} {value:.6g}"
            for name, value in zip(search.objectives, best.values, strict=True)
        )
        found = f"; best on validate: {search.in_words(best.point)} ({values})"
    return f"{over(search, history)} ({outcomes(history)}){found}"
