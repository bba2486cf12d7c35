"""Losses by hand and against the metrics of the same name."""

from __future__ import annotations

from typing import Any

import numpy as np
import piq
import pytest
import torch
from torch import Tensor

from srbench.core import slots
from srbench.core.errors import UserError

slots.load()
SR, HR = torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def value(written: Any, sr: Tensor = SR, hr: Tensor = HR) -> float:
    return float(slots.loss.parse(written).build()()(sr, hr))


def test_values_by_hand() -> None:
    d = (SR - HR).double().numpy()
    assert value("l1") == pytest.approx(np.abs(d).mean(), rel=1e-5)
    assert value("mse") == pytest.approx((d**2).mean(), rel=1e-5)
    assert value("charbonnier") == pytest.approx(np.sqrt(d**2 + 1e-6).mean(), rel=1e-5)
    assert value({"charbonnier": {"epsilon": 0.1}}, HR) == pytest.approx(0.1, rel=1e-5)


def test_luma_is_that_of_the_metric() -> None:
    sr, hr = ((x * 255).round() for x in (SR[:1], HR[:1]))
    pixels = [x[0].permute(1, 2, 0).numpy().astype(np.uint8) for x in (sr, hr)]
    psnr = slots.metric.parse("psnr_y").build()()(*pixels)
    found = value({"luma": {"of": "mse"}}, sr / 255, hr / 255)
    assert -10 * np.log10(found) == pytest.approx(psnr, abs=1e-4)


def test_one_difference_everywhere_is_one_frequency() -> None:
    assert value("frequency", HR + 0.5) == pytest.approx(0.5 * 16 / (2 * 16 * 16), rel=1e-4)


def test_ssim_is_one_minus_the_metric() -> None:
    sr, hr = ((x[:1] * 255).round() for x in (SR * 0.2 + HR * 0.8, HR))
    pixels = [x[0].permute(1, 2, 0).numpy().astype(np.uint8) for x in (sr, hr)]
    metric = slots.metric.parse("ssim_rgb").build()()(*pixels)
    assert value("ssim", sr / 255, hr / 255) == pytest.approx(1 - metric, abs=1e-5)


@pytest.mark.parametrize("window", [3, 11])
def test_ssim_and_its_gradient_are_those_of_piq(window: int) -> None:
    sr, hr = (x.double() for x in (SR * 1.2 - 0.1, HR))  # beyond 0..1 it is cut
    ours, theirs = (sr.clone().requires_grad_() for _ in range(2))
    found = slots.loss.parse({"ssim": {"window": window}}).build()()(ours, hr)
    wanted = 1 - piq.ssim(theirs.clamp(0, 1), hr, kernel_size=window, downsample=False)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-6)
    for value in (found, wanted):
        value.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-7, rtol=1e-4)


def test_a_sum_is_weighed() -> None:
    written = {"sum": {"of": ["l1", {"sum": {"of": ["mse"], "weights": [2]}}], "weights": [1, 3]}}
    assert value(written) == pytest.approx(value("l1") + 6 * value("mse"), rel=1e-6)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"sum": {"weights": [1]}}, "sum has 2 losses and 1 weights; give as many"),
        ({"sum": {"of": [], "weights": []}}, "sum has 0 losses"),
        ({"ssim": {"window": 4}}, "ssim.window 4 is even"),
        ({"ssim": {"window": 17}}, "patches of 16x16 are smaller than ssim's window 17"),
    ],
)
def test_settings_that_do_not_fit_are_refused(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        value(written)


@pytest.mark.parametrize(
    "written", [{"charbonnier": {"epsilon": 0}}, {"ssim": {"sigma": 0}}, {"ssim": {"sigma": -1}}]
)
def test_settings_that_would_give_nan_are_refused(written: Any) -> None:
    with pytest.raises(UserError):
        slots.loss.parse(written)


def test_psnr_losses_are_those_of_the_metric() -> None:
    mse = value("mse")
    assert value("psnr") == pytest.approx(10 * np.log10(mse), rel=1e-5)
    near = SR * 0.1 + HR * 0.9
    assert 1 / value("inverse_psnr", near) == pytest.approx(-value("psnr", near), rel=1e-5)


def test_inverse_psnr_never_turns() -> None:
    """1 / PSNR has a pole at 0 dB, and is negative beyond: an early step may land there."""
    found = [value("inverse_psnr", HR + error) for error in (0.1, 0.5, 0.85, 0.95, 1.0, 2.0, 9.0)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(1 / 20, rel=1e-4)
