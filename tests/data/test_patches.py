"""Batches are pure functions of seed, epoch and step, aligned, balanced, and fixed or fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import noise

from srbench.core.errors import UserError
from srbench.core.streams import Streams
from srbench.data.augmentations import hflip, rot90, vflip
from srbench.data.decoded import Dataset, Image
from srbench.data.degradations import noise as noisy
from srbench.data.patches import Patches, with_lr
from srbench.data.resizers import matlab_bicubic, nearest


def images(*sizes: tuple[int, int], weights: tuple[float, ...] = ()) -> Dataset:
    """Images told apart by their blue, with the position of each pixel in red and green."""
    made = []
    for n, (height, width) in enumerate(sizes):
        hr = np.full((height, width, 3), 50 * n, np.uint8)
        hr[..., 0], hr[..., 1] = np.mgrid[0:height, 0:width]
        made.append(Image(f"image{n}", hr, None, "", weights[n] if weights else 1.0))
    return Dataset("set", "train", tuple(made), "")


def cut(**changes: Any) -> Patches:
    given = {
        "dataset": images((40, 30), (24, 36)), "degrade": nearest(2), "augmentations": (),
        "scale": 2, "patch": 8, "count": 10, "batch_size": 4, "fixed": False,
        "streams": Streams(1),
    }  # fmt: skip
    return Patches(**(given | changes))


def epoch(patches: Patches, number: int) -> list[bytes]:
    """The HR patches of an epoch as bytes, in their order."""
    batches = [patches.batch(number, step) for step in range(patches.steps_per_epoch)]
    return [hr.tobytes() for _, all_hr in batches for hr in all_hr]


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    patches = cut(count=10, batch_size=4)
    sizes = [len(patches.batch(0, step)[0]) for step in range(patches.steps_per_epoch)]
    assert sizes == [4, 4, 2]
    with pytest.raises(IndexError):
        patches.batch(0, 3)


def test_lr_is_cut_where_hr_is() -> None:
    lr, hr = cut().batch(3, 1)
    assert lr.shape == (4, 4, 4, 3)
    assert hr.shape == (4, 8, 8, 3)
    assert np.array_equal(hr[:, ::2, ::2], lr)


def test_lr_patches_are_cut_from_the_degraded_whole_image() -> None:
    data = replace(images(), images=(Image("a", noise(40, 40), None, ""),))
    lr, _ = cut(dataset=data, degrade=matlab_bicubic(2)).batch(0, 0)
    whole = matlab_bicubic(2)(data.images[0].hr, np.random.default_rng(0))
    windows = np.lib.stride_tricks.sliding_window_view(whole, (4, 4, 3))[..., 0, :, :, :]
    assert all((windows == patch).all(axis=(2, 3, 4)).any() for patch in lr)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99), number=st.integers(0, 50), step=st.integers(0, 2), fixed=st.booleans()
)
def test_a_batch_depends_on_nothing_that_went_before(
    seed: int, number: int, step: int, fixed: bool
) -> None:
    settings = {
        "streams": Streams(seed), "fixed": fixed, "degrade": noisy_half(),
        "augmentations": (hflip(), rot90()),
    }  # fmt: skip
    walked = cut(**settings)
    for earlier in range(2):
        walked.batch(earlier, 0)
    for one, other in zip(
        walked.batch(number, step), cut(**settings).batch(number, step), strict=True
    ):
        assert np.array_equal(one, other)


def test_seeds_salts_and_epochs_differ() -> None:
    made = [cut(streams=Streams(*args)) for args in ((1,), (2,), (1, "control"))]
    epochs = [tuple(epoch(patches, number)) for patches in made for number in (0, 1)]
    assert len(set(epochs)) == 6


def test_the_degradation_does_not_change_which_hr_patches_are_seen() -> None:
    assert epoch(cut(), 4) == epoch(cut(degrade=noisy_half()), 4)


def test_fixed_patches_are_reshuffled_and_never_cut_anew() -> None:
    patches = cut(fixed=True)
    first, second = epoch(patches, 0), epoch(patches, 1)
    assert sorted(first) == sorted(second)
    assert first != second


def test_fixed_random_degradations_are_drawn_once() -> None:
    patches = cut(fixed=True, degrade=noisy_half(), batch_size=10)
    first, second = (sorted(map(bytes, patches.batch(number, 0)[0])) for number in (0, 1))
    assert first == second


def test_fresh_random_degradations_are_drawn_for_each_patch() -> None:
    flat = replace(images(), images=(Image("a", np.full((8, 8, 3), 128, np.uint8), None, ""),))
    patches = cut(dataset=flat, degrade=noisy_half(), batch_size=10)
    made = [lr.tobytes() for number in (0, 1) for lr in patches.batch(number, 0)[0]]
    assert len(set(made)) == 20


def test_fixed_patches_are_still_augmented_afresh() -> None:
    patches = cut(fixed=True, augmentations=(hflip(), vflip()))
    assert len({*epoch(patches, 0), *epoch(patches, 1), *epoch(patches, 2)}) > 10


def test_a_pool_that_would_not_fit_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = epoch(cut(fixed=True), 5)
    monkeypatch.setattr("srbench.data.patches.POOL_BYTES", 0)
    assert epoch(cut(fixed=True), 5) == pooled


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 40), number=st.integers(0, 5))
def test_every_image_gets_its_share_of_an_epoch(count: int, number: int) -> None:
    weights = (3.0, 1.0, 1.0)
    patches = cut(dataset=images((8, 8), (8, 8), (8, 8), weights=weights), count=count)
    seen = [patch[2] // 50 for patch in epoch(patches, number)]
    for n, weight in enumerate(weights):
        assert abs(seen.count(n) - count * weight / 5) <= 1


def test_every_place_on_the_grid_can_be_drawn_and_no_other() -> None:
    patches = cut(dataset=images((12, 14)), count=400)
    corners = {tuple(np.frombuffer(patch, np.uint8)[:2]) for patch in epoch(patches, 0)}
    assert corners == {(y, x) for y in (0, 2, 4) for x in (0, 2, 4, 6)}


def test_the_datasets_own_lr_is_used_when_no_degradation_is_named() -> None:
    data = with_lr(images((40, 30), (24, 36)), matlab_bicubic(2), 2)
    own, made = cut(dataset=data, degrade=None), cut(dataset=data, degrade=matlab_bicubic(2))
    assert np.array_equal(own.batch(0, 0)[0], made.batch(0, 0)[0])
    with pytest.raises(UserError, match="set: image0 has no LR file of its own"):
        cut(degrade=None)


def test_an_image_smaller_than_the_patch_is_named() -> None:
    with pytest.raises(UserError, match=r"image1 has 36x24 pixels, too few for a patch of 26x26"):
        cut(patch=26)


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="patch 9 is not a multiple of the scale, 2"):
        cut(patch=9)
    with pytest.raises(UserError, match="patches 0, batch 4"):
        cut(count=0)


def noisy_half() -> Any:
    """A random degradation that divides by two, as a plain function without `random`."""
    add = noisy(2, sigma=9.0)
    return lambda image, generator: add(image[::2, ::2], generator)
