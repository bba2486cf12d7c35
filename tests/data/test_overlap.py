"""Images that are trained and judged on are named: the same file, pixels, or cropped pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data
from pictures import Save, waves

from srbench.data.crops import crops
from srbench.data.datasets import folder
from srbench.data.decoded import decode
from srbench.data.folders import images_below
from srbench.data.likeness import SIDE, copies
from srbench.data.overlap import Files, div2k_validation, doubles, overlap


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
    assert says == ("1 of 2 images of eval eval are also trained on, in train: x",)


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
    says = overlap(read(tmp_path / "train", "train"), read(tmp_path / "eval", "eval"))
    assert not any("are also trained on" in sentence for sentence in says)


def test_crops_of_a_trained_file_are_found_by_the_file(tmp_path: Path, save: Save) -> None:
    save("set/a.png", 40, 40)
    of = partial(folder, path=str(tmp_path / "set"))
    files = list(crops("eval", 2, of=of, side=16, patches_per_image=2))
    [says] = overlap(read(tmp_path / "set", "train"), (decode(files, "crops", "eval", 2), files))
    assert says.startswith("2 of 2 images of eval crops")


def saved(image: PIL.Image.Image, path: Path, quality: int) -> Path:
    image.save(path, quality=quality)
    return path


def half(image: PIL.Image.Image) -> PIL.Image.Image:
    return image.resize((image.width // 2, image.height // 2), PIL.Image.Resampling.BICUBIC)


COPIES: dict[str, Callable[[PIL.Image.Image, Path], object]] = {
    "JPEG 90": lambda image, to: saved(image, to / "x.jpg", 90),
    "JPEG 75": lambda image, to: saved(image, to / "x.jpg", 75),
    "half": lambda image, to: half(image).save(to / "x.png"),
    "cut and JPEG 90": lambda image, to: saved(image.crop((0, 0, 448, 296)), to / "x.jpg", 90),
    "grey": lambda image, to: image.convert("L").save(to / "x.png"),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_that_was_changed_is_named_with_what_it_looks_like(tmp_path: Path, way: str) -> None:
    (tmp_path / "eval").mkdir()
    for name in ("coffee", "chelsea", "astronaut", "rocket"):
        put(tmp_path / f"train/{name}.png", getattr(skimage.data, name)())
    COPIES[way](PIL.Image.fromarray(skimage.data.chelsea()), tmp_path / "eval")
    put(tmp_path / "eval/other.png", skimage.data.coins())
    [says] = overlap(read(tmp_path / "train", "train", 4), read(tmp_path / "eval", "validate", 4))
    assert says == (
        "1 of 2 images of validate eval look like copies of training images of train (compressed "
        "again, resized or cropped?): x of chelsea"
    )


def test_an_image_in_two_formats_counts_twice_and_is_named(tmp_path: Path) -> None:
    for name in ("coffee", "chelsea"):
        put(tmp_path / f"{name}.png", getattr(skimage.data, name)())
    saved(PIL.Image.fromarray(skimage.data.coffee()), tmp_path / "coffee.jpg", 90)
    put(tmp_path / "chelsea.bmp", skimage.data.astronaut())
    assert doubles(read(tmp_path, "eval", 4)[0]) == (
        f"1 of 4 images of eval {tmp_path.name} look like copies in another format, and count "
        "twice: coffee.png of coffee.jpg"
    )


def test_different_photographs_are_no_copies(data_folder: Path) -> None:
    """But for two that are: BSDS200 has a photograph of Set5, and T91 one twice."""
    t91, bsds, set5 = (read(data_folder / name, "train") for name in ("T91", "BSDS200", "Set5/HR"))
    assert overlap(t91, bsds) == overlap(t91, set5) == overlap(bsds, t91) == ()
    [says] = overlap(bsds, set5)
    assert says.endswith("cropped?): woman of 302003")


def test_skies_and_small_or_flat_images_are_no_copies(tmp_path: Path) -> None:
    y, x = np.indices((96, 96, 3))[:2]
    noise = np.random.default_rng(0).integers(0, 16, (2, 96, 96, 3))
    for n, (name, side) in enumerate({"train": 1, "eval": 2}.items()):
        put(tmp_path / f"{name}/sky.png", (y + x // side + noise[n]).astype(np.uint8))
        put(tmp_path / f"{name}/flat{n}.png", np.full((96, 96, 3), 9 + n, np.uint8))
        put(tmp_path / f"{name}/small{n}.png", waves(12, 12) // (n + 1))
    assert overlap(read(tmp_path / "train", "train"), read(tmp_path / "eval", "eval")) == ()


def test_of_large_sets_only_the_same_thumbnails_are_copies() -> None:
    random = np.random.default_rng(0)
    sets = [
        [((1356, 2040, 3), random.bytes(SIDE * SIDE).hex()) for _ in range(count)]
        for count in (800, 3450)
    ]
    assert copies(*sets) == {}
    assert copies(sets[0], sets[0]) == {n: n for n in range(800)}


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
