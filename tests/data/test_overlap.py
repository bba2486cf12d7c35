"""Images that are trained and judged on are named: the same file, pixels, or cropped pixels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import Save, waves

from srbench.data.crops import crops
from srbench.data.datasets import folder
from srbench.data.decoded import decode
from srbench.data.folders import images_below
from srbench.data.overlap import Files, div2k_validation, overlap


def read(below: Path, split: str, scale: int = 2) -> Files:
    files = images_below(below, "folder")
    return decode(files, below.name, split, scale), files


def put(path: Path, pixels: np.ndarray) -> None:  # type: ignore[type-arg]
    path.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    "same",
    [
        lambda image: image,
        lambda image: image[:60, :72],  # a multiple of 12
        lambda image: image[:-1],
        lambda image: image[:, :-7],
    ],
    ids=["whole", "GTmod12", "a row", "columns"],
)
def test_the_same_image_under_another_name_is_found(tmp_path: Path, same) -> None:  # type: ignore[no-untyped-def]
    image = waves(66, 77)
    for n in range(3):
        put(tmp_path / f"train/{n}.png", np.roll(image, n + 1, axis=1))
    put(tmp_path / "eval/x.png", same(np.roll(image, 2, axis=1)))
    put(tmp_path / "eval/other.png", np.roll(image, 30, axis=1))
    says = overlap(read(tmp_path / "train", "train"), read(tmp_path / "eval", "eval"))
    assert says == "1 of 2 images of eval eval are also trained on, in train: x"


@pytest.mark.parametrize(
    "other",
    [
        lambda image: np.roll(image, 1, axis=0),
        lambda image: np.vstack([image[:64], 255 - image[64:]]),  # the same above alone
        lambda image: image[:40],  # a part, and no crop to a scale
    ],
    ids=["moved", "half", "a part"],
)
def test_images_that_share_a_corner_alone_are_not_the_same(tmp_path: Path, other) -> None:  # type: ignore[no-untyped-def]
    put(tmp_path / "train/a.png", waves(96, 96))
    put(tmp_path / "eval/a.png", other(waves(96, 96)))
    assert overlap(read(tmp_path / "train", "train"), read(tmp_path / "eval", "eval")) == ""


def test_crops_of_a_trained_file_are_found_by_the_file(tmp_path: Path, save: Save) -> None:
    save("set/a.png", 40, 40)
    of = partial(folder, path=str(tmp_path / "set"))
    files = list(crops("eval", 2, of=of, side=16, patches_per_image=2))
    says = overlap(read(tmp_path / "set", "train"), (decode(files, "crops", "eval", 2), files))
    assert says.startswith("2 of 2 images of eval crops")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("DIV2K_train_HR/0001", "DIV2K_train_HR/0801", "DIV2K_train_HR/0900"), "0801, 0900"),
        (("DF2K/0850x2", "DF2K/000001"), "0850"),
        (("div2k_sub/0801_s001",), "0801"),
        (("mine/0799", "mine/0800", "mine/0801"), "0801"),
        (("mine/0800", "mine/0801", "mine/0901"), ""),
        (("mine/0801", "mine/0802"), ""),
        (("DIV2K/0001", "DIV2K/0800"), ""),
        (("DIV2K/00000801",), ""),
    ],
)
def test_the_validation_images_of_div2k_are_known_by_name(
    tmp_path: Path, save: Save, names: tuple[str, ...], found: str
) -> None:
    for name in names:
        save(f"all/{name}.png")
    says = div2k_validation(read(tmp_path / "all", "train"))
    assert says.rpartition(": ")[2] == found
