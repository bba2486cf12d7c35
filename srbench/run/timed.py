"""From a study file to stored times: which networks, under which settings, and where they go.

Builds no plan: a latency pass needs no images, and must not become the study's latest plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from srbench.analysis.latency_ratios import Ratio
from srbench.core.devices import choose_devices, device_name, machine
from srbench.core.errors import UserError
from srbench.core.provenance import surroundings
from srbench.measure.latency_passes import Effort, Entrant, OnRound, Pass, measure
from srbench.measure.latency_setting import Quantity, Setting
from srbench.run.records import provenance
from srbench.store import LatencyNetwork, LatencyPass, LatencySample, Store
from srbench.store.read_latency import TIMED
from srbench.study.plan import network_digest, step_digest, with_twins
from srbench.study.read import Study, read
from srbench.study.tree import Variant

CPU_SIDE, CUDA_SIDE = 64, 256  # LR pixels; 256 is the efficient-SR challenges' size


@dataclass(frozen=True)
class Wish:
    """A call of `srbench latency`; several precisions, formats or modes are crossed."""

    study: Path
    device: str = "auto"
    only: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    quantity: Quantity = "latency"
    lr_size: tuple[int, int] | None = None  # None: by the device, or the study's patches
    batch: int | None = None
    precisions: tuple[str, ...] = ("fp32",)
    memory_formats: tuple[str, ...] = ()  # empty: contiguous, or for a step as it is trained
    modes: tuple[str, ...] = ()  # empty: eager, or for a step as it is trained
    threads: int = 1
    effort: Effort = field(default_factory=Effort)
    parts: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Timed:
    """The networks of a study, each once, and the variants that are the same network."""

    study: Study
    entrants: tuple[Entrant, ...]
    subjects: dict[str, str]  # every variant's name -> digest of what is timed
    timed_as: dict[str, str]  # every variant's name -> the entrant that is timed for it

    @property
    def baseline(self) -> str:
        return self.timed_as[self.study.baseline]


def networks(wish: Wish) -> Timed:
    """The networks that a study names, read without its images.

    Raises:
        StudyError: a mistake in the study; it has its place.
    """
    study = read(wish.study, set_=wish.set, only=wish.only, parts=wish.parts)
    subjects, timed_as = dict[str, str](), dict[str, str]()
    entrants: dict[str, Entrant] = {}  # by digest
    try:
        variants = [variant for variant in with_twins(study) if variant.role in TIMED]
    except UserError as error:
        raise study.located(error) from None
    for variant in variants:
        digest = (network_digest if wish.quantity == "latency" else step_digest)(
            variant.tree, study.scale
        )
        entrants.setdefault(digest, Entrant(variant.name, variant.tree.model, variant.tree.train))
        subjects[variant.name], timed_as[variant.name] = digest, entrants[digest].name
    return Timed(study, tuple(entrants.values()), subjects, timed_as)


def settings(wish: Wish, study: Study) -> list[Setting]:
    """The requested settings, one pass each."""
    device = choose_devices(wish.device, None)[0]
    size, batch = usual(device).lr_size, 1
    if step := wish.quantity == "step_time":
        side, batch = study.base.data["patch"] // study.scale, study.base.train["batch"]
        size = (side, side)
    orders = wish.memory_formats or ("auto" if step else "contiguous",)
    modes = wish.modes or ("graph" if step and device != "cpu" else "eager",)
    threads = wish.threads if device == "cpu" else 1
    return [
        Setting(device, wish.quantity, wish.lr_size or size, wish.batch or batch,
                precision, memory, mode, threads)
        for precision, memory, mode in product(wish.precisions, orders, modes)
    ]  # fmt: skip


def take(
    wish: Wish,
    timed: Timed,
    store: Store,
    on_start: Callable[[Setting], None] = lambda setting: None,
    on_round: OnRound = lambda done, spent: None,
) -> list[Pass]:
    """Take and store a pass for each setting; those before one that fails stay stored."""
    found = []
    for setting in settings(wish, timed.study):
        on_start(setting)
        one = measure(
            timed.entrants, timed.baseline, timed.study.scale, setting, wish.effort, on_round
        )
        _put(one, timed, store)
        found.append(one)
    return found


def beside_baseline(
    candidate: Variant, study: Study, device: str, store: Store, effort: Effort
) -> Ratio:
    """A candidate's time over the baseline's, measured now and stored with every round.

    Raises:
        DeviceInUse: another srbench has the device.
        StudyError: the candidate does not run.
    """
    baseline = next(v for v in study.variants if v.name == study.baseline)
    both = (candidate, baseline)
    subjects = {v.name: network_digest(v.tree, study.scale) for v in both}
    if len(set(subjects.values())) == 1:
        return Ratio(1.0, 1.0, 1.0, 0)
    entrants = tuple(Entrant(v.name, v.tree.model, v.tree.train) for v in both)
    timed = Timed(study, entrants, subjects, {name: name for name in subjects})
    found = measure(entrants, baseline.name, study.scale, usual(device), effort)
    _put(found, timed, store)
    return found.ratio(candidate.name)


def usual(device: str) -> Setting:
    """The setting of a forward pass by default."""
    side = CPU_SIDE if device == "cpu" else CUDA_SIDE
    return Setting(device, lr_size=(side, side))


def _put(found: Pass, timed: Timed, store: Store) -> None:
    """Store a pass with its networks and its samples."""
    setting, subjects = found.setting, timed.subjects
    row = LatencyPass(
        quantity=setting.quantity,
        device=device_name(setting.device),
        lr_height=setting.lr_size[0],
        lr_width=setting.lr_size[1],
        batch=setting.batch,
        scale=timed.study.scale,
        precision=setting.precision,
        memory_format=setting.memory_format,
        mode=setting.mode,
        threads=setting.threads,
        study=timed.study.name,
        baseline=subjects[found.baseline],
        order_seed=found.seed,
        steady=found.steady,
        warnings=list(found.warnings),
        seconds=found.seconds,
        provenance_id=store.measurements.add_provenance(
            provenance(machine(setting.device), setting.threads, surroundings())
        ),
    )
    networks = [
        LatencyNetwork(
            subjects[r.subject.name], r.subject.copy, r.subject.name, r.first_ms, r.calls
        )
        for r in found.ready
    ]
    samples = [
        LatencySample(subjects[s.name], s.copy, s.round, s.place, s.ms, s.lost)
        for s in found.samples
    ]
    store.measurements.write_latency(row, networks, samples)


def as_plain(passes: Sequence[Pass], timed: Timed) -> list[dict[str, Any]]:
    """The passes as JSON: ratios, times, and warnings about the machine."""
    from srbench.analysis.latency_ratios import is_quiet, spread, word

    return [
        {
            **asdict(one.setting),
            "study": timed.study.name,
            "scale": timed.study.scale,
            "baseline": timed.study.baseline,
            "rounds": one.rounds,
            "seconds": round(one.seconds, 3),
            "steady": one.steady,
            "quiet": is_quiet(one.control),
            "resolution": one.control.noise,
            "control": asdict(one.control),
            "warnings": list(one.warnings),
            "variants": [
                {
                    "variant": name,
                    "timed_as": entrant,
                    "first_ms": next(r.first_ms for r in one.ready if r.subject.name == entrant),
                    **{f"{k}_ms": v for k, v in asdict(spread(one.times(entrant))).items()},
                    "ratio": asdict(one.ratio(entrant)),
                    "word": word(one.ratio(entrant), one.control),
                }
                for name, entrant in timed.timed_as.items()
            ],
        }
        for one in passes
    ]
