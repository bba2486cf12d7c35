"""The memory that a plan needs at least: what can be computed of it, and what stored runs took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from srbench.core.memory import free_disk, free_memory, scratch
from srbench.data.augmentations import Turn
from srbench.data.data_settings import DataSettings
from srbench.data.decoded import Dataset
from srbench.data.on_demand import share
from srbench.store import Store
from srbench.study.batches import degradation_of
from srbench.study.plan import Plan, PlannedVariant

PROCESS = 320_000_000
"""Bytes of its own that a worker has when it is ready, before it trains: mostly torch.

Measured with torch 2.14.1 built with CUDA, on Linux; a context on a GPU adds to it.
"""


@dataclass(frozen=True)
class Memory:
    """Bytes that a plan needs."""

    pixels: int  # decoded, with LR made of them: once for all workers of a machine
    worker: int  # of each worker's own, at least
    images: int  # to train on, which each worker copies to its GPU if there is room
    weights: int  # of the largest network, with gradients, at least: on the device
    peak_mb: float | None = None  # of a step on this GPU in stored runs, the most


def needed(plan: Plan, store: Store | None = None, device: str = "") -> Memory:
    """What a plan needs, as far as it is known before it runs."""
    trained = [p for p in plan.variants if p.trained]
    scale = plan.study.scale
    train = {images.manifest: images for role, images in plan.datasets if role == "train"}
    parts: dict[tuple[object, ...], float] = {}  # each stored once, whatever uses it
    resident = 0.0
    for role, images in plan.datasets:
        if role != "train":
            parts[role, images.manifest] = _hr(images) * (1 + 1 / scale**2)
    for p in trained:
        own = dict(_trained_on(p, train[p.manifest]))
        parts |= own
        resident = max(resident, sum(own.values()) if _on_device(p) else 0.0)
    weights = max((4 * (2 * p.cost.parameters + p.cost.frozen) for p in trained), default=0)
    on_cpu = plan.numerics.device == "cpu"
    peak = store.runs.peak_memory_mb({p.fingerprint for p in trained}, device) if store else None
    return Memory(
        int(sum(parts.values())), PROCESS + weights * on_cpu, int(resident), weights, peak
    )


def shortages(need: Memory, workers: int) -> Iterator[str]:
    """What this machine has too little of, in sentences without a full stop."""
    least, memory, disk = workers * need.worker, free_memory(), free_disk()
    if memory is not None and memory < least:
        yield (
            f"{workers} workers need at least {least / 1e9:,.1f} GB of memory, and "
            f"{memory / 1e9:,.1f} GB are free: take fewer --workers"
        )
    elif memory is not None and memory < least + need.pixels:
        yield (
            f"decoded images take {need.pixels / 1e9:,.1f} GB, and {(memory - least) / 1e9:,.1f} "
            f"GB of memory are free beside {workers} workers: what memory cannot hold is read "
            f"again from {scratch()}, which is slow unless that is on an SSD"
        )
    if disk is not None and disk < need.pixels:
        yield (
            f"{scratch()} has {disk / 1e6:,.0f} MB free, and decoded images take "
            f"{need.pixels / 1e6:,.0f} MB: each worker will decode images again whenever it uses "
            f"them, and hold the last {share() / 1e6:,.0f} MB, which is slow; TMPDIR names another "
            "folder"
        )


def _trained_on(p: PlannedVariant, images: Dataset) -> Iterator[tuple[tuple[object, ...], float]]:
    """The files of decoded pixels that a variant trains on: a key and the bytes of each."""
    for scale in p.scales:
        yield (p.manifest, scale), _hr(images)
        if not _drawn_lr(p, scale):
            made = str(p.variant.tree.data["degradation"])
            yield (p.manifest, scale, p.variant.tree.data["lr"], made), _hr(images) / scale**2


def _drawn_lr(p: PlannedVariant, scale: int) -> bool:
    """Whether LR is drawn anew for each patch."""
    degrade = degradation_of(p.variant.tree, scale)
    return degrade is not None and bool(getattr(degrade, "random", True))


def _on_device(p: PlannedVariant) -> bool:
    """Whether patches can be cut on a GPU: `Patches.on_device`."""
    data: DataSettings = p.variant.tree.data.build()()
    turns = all(isinstance(augment(), Turn) for augment in data.augment)
    return turns and not any(_drawn_lr(p, scale) for scale in p.scales)


def _hr(images: Dataset) -> int:
    return sum(image.hr.nbytes for image in images.images)
