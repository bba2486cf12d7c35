"""Why does my number differ? A score, what it should be, and the slips that lie between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from srbench.apply.scored import Asked, images_of, network_of
from srbench.apply.slips import Metric, Slip, explaining, slips
from srbench.core.errors import InputError

SHOWN = 5


@dataclass(frozen=True)
class Explained:
    """A network's slips on one set, and which of them explain a number."""

    model: str
    data: str
    scale: int
    protocol: str
    metric: Metric
    slips: tuple[Slip, ...]  # the right reading first
    asks: str  # what the gap is between
    gap: float | None  # None where no number was given
    explanations: tuple[Slip, ...]

    def as_plain(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        return {**vars(self), **{
            key: [vars(slip) for slip in getattr(self, key)] for key in ("slips", "explanations")
        }}  # fmt: skip


def explain(
    asked: Asked,
    *,
    score: float | None = None,
    paper: float | None = None,
    say: Callable[[str], None] = lambda name: None,
) -> Explained:
    """Measure every slip; say which explain `score` against `paper`, or against the right score.

    A number up to 1 is an SSIM, a larger one a PSNR in dB. Where no single slip does, every two
    are tried.

    Raises:
        InputError: the network, the weights or the images do not do; or two numbers of two kinds.
    """
    given = [number for number in (score, paper) if number is not None]
    if len({number <= 1 for number in given}) > 1:
        raise InputError(f"{score:g} and {paper:g} are not both PSNR or both SSIM", place="--score")
    metric: Metric = "ssim_y" if given and given[0] <= 1 else "psnr_y"
    images, _ = images_of(asked.data, asked.scale, asked.lr)
    name, net = network_of(asked)

    def measured(at_once: Any) -> tuple[Slip, ...]:
        return slips(
            net, images, asked.scale, metric, at_once=at_once, device=asked.device, say=say
        )

    found = measured(1)
    gap, asks = None, ""
    best: list[Slip] = []
    if score is not None:
        gap = score - (found[0].score if paper is None else paper)
        asks = f"{score:g} against {'the right score' if paper is None else f'{paper:g}'}"
        best = explaining(found, gap, metric) or explaining(measured(2), gap, metric)
    return Explained(
        name, asked.data, asked.scale, "sr-y-v1", metric, found, asks, gap, tuple(best[:SHOWN])
    )
