"""Interpolation as models: the field's bicubic figures, and agreement with other code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from srbench.core import slots
from srbench.data.decoded import decode
from srbench.data.known_sets import set5
from srbench.measure.cost import cost
from srbench.measure.forward import super_resolve
from srbench.measure.scores import PROTOCOLS, evaluation_lr, score_pair

slots.load()
NAMES = ("nearest", "bilinear", "bicubic", "lanczos")


def upscaled(name: str, x: torch.Tensor, scale: int) -> torch.Tensor:
    y: torch.Tensor = slots.model.parse(name).build()(scale)(x)
    return y


@pytest.mark.parametrize(
    ("scale", "psnr", "ssim"),
    [(2, 33.678, 0.93042), (3, 30.404, 0.86895), (4, 28.431, 0.81126)],
)
def test_bicubic_on_set5(data_folder: Path, scale: int, psnr: float, ssim: float) -> None:
    """The dataset's LR, a = -0.5, one rounding at the end, protocol sr-y-v1."""
    net = slots.model.parse("bicubic").build()(scale)
    protocol = PROTOCOLS["sr-y-v1"]
    metrics = {name: slots.metric.parse(name).build()() for name in protocol.metrics}
    found = [
        score_pair(super_resolve(net, evaluation_lr(i, scale)), i.hr, protocol, scale, metrics)
        for i in decode(set5("eval", scale, root=str(data_folder)), "set5", "eval", scale).images
    ]
    assert np.mean([f["psnr_y"] for f in found]) == pytest.approx(psnr, abs=1e-3)
    assert np.mean([f["ssim_y"] for f in found]) == pytest.approx(ssim, abs=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("nearest", PIL.Image.Resampling.NEAREST),
        ("bilinear", PIL.Image.Resampling.BILINEAR),
        ("bicubic", PIL.Image.Resampling.BICUBIC),
        ("lanczos", PIL.Image.Resampling.LANCZOS),
    ],
)
def test_pillow_agrees_away_from_the_border(
    name: str, theirs: PIL.Image.Resampling, scale: int
) -> None:
    plane = np.random.default_rng(0).random((14, 12), np.float32)
    expected = np.array(PIL.Image.fromarray(plane).resize((12 * scale, 14 * scale), theirs))
    found = upscaled(name, torch.tensor(plane)[None, None], scale)[0, 0].numpy()
    inner = np.s_[3 * scale : -3 * scale, 3 * scale : -3 * scale]
    assert found[inner] == pytest.approx(expected[inner], abs=2e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_turning_before_is_turning_after(name: str, scale: int) -> None:
    x = torch.rand(1, 3, 6, 9, dtype=torch.float64)
    for turn in (lambda t: t.flip(2), lambda t: t.flip(3), lambda t: t.mT):
        assert torch.allclose(turn(upscaled(name, x, scale)), upscaled(name, turn(x), scale))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_learnt_and_nothing_is_dead(name: str) -> None:
    found = cost(slots.model.parse(name).build(), 2)
    assert (found.parameters, found.frozen, found.dead) == (0, 0, 0)
