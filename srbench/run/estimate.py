"""How long a plan will take: from runs that are stored, else from one step tried here.

Training, validation and scoring use a network with its branches of training, never the fused one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from srbench.analysis.metric_names import metric_facts
from srbench.core.arithmetic import one_thread
from srbench.core.outputs import by_factor
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset
from srbench.measure.forward import answers
from srbench.measure.named import validated
from srbench.measure.scores import PROTOCOLS, metrics_named, score_pair
from srbench.run.memory import Memory
from srbench.store import Store
from srbench.study.dry_build import cost_of
from srbench.study.plan import Plan, PlannedVariant
from srbench.study.read import Study
from srbench.train.initialise import initialise
from srbench.train.settings import TrainSettings

REFERENCE_DB = 0.15  # classic_291, PSNR-Y on Set5: variants 0.02 to 0.06, baseline 0.13
TRIAL_PATCH = 64  # HR pixels, at most
TRIAL_BATCH = 8  # at most
TRIAL_SIDE = 256  # HR pixels of an image that metrics are tried on, at most
TRIAL_MACS = 1.5e9  # a forward pass, so that planning a large network stays fast


@dataclass(frozen=True)
class Estimate:
    """Seconds of one run of each variant, and their basis."""

    train_s: dict[str, float]  # with validations; 0 where nothing is trained
    score_s: dict[str, float]  # of all evaluation sets
    basis: str

    @property
    def run_s(self) -> dict[str, float]:
        """Variant -> seconds of a whole run."""
        return {name: seconds + self.score_s[name] for name, seconds in self.train_s.items()}

    def total_s(self, plan: Plan, workers: int) -> float:
        """Time of the whole plan; the start of the workers comes on top."""
        run_s = self.run_s
        runs = {(p.fingerprint, s): run_s.get(p.variant.name, 0.0)
                for p in plan.variants for s in p.seeds}  # fmt: skip
        return sum(runs.values()) / workers


@dataclass(frozen=True)
class Spread:
    """Standard deviation of a run's score over seeds, in the unit of the metric, and its basis."""

    size: float | None  # None where nothing is known and nothing can be assumed
    basis: str
    ratio: float = 1.0  # that of the baseline's runs, in these


def assumed_spread(study: Study) -> Spread:
    """What to reckon with before a run is stored: the reference study's, or `min_effect`."""
    if metric_facts(study.metric, study.metric_facts).unit == "dB":
        basis = f"assumed: a standard deviation of {REFERENCE_DB} dB over seeds, about that of the"
        return Spread(REFERENCE_DB, f"{basis} baseline of classic_291, for no run is stored")
    if study.min_effect is not None:
        return Spread(study.min_effect, "assumed: a standard deviation of min_effect over seeds, "
                      f"{study.min_effect:g}, for no run is stored")  # fmt: skip
    return Spread(None, "the spread is known once runs are stored")


@dataclass(frozen=True)
class Forecast:
    """A plan, the number of workers that share it, and the time it may take."""

    plan: Plan
    workers: int
    device: str  # the hardware's name
    estimate: Estimate | None
    spread: Spread | None = None  # in earlier runs
    stale: tuple[str, ...] = ()  # messages about earlier runs: of other images, of changed source
    memory: Memory | None = None
    shortages: tuple[str, ...] = ()  # of memory or disk on this machine


def estimate(plan: Plan, store: Store | None, device: str) -> Estimate | None:
    """Seconds for each run; None where nothing is stored for a GPU, which is not touched here."""
    trained, scale = [p for p in plan.variants if p.trained], plan.study.scale
    stored = store.runs.step_seconds({p.fingerprint for p in trained}, device) if store else {}
    known = {p.variant.name: stored[p.fingerprint] for p in trained if p.fingerprint in stored}
    on_cpu = plan.numerics.device == "cpu"
    if not trained or not (known or on_cpu):
        return None
    first = min(trained, key=lambda p: p.variant.role != "baseline")
    if known:
        rate = _seconds_per_work(trained, known, scale)
        whole = len(known) == len(trained)
        basis = "from stored runs" if whole else "from stored runs, and MACs"
    else:
        rate = _try_a_step(first, scale) / first.cost.training_macs_256
        basis = f"from one step of {first.variant.name} tried on this CPU, and MACs"
    step_s = {p.variant.name: known.get(p.variant.name, rate * _work(p, scale)) for p in trained}

    def scored_s(images: Dataset, names: Iterable[str]) -> dict[str, float]:
        """Seconds of each variant for the scores of a set."""
        metrics_s = _try_metrics(images, names, plan.study)
        found = dict.fromkeys((p.variant.name for p in plan.variants), metrics_s)
        pass_s = _try_a_pass(first, images, scale) / first.cost.training_macs_256 if on_cpu else 0.0
        for p in trained:
            own = (
                pass_s * p.cost.training_macs_256
                if on_cpu
                else _steps(p, images) * step_s[p.variant.name]
            )
            found[p.variant.name] += own
        return found

    judged = [scored_s(images, plan.study.metrics) for role, images in plan.datasets
              if role == "eval"]  # fmt: skip
    validated_s = {images.manifest: scored_s(images, validated()) for role, images in plan.datasets
                   if role == "validate"}  # fmt: skip
    names = [p.variant.name for p in plan.variants]
    train_s = dict.fromkeys(names, 0.0) | {
        p.variant.name: p.steps * step_s[p.variant.name]
        + _validations(p) * validated_s[p.validate][p.variant.name]
        for p in trained
    }
    return Estimate(train_s, {name: sum(one[name] for one in judged) for name in names}, basis)


def _steps(p: PlannedVariant, images: Dataset) -> float:
    """The steps that a pass over a set is worth: a third of one with as many pixels."""
    tree = p.variant.tree
    return 1e6 * images.megapixels / float(3 * tree.data["patch"] ** 2 * tree.train["batch"])


def _validations(p: PlannedVariant) -> int:
    settings: TrainSettings = p.variant.tree.train.build()()
    return len(settings.validation_epochs())


def _work(p: PlannedVariant, scale: int) -> float:
    """What a step costs, up to a factor: MACs times pixels times batch."""
    tree = p.variant.tree
    return float(_macs(p, scale) * tree.data["patch"] ** 2 * tree.train["batch"])


def _macs(p: PlannedVariant, scale: int) -> float:
    """For one LR size, the mean over the scales trained at."""
    if p.scales == (scale,):
        return p.cost.training_macs_256
    return fmean(cost_of(p.variant.tree.model, one, p.scales).training_macs_256 for one in p.scales)


def _seconds_per_work(trained: list[PlannedVariant], known: dict[str, float], scale: int) -> float:
    rows = [(known[p.variant.name], _work(p, scale)) for p in trained if p.variant.name in known]
    return sum(seconds for seconds, _ in rows) / sum(work for _, work in rows)


def _try_metrics(images: Dataset, names: Iterable[str], study: Study) -> float:
    """Seconds that metrics of two images take on a whole set, from one image tried here."""
    first = images.images[0]
    hr = np.ascontiguousarray(first.hr[:TRIAL_SIDE, :TRIAL_SIDE])
    other = np.ascontiguousarray(hr[::-1])
    metrics, _ = metrics_named(names, study.scale)
    protocol = PROTOCOLS[study.protocol]
    try:
        seconds = _tried(lambda: score_pair(other, hr, protocol, study.scale, metrics))
    except Exception:  # a metric of a user; the run names one that fails
        return 0.0
    return seconds * 1e6 * images.megapixels * 3 / hr.size


def _tried(do: Callable[[], object]) -> float:
    """Seconds of one thread's CPU time, which other processes do not lengthen; the better of two.

    The first time is slower.
    """
    times = []
    with one_thread():
        for _ in range(2):
            start = time.thread_time()
            do()
            times.append(time.thread_time() - start)
    return min(times)


def _try_a_pass(p: PlannedVariant, images: Dataset, scale: int) -> float:
    """Seconds of a network on a whole set, from a part of one image tried here."""
    first = images.images[0]
    most = max(8, int((TRIAL_MACS / p.cost.training_macs_per_lr_pixel) ** 0.5)) * scale
    lr = np.ascontiguousarray(first.hr[:most:scale, :most:scale])
    net = p.variant.tree.model.build()(scale)
    initialise(net, Streams(0))
    seconds = _tried(lambda: answers(net, [lr], torch.device("cpu")))
    return seconds * 1e6 * images.megapixels * 3 / (lr.size * scale**2)


def _try_a_step(p: PlannedVariant, scale: int) -> float:
    """Seconds of forward and backward per HR pixel of a patch, on one thread.

    A small network takes several patches, for with one the overhead of calls dominates.
    """
    tree = p.variant.tree
    net = tree.model.build()(scale)
    initialise(net, Streams(0))
    side = min(int(tree.data["patch"]), TRIAL_PATCH) // scale
    enough = TRIAL_MACS / (p.cost.training_macs_per_lr_pixel * side**2)
    batch = max(1, int(min(tree.train["batch"], TRIAL_BATCH, enough)))
    x = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        outputs = by_factor(net(x), x).values()
        torch.stack([y.mean() for y in outputs]).sum().backward()  # type: ignore[no-untyped-call]

    return _tried(step) / (batch * (side * scale) ** 2)
