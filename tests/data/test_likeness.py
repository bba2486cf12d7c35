"""LR files that are not of their HR images are noticed; how LR was made does not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data

from srbench.core.slots import Image
from srbench.data.decoded import decode, from_outline, outline
from srbench.data.folders import ImageFile
from srbench.data.likeness import alike
from srbench.data.overlap import smaller_copies, unlike

ASTRONAUT: Image = skimage.data.astronaut()


def small(image: Image) -> Image:
    half = PIL.Image.fromarray(image).resize((128, 128), PIL.Image.Resampling.BOX)
    return np.asarray(half)


def noisy(image: Image) -> Image:
    noise = np.random.default_rng(0).normal(0, 50, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


SAME = {
    "reduced": lambda lr: lr,
    "dark": lambda lr: lr // 3,
    "noisy": noisy,
    "moved": lambda lr: np.roll(lr, 2, (0, 1)),
    "inverted": lambda lr: 255 - lr,
    "flat": np.zeros_like,
}
OTHERS = {
    "turned": lambda lr: np.rot90(lr),
    "mirrored": lambda lr: lr[:, ::-1],
    "upside down": lambda lr: lr[::-1],
    "of another": lambda lr: small(skimage.data.chelsea()),
}


@pytest.mark.parametrize("way", SAME)
def test_lr_of_the_image_is_alike(way: str) -> None:
    assert alike(ASTRONAUT, SAME[way](small(ASTRONAUT)))


@pytest.mark.parametrize("way", OTHERS)
def test_lr_of_something_else_is_not(way: str) -> None:
    assert not alike(ASTRONAUT, OTHERS[way](small(ASTRONAUT)))


def test_unlike_lr_files_are_named_also_from_an_outline(tmp_path: Path) -> None:
    hr = PIL.Image.fromarray(ASTRONAUT)
    hr.save(tmp_path / "a.png"), hr.rotate(180).resize((128, 128)).save(tmp_path / "ax4.png")
    decoded = decode([ImageFile("a", tmp_path / "a.png", tmp_path / "ax4.png")], "set", "train", 4)
    says = "1 of 1 LR files of train set do not look like their HR images"
    assert unlike(decoded).startswith(says)
    assert unlike(from_outline(outline(decoded), "set", "train")).startswith(says)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_lr_files_taken_for_images_are_named(tmp_path: Path, factor: int) -> None:
    files = []
    for name in ("astronaut", "chelsea"):
        image = PIL.Image.fromarray(getattr(skimage.data, name)())
        image.save(tmp_path / f"{name}.png")
        image.resize((image.width // factor, image.height // factor)).save(
            tmp_path / f"{name}_.png"
        )
        files += [ImageFile(stem, tmp_path / f"{stem}.png") for stem in (name, f"{name}_")]
    says = smaller_copies(decode(files, "set", "eval", 2))
    assert "2 of 4 images of eval set" in says
    assert "astronaut_ of astronaut, chelsea_ of chelsea" in says
    assert smaller_copies(decode(files[::2], "set", "eval", 2)) == ""
