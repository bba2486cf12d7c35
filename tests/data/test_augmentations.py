"""Augmentations change LR and HR alike."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise

from srbench.core.slots import augmentation
from srbench.data import augmentations
from srbench.data.resizers import matlab_bicubic

FLIPS = ["hflip", "vflip", "rot90"]


@pytest.mark.parametrize("name", FLIPS)
def test_lr_stays_what_the_degradation_makes_of_hr(name: str) -> None:
    generator, degrade = np.random.default_rng(0), matlab_bicubic(2)
    hr = noise(24, 24)
    lr, changed = augmentation.parse({name: {"p": 1.0}}).build()()(
        degrade(hr, generator), hr, generator
    )
    made = degrade(np.ascontiguousarray(changed), generator)
    assert np.abs(lr.astype(int) - made).max() <= 2  # rows are rounded before columns
    assert not np.array_equal(changed, hr)


@pytest.mark.parametrize("name", FLIPS)
def test_twice_is_not_at_all(name: str) -> None:
    change = augmentation.parse({name: {"p": 1.0}}).build()()
    generator = np.random.default_rng(0)
    pair = noise(6, 6, 1), noise(12, 12)
    for one, two in zip(pair, change(*change(*pair, generator), generator), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize("name", FLIPS)
def test_p_is_the_share_of_patches_that_are_changed(name: str) -> None:
    change = augmentation.parse({name: {"p": 0.25}}).build()()
    generator, pair = np.random.default_rng(0), (noise(4, 4), noise(8, 8))
    changed = [change(*pair, generator)[1] is not pair[1] for _ in range(1000)]
    assert np.mean(changed) == pytest.approx(0.25, abs=0.04)


def test_the_three_together_give_all_eight_views() -> None:
    parts = [part() for part in (augmentations.hflip, augmentations.vflip, augmentations.rot90)]
    generator, views = np.random.default_rng(0), set()
    for _ in range(200):
        pair = noise(4, 4), noise(8, 8)
        for part in parts:
            pair = part(*pair, generator)
        views.add(pair[1].tobytes())
    assert len(views) == 8


def test_none_changes_nothing_and_may_be_written_as_null() -> None:
    pair = noise(4, 4), noise(8, 8)
    assert augmentation.parse(None).name == "none"
    assert augmentations.none()(*pair, np.random.default_rng(0)) == pair


def test_cut_blur_gives_a_part_of_lr_the_pixels_of_hr() -> None:
    change, generator = (
        augmentation.parse({"cut_blur": {"p": 1.0}}).build()(),
        np.random.default_rng(0),
    )
    lr, hr = np.zeros((10, 12, 3), np.uint8), np.full((20, 24, 3), 9, np.uint8)
    shares = []
    for _ in range(100):
        changed, same = change(lr, hr, generator)
        assert same is hr
        sharp = changed[..., 0] == 9
        assert np.array_equal(sharp, np.logical_and.outer(sharp.any(1), sharp.any(0))) or (
            np.array_equal(~sharp, np.logical_and.outer((~sharp).any(1), (~sharp).any(0)))
        )
        shares.append(sharp.mean())
    assert 0 < min(shares) < 0.5 < max(shares) < 1


def test_a_crop_made_larger_and_jitter_keep_lr_and_hr_together() -> None:
    lr = noise(9, 9)
    hr = lr.repeat(2, 0).repeat(2, 1)
    for name in ("random_crop", "colour_jitter"):
        change = augmentation.parse(name).build()()
        a, b = change(lr, hr, np.random.default_rng(3))
        assert np.array_equal(a.repeat(2, 0).repeat(2, 1), b)
        assert not np.array_equal(a, lr)


def test_a_rotation_leaves_black_corners() -> None:
    change = augmentation.parse({"rotation": {"degrees": 45}}).build()()
    white = np.full((32, 32, 3), 255, np.uint8)
    lr, hr = change(white[:16, :16], white, np.random.default_rng(2))
    assert (lr.shape, hr.shape) == ((16, 16, 3), (32, 32, 3))
    assert hr[0, 0].max() == 0 < hr[16, 16].min()
