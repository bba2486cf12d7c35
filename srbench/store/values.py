"""What the store takes and returns: values without a connection.

Plans and measurements are passed as these records, or as rows of the tables that are values
themselves (`table_base.Value`), so that the rooms above never meet a session or a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from srbench.store.columns import CorruptRowError
from srbench.store.plan_tables import Image, Training

Reason = Literal["diverged", "oom", "error", "lost"]
RETRIED = ("oom", "error", "lost")  # a run that diverged is a result


class LeaseLost(RuntimeError):
    """Another process has claimed the run since: nothing was written."""


def metric_names(stored: Any) -> tuple[str, ...]:
    """The stored metrics of a plan; refused where they are anything but a list of names."""
    if not isinstance(stored, list) or not all(isinstance(name, str) for name in stored):
        raise CorruptRowError(f"the metrics are {stored!r}"[:80])
    return tuple(stored)


@dataclass(frozen=True)
class VariantRecord:
    """One row of a study: a name, what it changes, its training, its seeds."""

    name: str
    role: Literal["baseline", "variant", "twin", "control", "interpolation", "candidate"]
    change: str
    fingerprint: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class DatasetRecord:
    """A set of images in the role it plays in one plan."""

    manifest: str
    name: str
    role: Literal["train", "validate", "eval"]
    images: tuple[Image, ...]


@dataclass(frozen=True)
class PlanRecord:
    """Everything one study asks for. `facts` are the fields of StudyFacts as plain JSON."""

    digest: str
    key: str  # a shortcut: two equal keys mean the same plan, without building it
    facts: dict[str, Any]
    trainings: tuple[Training, ...]
    variants: tuple[VariantRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    metrics: tuple[str, ...]
    protocol: str
    former: tuple[str, ...] = ()  # fingerprints of trainings that are stored already

    @property
    def question(self) -> str:
        return str(self.facts.get("question", ""))

    def check(self) -> None:
        """Raise ValueError, for a mistake of the program, where a variant lacks its training."""
        known = {t.fingerprint for t in self.trainings} | set(self.former)
        missing = {v.fingerprint for v in self.variants} - known
        if missing:
            raise ValueError(f"variants name trainings that the plan lacks: {sorted(missing)}")


@dataclass(frozen=True)
class Owner:
    """The process that holds a run. `boot` and `started` tell it from a later one of its pid."""

    host: str
    boot: str
    pid: int
    started: float
    label: str = ""


@dataclass(frozen=True)
class Lease:
    """The right to train one run, until another process claims it with a higher fence."""

    run: int
    fingerprint: str
    seed: int
    attempt: int
    fence: int
    variants: tuple[str, ...]  # the names in this plan that share the run
    steps_done: int
    judged: bool = True  # whether it is scored on `eval`: a candidate of a search is not


@dataclass(frozen=True)
class Point:
    """One value of one curve; NaN and infinities are allowed."""

    name: str
    step: int
    epoch: float
    value: float


@dataclass(frozen=True)
class ScoreRow:
    """One metric of one image; `dataset` is the manifest."""

    dataset: str
    protocol: str
    image: str
    metric: str
    value: float


@dataclass(frozen=True)
class PictureRow:
    """One picture file; `path` is relative to the store's root."""

    dataset: str
    image: str
    kind: str
    path: str


@dataclass(frozen=True)
class Outcome:
    """What a finished run produced."""

    steps: int
    train_seconds: float
    score_seconds: float
    peak_memory_mb: float | None
    weights: str | None  # relative to the store's root
    weights_sha256: str | None
    device: str
    provenance: int
    scores: tuple[ScoreRow, ...] = ()
    pictures: tuple[PictureRow, ...] = ()


@dataclass(frozen=True)
class MissingScore:
    """A finished run that some dataset of the plan has no complete scores for."""

    run: int
    fingerprint: str
    seed: int
    attempt: int
    variants: tuple[str, ...]
    weights: str | None
    weights_sha256: str | None
    dataset: str  # manifest
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A trial's variant and its training, and the seeds to begin with."""

    variant: VariantRecord
    training: Training


@dataclass(frozen=True)
class Proposal:
    """A trial to be stored; without a candidate nothing is trained for it."""

    parameters: dict[str, Any]  # place -> plain value
    constraints: dict[str, float]
    noted: dict[str, Any]
    candidate: Candidate | None = None
    pruned_at: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class Merged:
    """What a merge brought: new plans, and the runs by what became of them.

    `finished` are queued here and done or further there; `same` have the same weights in both;
    `apart` have another result here, which counts, and the one that came is stored below attempt 1.
    """

    plans: int
    new: int
    finished: int
    same: int
    apart: int
    scores: int
    files: int
    missing: tuple[str, ...]  # files that rows name and that do not exist
