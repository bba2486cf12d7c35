"""Resizing matrices against MATLAB's numbers, Pillow, torch, and the laws of interpolation."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from srbench.core.resample import Kernel, weights
from srbench.core.resized import resized, stretched

KERNELS = get_args(Kernel)
SIZES = st.integers(1, 40)


def resized_square(size: int, new: int, **options: bool) -> np.ndarray:
    image = np.arange(size * size, dtype=float).reshape(size, size)
    matrix = weights(size, new, **options)
    return matrix @ image @ matrix.T


@pytest.mark.parametrize(
    ("size", "new", "row", "expected"),
    [
        (8, 4, 0, [4.04296875, 6.08203125, 8.10546875, 10.14453125]),
        (8, 2, 0, [12.3837890625, 16.6318359375]),
        (15, 5, 0, [14.4197530864, 17.5061728395, 20.5185185185, 23.5308641975, 26.6172839506]),
        (15, 3, 2, [184.5312, 189.712, 194.8928]),
        (4, 3, 1, [6.1501103753, 7.5, 8.8498896247]),
    ],
)
def test_bicubic_is_matlabs(size: int, new: int, row: int, expected: list[float]) -> None:
    """MATLAB R2019b's imresize of 0, 1, 2, ..., from github.com/sanghyun-son/bicubic_pytorch."""
    assert resized_square(size, new)[row] == pytest.approx(expected, abs=1e-9)


def test_without_antialiasing_it_is_matlabs_too() -> None:
    image = np.arange(64.0).reshape(8, 8)
    found = weights(8, 3, antialias=False) @ image @ weights(8, 4, antialias=False).T
    expected = [7.0115740741, 9.0740740741, 11.0740740741, 13.1365740741]
    assert found[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("new", [3, 5, 16, 21])
def test_a_of_minus_three_quarters_is_torchs_inside(new: int) -> None:
    line = torch.arange(8.0, dtype=torch.float64).square()
    theirs = functional.interpolate(line[None, None, None], (1, new), mode="bicubic")[0, 0, 0]
    ours = weights(8, new, antialias=False, a=-0.75) @ line.numpy()
    inside = slice(new // 4, -(new // 4) or None) if new > 4 else slice(1, 2)
    assert ours[inside] == pytest.approx(theirs.numpy()[inside], abs=1e-9)


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), st.integers(0, 20))
def test_stretching_by_matrices_is_torchs(height: int, width: int, more: int, wider: int) -> None:
    x, size = torch.rand(1, 2, height, width), (height + more, width + wider)
    assert torch.allclose(resized(x, *size, "bilinear"), stretched(x, *size), atol=1e-6)


@given(SIZES, SIZES, st.sampled_from(KERNELS), st.booleans())
def test_a_flat_line_stays_flat(size: int, new: int, kernel: Kernel, antialias: bool) -> None:
    found = weights(size, new, kernel, antialias=antialias) @ np.full(size, 7.0)
    assert found == pytest.approx(np.full(new, 7.0), abs=1e-9)


@given(SIZES, SIZES, st.sampled_from(sorted(set(KERNELS) - {"nearest"})), st.booleans())
def test_a_mirrored_line_gives_the_mirror_image(
    size: int, new: int, kernel: Kernel, antialias: bool
) -> None:
    matrix = weights(size, new, kernel, antialias=antialias)
    assert matrix[::-1, ::-1] == pytest.approx(matrix, abs=1e-9)


@given(SIZES, st.sampled_from(KERNELS))
def test_the_same_size_is_the_same_line(size: int, kernel: Kernel) -> None:
    assert weights(size, size, kernel) == pytest.approx(np.eye(size), abs=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nearest_repeats_pixels(scale: int) -> None:
    assert np.array_equal(weights(5, 5 * scale, "nearest"), np.eye(5).repeat(scale, 0))


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "lanczos"])
def test_a_ramp_stays_a_ramp_away_from_the_border(kernel: Kernel) -> None:
    found = weights(30, 60, kernel) @ np.arange(30.0)
    tolerance = 0.02 if kernel == "lanczos" else 1e-9
    assert found[10:-10] == pytest.approx((np.arange(60)[10:-10] + 0.5) / 2 - 0.5, abs=tolerance)


def test_a_cached_matrix_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        weights(4, 8)[0, 0] = 1
