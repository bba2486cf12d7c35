"""Patches of images that are decoded as they are used: those of images in memory. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from pictures import noise

from srbench.core.slots import Image as Pixels
from srbench.core.streams import Streams
from srbench.data import on_demand
from srbench.data.augmentations import hflip, rot90
from srbench.data.decoded import Dataset, Image
from srbench.data.on_demand import Recent, Stands
from srbench.data.patches import Patches
from srbench.data.resizers import nearest

PAIRS = [
    (noise(2 * h, 2 * w, h), noise(h, w, w)) for h, w in ((20, 15), (12, 18), (16, 16), (15, 22))
]
WHOLE = sum(hr.nbytes + lr.nbytes for hr, lr in PAIRS)
RANDOM = lambda image, generator: nearest(2)(image, generator) + generator.integers(9)  # noqa: E731


def dataset(pairs: Any) -> Dataset:
    images = (Image(f"i{n}", hr, lr, "", 1.0 + n) for n, (hr, lr) in enumerate(pairs))
    return Dataset("set", "train", tuple(images), "")


@pytest.fixture
def made() -> list[int]:
    """The images that are decoded, in their order."""
    return []


@pytest.fixture(params=[0.1, 0.5, 1.0])
def from_files(
    request: pytest.FixtureRequest, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> Dataset:
    """The images on demand, with memory for a part of them."""
    monkeypatch.setattr(on_demand, "share", lambda: int(request.param * WHOLE))
    stands = Stands()

    def decode(n: int) -> tuple[Pixels, Pixels]:
        made.append(n)
        return PAIRS[n]

    first = [stands.keep(pair, partial(decode, n)) for n, pair in enumerate(PAIRS)]
    return dataset((stands.pixels[n], stands.pixels[n + 1]) for n in first)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("degrade", [None, RANDOM])
def test_patches_are_those_of_images_in_memory_whatever_the_room(
    from_files: Dataset, made: list[int], fixed: bool, degrade: Any
) -> None:
    held = Patches(
        dataset(PAIRS), degrade, (hflip(), rot90()), scale=2, patch=8, count=30, batch_size=4,
        fixed=fixed, streams=Streams(3),
    )  # fmt: skip
    asked = replace(held, dataset=from_files)
    for epoch in (4, 0):
        for step in range(held.steps_per_epoch):
            for one, other in zip(asked.batch(epoch, step), held.batch(epoch, step), strict=True):
                assert np.array_equal(one, other)
    assert set(made) == set(range(len(PAIRS)))
    there = asked.on_device(torch.device("cpu"))
    assert (there is None) == (degrade is not None)
    if there is not None:
        found = there.cut(torch.from_numpy(there.table(2))[:4])
        assert all(map(np.array_equal, found, held.batch(2, 0)))


def test_what_was_used_last_stays_within_the_bound() -> None:
    made = list[int]()

    def make(n: int) -> list[Pixels]:
        made.append(n)
        return [noise(10, 10, n)]

    makers = [partial(make, n) for n in range(4)]
    recent = Recent(most=2 * 300)
    for n in (0, 1, 0, 2, 0, 1, 3, 3):
        assert np.array_equal(recent(makers[n])[0], noise(10, 10, n))
        assert recent.bytes == sum(x.nbytes for some in recent.held.values() for x in some) <= 600
    assert made == [0, 1, 2, 1, 3]
    assert Recent(most=0)(makers[0])[0].nbytes == 300
