"""Messages between conductor and worker: a task one way, its progress and end the other way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srbench.core import slots
from srbench.core.devices import Machine, MemoryOrder, Precision
from srbench.core.part_files import PartFile
from srbench.data.data_settings import data_settings
from srbench.study.tree import Tree
from srbench.train.settings import training

CurvePoint = tuple[str, int, float, float]  # curve, step, epoch, value


@dataclass(frozen=True)
class Task:
    """One run to train and score, as plain data; with `weights`, to score only."""

    run: int
    model: Any
    train: Any
    data: Any
    scale: int
    seed: int
    salt: str
    folder: str  # of this run
    protocol: str
    metrics: tuple[str, ...]
    images: Mapping[str, str]  # manifests of those to train and validate on, as planned
    evaluate: tuple[tuple[str, Any], ...]  # manifest and choice in JSON of each evaluation set
    code: str  # digest of the sources of srbench and plug-ins, as planned
    weights: str | None = None
    weights_sha256: str | None = None
    checkpoint_s: float = 30.0
    precision: Precision = "fp32"
    memory_order: MemoryOrder = "auto"
    parts: tuple[PartFile, ...] = ()  # that no package brings; part of `code`
    borrowed: str | None = None  # folder of images from elsewhere, see `lent_images`

    @property
    def tree(self) -> Tree:
        return Tree(
            slots.model.parse(self.model),
            training.parse(self.train),
            data_settings.parse(self.data),
        )


@dataclass(frozen=True)
class Ready:
    """The worker has started, its device has computed something, and it waits for a task."""

    machine: Machine


@dataclass(frozen=True)
class Broken:
    """The device, or this process's use of it, no longer works; the worker's last message."""

    message: str


@dataclass(frozen=True)
class Resumed:
    """The run continues after `step`; later points are void."""

    run: int
    step: int


@dataclass(frozen=True)
class Progress:
    """How far a run is, and the new points of its curves."""

    run: int
    step: int
    steps: int
    loss: float
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Scoring:
    """How many images of the evaluation sets have been scored."""

    run: int
    images: int


@dataclass(frozen=True)
class Done:
    """A run has finished. Scores: (manifest, image, metric, value); pictures: (manifest, image,
    kind, file name in the run's folder); missing: why scores that were asked for
    are missing."""

    run: int
    steps: int
    train_s: float
    score_s: float
    memory_mb: float | None
    weights: str | None
    weights_sha256: str | None
    scores: tuple[tuple[str, str, str, float], ...] = ()
    pictures: tuple[tuple[str, str, str, str], ...] = ()
    missing: tuple[str, ...] = ()
    unscored: str = ""  # what failed in scoring: the next command takes those scores


@dataclass(frozen=True)
class Trained:
    """Training is over and its weights are saved; the evaluation sets are under way."""

    done: Done  # as stored if scoring fails


@dataclass(frozen=True)
class Failed:
    """A run ended without a result, or a task of scoring without scores."""

    run: int
    reason: str  # diverged, oom or error
    message: str
    steps: int


@dataclass(frozen=True)
class Stopped:
    """A run was interrupted; its checkpoint is saved."""

    run: int
    steps: int
    train_s: float


@dataclass(frozen=True)
class Refused:
    """The disk refuses files, or code or images have changed since: the run stays queued."""

    run: int
    message: str  # names the file and the remedy
    images: bool = False  # whether it is images that are missing or others


Message = (
    Ready | Broken | Resumed | Progress | Trained | Scoring | Done | Failed | Stopped | Refused
)
