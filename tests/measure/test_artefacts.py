"""Measures of artefacts on images that have them by construction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.slots import Image
from srbench.data.banded import round_half_up

slots.load()
NOISE = np.random.default_rng(0)
SMOOTH = np.repeat(np.linspace(60, 180, 64)[None, :, None], 64, 0).repeat(3, 2)


def score(name: str, sr: object, hr: object) -> float:
    pixels = [round_half_up(np.asarray(x, np.float64)) for x in (sr, hr)]
    value: float = slots.metric.parse(name).build()()(*pixels)
    return value


def test_a_blurred_image_is_less_sharp_and_noise_is_more() -> None:
    hr = NOISE.integers(0, 256, (64, 64, 1)).repeat(3, 2).astype(float)
    blurred = gaussian_filter(hr, (1, 1, 0))
    assert score("sharpness", hr, hr) == 1
    assert score("sharpness", blurred, hr) < 0.5 < 1.5 < score("sharpness", hr, blurred)


def test_grain_is_the_fine_noise_on_smooth_places() -> None:
    fine = NOISE.normal(0, 4, (64, 64, 1))
    coarse = gaussian_filter(NOISE.normal(0, 40, (64, 64, 1)), (6, 6, 0))
    found = score("grain", SMOOTH + fine, SMOOTH)
    assert found == pytest.approx(4 * 219 / 255 * np.sqrt(8 / 9), rel=0.1)
    assert score("grain", SMOOTH + coarse, SMOOTH) < found / 4


@pytest.mark.parametrize("period", [2, 4])
def test_a_checkerboard_is_told_from_noise(period: int) -> None:
    y, x = np.mgrid[0:64, 0:64] % period < period // 2
    board = 4 * np.where(y ^ x, 1.0, -1.0)[..., None]
    noise = NOISE.normal(0, 4, (64, 64, 1))
    assert score("checkerboard", SMOOTH + board, SMOOTH) == pytest.approx(4 * 219 / 255, rel=0.1)
    assert score("checkerboard", SMOOTH + noise, SMOOTH) < 1.3


def test_a_small_image_is_refused_by_name() -> None:
    tiny: Image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UserError, match="checkerboard needs 16x16"):
        slots.metric.parse("checkerboard").build()()(tiny, tiny)
