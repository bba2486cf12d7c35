"""The steps of a protocol, each by itself and on real images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from on_cuda import compares_values
from torch import Tensor, nn

from srbench.core.arithmetic import full_precision
from srbench.core.errors import UserError
from srbench.core.slots import Image, metric
from srbench.data.decoded import decode
from srbench.data.known_sets import set5
from srbench.data.resizers import matlab_bicubic
from srbench.measure import metrics
from srbench.measure.forward import quantise, super_resolve
from srbench.measure.scores import (
    PROTOCOLS,
    bicubic_there_and_back,
    crop_border,
    evaluation_lr,
    score_pair,
)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    hr: Pixels
    lr: Pixels | None


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_quantise_rounds_half_up_and_clamps() -> None:
    values = np.array([-0.1, 0.0, 0.4999 / 255, 0.5 / 255, 254.5 / 255, 1.0, 1.1, np.inf])
    assert quantise(values).tolist() == [0, 0, 0, 1, 255, 255, 255, 255]


def test_quantise_undoes_division_by_255_in_fp32() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(quantise(torch.from_numpy(every).float() / 255), every)


def test_a_nan_is_not_made_into_a_colour() -> None:
    with pytest.raises(FloatingPointError, match="NaN"):
        quantise(np.array([0.5, np.nan]))


def test_crop_border_cuts_each_side() -> None:
    image = noise(9, 12)
    assert np.array_equal(crop_border(image, 2), image[2:7, 2:10])
    assert np.array_equal(crop_border(image, 0), image)


def test_the_border_is_the_scale_unless_the_protocol_says_otherwise() -> None:
    hr = noise(16, 16)
    sr = hr.copy()
    sr[2] ^= 255
    psnr = {"psnr_y": metric.parse("psnr_y").build()()}
    assert score_pair(sr, hr, PROTOCOLS["sr-y-v1"], 3, psnr) == {"psnr_y": math.inf}
    assert score_pair(sr, hr, PROTOCOLS["sr-y-v1"], 2, psnr)["psnr_y"] < 30
    assert score_pair(sr, hr, PROTOCOLS["ntire-esr"], 4, psnr) == {"psnr_y": math.inf}


def test_a_protocol_names_metrics_and_a_degradation_that_exist() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert set(protocol.metrics) <= set(metric.parts)
        assert evaluation_lr(Pair(noise(16, 16), None), 4, protocol).shape == (4, 4, 3)


def test_what_cannot_be_scored_is_refused() -> None:
    hr, y = noise(12, 12), PROTOCOLS["sr-y-v1"]
    with pytest.raises(UserError, match="SR is 12x10, HR 12x12"):
        score_pair(hr[:10], hr, y, 2, {})
    with pytest.raises(UserError, match="all within the border, 6"):
        score_pair(hr, hr, y, 6, {})
    with pytest.raises(UserError, match="ntire-esr is defined at x4, not at x2"):
        score_pair(hr, hr, PROTOCOLS["ntire-esr"], 2, {})


def test_evaluation_prefers_the_datasets_own_lr() -> None:
    hr, lr = noise(8, 8), noise(4, 4)
    made = matlab_bicubic(2)(hr, np.random.default_rng(0))
    assert evaluation_lr(Pair(hr, lr), 2) is lr
    assert np.array_equal(evaluation_lr(Pair(hr, None), 2), made)


class Nearest(nn.Module):
    """Doubles the image, and remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.BatchNorm2d(3).eval()
        self.seen: list[tuple[bool, torch.dtype, bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        autocast = torch.is_autocast_enabled("cpu")
        self.seen.append((self.training, x.dtype, torch.is_grad_enabled(), autocast))
        return x.repeat_interleave(2, -1).repeat_interleave(2, -2)


def test_super_resolve_keeps_pixels_and_their_order() -> None:
    lr = noise(5, 7)
    assert np.array_equal(super_resolve(Nearest(), lr), lr.repeat(2, 0).repeat(2, 1))


def test_super_resolve_evaluates_in_fp32_and_leaves_the_net_as_it_was() -> None:
    net = Nearest()
    with torch.autocast("cpu", torch.bfloat16):
        super_resolve(net, noise(4, 4))
    assert net.seen == [(False, torch.float32, False, False)]
    assert net.training
    assert not net.frozen.training


def test_full_precision_is_put_back() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with full_precision():
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


@compares_values
def test_tf32_in_training_does_not_reach_the_score() -> None:
    torch.manual_seed(0)
    net, lr = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 3, 3)), noise(64, 64)
    on_cpu, net = super_resolve(net, lr), net.cuda()
    before = torch.backends.cudnn.allow_tf32
    for allowed in (False, True):
        torch.backends.cudnn.allow_tf32 = allowed
        assert (super_resolve(net, lr, "cuda") != on_cpu).mean() < 1e-3
    torch.backends.cudnn.allow_tf32 = before


def matlab_y_bicubic(hr: Image, scale: int) -> dict[str, float]:
    """The papers' bicubic row, protocol `matlab-y`: 33.66, 30.39 and 28.42 dB on Set5.

    Y alone, rounded to uint8, goes down and up in floating point; only the result is rounded.
    A check of a dataset's copy, and of our reading of the papers.
    """
    y = np.floor(metrics.luma(hr) + 0.5)  # (H, W)
    back = bicubic_there_and_back(y, scale)
    inner = slice(scale, -scale)
    ours, true = back[inner, inner], y[inner, inner]
    return {"psnr_y": metrics.psnr(ours, true), "ssim_y": metrics.ssim(ours, true)}


@pytest.mark.parametrize(
    ("scale", "psnr", "ssim"),
    [(2, 33.6614, 0.92988), (3, 30.3922, 0.86821), (4, 28.4207, 0.81037)],
)
def test_the_papers_bicubic_row_on_set5(
    data_folder: Path, scale: int, psnr: float, ssim: float
) -> None:
    images = decode(set5("eval", scale, root=str(data_folder)), "set5", "eval", scale).images
    rows = [matlab_y_bicubic(image.hr, scale) for image in images]
    assert np.mean([row["psnr_y"] for row in rows]) == pytest.approx(psnr, abs=1e-4)
    assert np.mean([row["ssim_y"] for row in rows]) == pytest.approx(ssim, abs=1e-5)
