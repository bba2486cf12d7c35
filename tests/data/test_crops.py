"""Crops of an image: where they lie, what LR they get, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.data.decoded import Dataset, decode

slots.load()


def read(folder: Path, scale: int = 2, **settings: object) -> Dataset:
    of = {"pairs": {"hr": str(folder / "hr"), "lr": str(folder / "lr")}}
    chosen = slots.dataset.parse({"crops": {"of": of, **settings}})
    return decode(list(chosen.build()("eval", scale)), "crops", "eval", scale)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lr = np.arange(40 * 50 * 3, dtype=np.uint16).reshape(40, 50, 3).astype(np.uint8)
    for name, pixels in (("lr", lr), ("hr", lr.repeat(2, 0).repeat(2, 1))):
        (tmp_path / name).mkdir()
        Picture.fromarray(pixels).save(tmp_path / name / "a.png")
    return tmp_path


def test_crops_lie_on_the_grid_of_lr_and_are_drawn_once(folder: Path) -> None:
    found, again = (read(folder, patches_per_image=3, side=32) for _ in range(2))
    assert [image.name for image in found.images] == ["a-1", "a-2", "a-3"]
    assert len({image.sha256 for image in found.images}) == 3
    assert found.manifest == again.manifest
    for image in found.images:
        assert image.lr is not None
        assert (image.lr.repeat(2, 0).repeat(2, 1) == image.hr).all()


def test_a_degradation_shrinks_the_crop(folder: Path) -> None:
    of = {"crops": {"of": {"folder": {"path": str(folder / "hr")}}, "side": 32}}
    chosen = slots.dataset.parse({"degraded": {"of": of, "by": "nearest"}})
    images = decode(list(chosen.build()("eval", 2)), "x", "eval", 2).images
    assert {(image.hr.shape, image.lr is not None) for image in images} == {((32, 32, 3), True)}


@pytest.mark.parametrize("side", [96, 33])
def test_a_square_that_does_not_fit_is_refused(folder: Path, side: int) -> None:
    with pytest.raises(UserError, match=f"no square of {side} pixels at x2 in 100x80"):
        read(folder, side=side)
