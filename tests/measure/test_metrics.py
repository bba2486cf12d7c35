"""Metrics against published figures, scikit-image, and the traps that they must not fall into."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from srbench.core.errors import UserError
from srbench.core.slots import metric
from srbench.measure.metrics import luma, psnr, ssim
from srbench.measure.named import stated

Pixels = NDArray[np.uint8]
OURS = ["psnr_y", "psnr_rgb", "ssim_y", "ssim_rgb", "l1"]


def pair() -> tuple[Pixels, Pixels]:
    i, j = np.mgrid[0:64, 0:80]
    a = np.stack([(7 * i + 13 * j) % 256, (11 * i + 5 * j) % 256, (3 * i + 17 * j) % 256], -1)
    b = np.clip(a + ((i * j) % 17 - 8)[..., None], 0, 255)
    return a.astype(np.uint8), b.astype(np.uint8)


def score(name: str, sr: Pixels, hr: Pixels) -> float:
    value: float = metric.parse(name).build()()(sr, hr)
    return value


@pytest.mark.parametrize(
    ("colour", "y"),
    [((0, 0, 255), 40.966), ((128, 128, 128), 125.92941), ((1, 2, 3), 17.558765)],
)
def test_y_of_known_colours(colour: tuple[int, ...], y: float) -> None:
    found = luma(np.array([[colour]], np.uint8))
    assert found.dtype == np.float64
    assert found.item() == pytest.approx(y, abs=5e-6)


def test_psnr_agrees_with_scikit_image() -> None:
    a, b = (luma(image) for image in pair())
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-10)


def test_ssim_agrees_with_scikit_image_on_the_valid_region() -> None:
    a, b = (luma(image) for image in pair())
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(a, b, data_range=255, full=True, **window)
    assert ssim(a, b) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_rgb_is_the_mean_over_colours() -> None:
    a, b = (image.astype(float) for image in pair())
    single = [ssim(a[..., c], b[..., c]) for c in range(3)]
    assert ssim(a, b) == pytest.approx(np.mean(single), abs=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_identical_images_score_the_best_there_is(name: str) -> None:
    best = {"psnr": math.inf, "ssim": 1.0, "l1": 0.0}[name.split("_")[0]]
    assert score(name, pair()[0], pair()[0]) == best


@pytest.mark.parametrize("name", OURS)
def test_metrics_are_symmetric_and_worsen_with_the_error(name: str) -> None:
    a, b = pair()
    worse = np.clip(a.astype(int) + 3 * (b.astype(int) - a), 0, 255).astype(np.uint8)
    assert score(name, a, b) == pytest.approx(score(name, b, a), abs=1e-12)
    falls = score(name, worse, a) < score(name, b, a)
    assert falls == (stated(metric.parse(name)).better == "higher")


def test_l1_is_in_0_to_1() -> None:
    black, white = (np.full((12, 12, 3), value, np.uint8) for value in (0, 255))
    assert score("l1", black, white) == 1


def test_metrics_state_their_units() -> None:
    assert [stated(metric.parse(name)).unit for name in OURS] == ["dB", "dB", "", "", ""]


def test_an_image_smaller_than_the_window_is_refused() -> None:
    small = np.zeros((10, 30, 3), np.uint8)
    with pytest.raises(UserError, match="11x11 pixels inside the border, found 30x10"):
        score("ssim_y", small, small)
