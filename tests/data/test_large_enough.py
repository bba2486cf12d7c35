"""A set without its small images: which stay, at which scale, and what is said where none does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.data.decoded import decode

slots.load()


def chosen(folder: Path, scale: int = 2, **settings: object) -> list[str]:
    asked = {"large_enough": {"of": {"folder": {"path": str(folder)}}, **settings}}
    files = list(slots.dataset.parse(asked).build()("train", scale))
    images = decode(files, "x", "train", scale).images
    return [f"{image.name} {image.size}" for image in images]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in (("narrow", (31, 90)), ("square", (32, 32)), ("wide", (64, 33))):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        Picture.fromarray(pixels).save(tmp_path / f"{name}.png")
    return tmp_path


def test_what_stays_has_both_sides(folder: Path) -> None:
    assert chosen(folder, side=32) == ["square 32x32", "wide 64x32"]
    assert chosen(folder, side=33, scale=3) == ["wide 63x33"]


def test_sides_count_as_they_are_cut_for_the_scale(folder: Path) -> None:
    assert chosen(folder, side=31, scale=3) == ["wide 63x33"]  # 31 and 32 become 30


def test_a_square_drawn_of_an_image_counts_with_its_own_side(folder: Path) -> None:
    crops = {"crops": {"of": {"folder": {"path": str(folder)}}, "side": 30}}
    asked = {"large_enough": {"of": crops, "side": 32}}
    with pytest.raises(UserError, match="large_enough: none of 24 images has sides of 32 pixels"):
        slots.dataset.parse(asked).build()("train", 2)
