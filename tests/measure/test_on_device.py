"""Scores taken where SR is: tensors give the numbers of arrays, and images may go together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from on_cuda import CUDA
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.slots import metric
from srbench.measure.forward import answers, on_host, resolved, together
from srbench.measure.scores import PROTOCOLS, score_outputs, score_pair

Pixels = NDArray[np.uint8]
THERE = {"psnr_y", "psnr_rgb", "ssim_y", "ssim_rgb", "l1", "ms_ssim_y", "psnr_above_flat"}
DEVICES = ["cpu", CUDA]
PROTOCOL = PROTOCOLS["sr-y-v1"]


@pytest.fixture(autouse=True)
def loaded() -> None:
    slots.load()


def pair(height: int = 190, width: int = 170) -> tuple[Pixels, Pixels]:
    """HR, and the same with some noise."""
    drawn = np.random.default_rng(0)
    i, j = np.mgrid[0:height, 0:width]
    hr = np.stack([127 + 90 * np.sin(i / 7 + k) * np.cos(j / (5 + k)) for k in range(3)], -1)
    sr = (hr + drawn.normal(0, 6, hr.shape)).clip(0, 255)
    return sr.astype(np.uint8), hr.astype(np.uint8)


def on(device: str, image: Pixels) -> Tensor:
    return torch.tensor(image, device=device)


def test_these_metrics_are_taken_there() -> None:
    assert {name for name in metric.parts if getattr(ready(name), "on_device", False)} == THERE


def ready(name: str) -> Any:
    """The metric with its defaults, None where it cannot be had without a setting."""
    try:
        return metric.parse(name).build()()
    except UserError:
        return None


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", sorted(THERE))
def test_a_metric_of_tensors_is_that_of_arrays(name: str, device: str) -> None:
    score, (sr, hr) = metric.parse(name).build()(), pair()
    assert score(on(device, sr), on(device, hr)) == pytest.approx(score(sr, hr), rel=1e-11)
    assert score(on(device, hr), on(device, hr)) == pytest.approx(score(hr, hr), rel=1e-11)


@pytest.mark.parametrize("device", DEVICES)
def test_large_images_are_not_pooled_there_either(device: str) -> None:
    score, (sr, hr) = metric.parse("ssim_y").build()(), pair(600, 520)
    assert score(on(device, sr), on(device, hr)) == pytest.approx(score(sr, hr), rel=1e-11)


def test_a_small_image_is_refused_there_too() -> None:
    small = torch.zeros(10, 30, 3, dtype=torch.uint8)
    with pytest.raises(UserError, match="11x11 pixels inside the border, found 30x10"):
        metric.parse("ssim_y").build()()(small, small)


def test_other_metrics_get_arrays() -> None:
    seen: list[type] = []

    def plain(sr: Pixels, hr: Pixels) -> float:
        seen.extend((type(sr), type(hr)))
        return float(sr.astype(float).mean())

    sr, hr = pair()
    metrics = {"psnr_y": metric.parse("psnr_y").build()(), "plain": plain}
    found = score_pair(on("cpu", sr), hr, PROTOCOL, 2, metrics)
    assert seen == [np.ndarray, np.ndarray]
    assert found == pytest.approx(score_pair(sr, hr, PROTOCOL, 2, metrics), rel=1e-11)


class TwoOutputs(nn.Module):
    """Images of factor 2 and 4 from one convolution."""

    factors = (2, 4)

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        y = self.body(x).sigmoid()
        return {f: y.repeat_interleave(f, -1).repeat_interleave(f, -2) for f in (2, 4)}


@pytest.mark.parametrize("device", DEVICES)
def test_images_of_one_size_may_be_answered_at_once(device: str) -> None:
    torch.manual_seed(0)
    net = TwoOutputs().to(device)
    lrs = [pair(24, 30)[0], pair(24, 30)[1]]
    for lr, at_once in zip(lrs, answers(net, lrs, device), strict=True):
        alone = resolved(net, lr, device)
        assert list(at_once) == list(alone) == [2, 4]
        for factor, image in at_once.items():
            assert isinstance(image, Tensor) == (device == "cuda")
            apart = on_host(image).astype(int) - alone[factor]
            assert np.abs(apart).max() <= 1  # sums of a batch may take another order
            assert (apart != 0).mean() < 1e-3


@pytest.mark.parametrize("device", DEVICES)
def test_every_output_is_scored_where_it_is(device: str) -> None:
    net, (hr, _) = TwoOutputs().to(device), pair(96, 120)
    lr = pair(24, 30)[0]
    metrics = {name: metric.parse("psnr_y").build()() for name in ("psnr_y", "psnr_y/x2")}
    (found,) = answers(net, [lr], device)
    there = score_outputs({f: on(device, on_host(y)) for f, y in found.items()}, hr, PROTOCOL, 4,
                          metrics)  # fmt: skip
    here = score_outputs(resolved(net, lr, device), hr, PROTOCOL, 4, metrics)
    assert there == pytest.approx(here, abs=1e-9)
    assert not any(math.isnan(value) for value in there.values())


def test_a_nan_in_one_of_several_is_refused() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x.clone()
            y[1, 0, 0, 0] = math.nan
            return y

    with pytest.raises(FloatingPointError, match="NaN"):
        answers(Broken(), [pair(8, 8)[0]] * 2)


def test_what_is_answered_together_is_of_one_size_and_not_too_much() -> None:
    lrs = [np.zeros((h, w, 3), np.uint8) for h, w in ((4, 5), (5, 4), (4, 5), (4, 5), (90, 90))]
    assert list(together(lrs, 40)) == [[0, 2], [3], [1], [4]]
    assert list(together(lrs, 0)) == [[0], [2], [3], [1], [4]]
