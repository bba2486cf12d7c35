"""The batches of a training at several scales: each step is of one, drawn from a named stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from srbench.core.streams import Streams
from srbench.data.patches import Pair, Patches


@dataclass(frozen=True, eq=False)
class ScaledPatches:
    """Patches of several scales, all with as many patches in an epoch and in a batch.

    The scale of a step is a function of (streams, epoch, step), so all variants of a seed that
    train at these scales take them in the same order.
    """

    by_scale: Mapping[int, Patches]
    streams: Streams

    @property
    def steps_per_epoch(self) -> int:
        return next(iter(self.by_scale.values())).steps_per_epoch

    def scale_of(self, epoch: int, step: int) -> int:
        """The scale of a step counted within its epoch; each is as likely as the others."""
        return _drawn(self.streams, epoch, self.steps_per_epoch, tuple(sorted(self.by_scale)))[step]

    def batch(self, epoch: int, step: int) -> Pair:
        """LR (N, h, w, 3) and HR (N, H, W, 3), uint8; H / h is the step's scale."""
        return self.by_scale[self.scale_of(epoch, step)].batch(epoch, step)


@lru_cache(maxsize=8)
def _drawn(streams: Streams, epoch: int, steps: int, scales: tuple[int, ...]) -> tuple[int, ...]:
    drawn = streams.generator("scale", epoch).integers(len(scales), size=steps)
    return tuple(scales[i] for i in drawn)
