"""Decoding once, and what a manifest depends on."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import Save, noise

from srbench.core.errors import UserError
from srbench.data.decoded import decode, from_outline, outline, signature
from srbench.data.folders import ImageFile, images_below
from srbench.data.known_sets import set5


def test_hr_is_cropped_at_the_bottom_right_to_a_multiple_of_the_scale(save: Save) -> None:
    [image] = decode([ImageFile("a", save("a.png", 11, 8))], "set", "eval", 3).images
    assert np.array_equal(image.hr, noise(11, 8)[:9, :6])


def test_decoded_pixels_cannot_be_changed(save: Save) -> None:
    [image] = decode([ImageFile("a", save("a.png"))], "set", "eval", 2).images
    with pytest.raises(ValueError, match="read-only"):
        image.hr[0, 0, 0] = 1


def test_the_manifest_is_of_pixels_and_not_of_places(tmp_path: Path, save: Save) -> None:
    path = save("here/a.png")
    (tmp_path / "there").mkdir()
    PIL.Image.open(path).save(tmp_path / "there/other.bmp")
    here, there = ImageFile("a", path), ImageFile("a", tmp_path / "there/other.bmp")
    assert _manifest(here) == _manifest(there)


def test_the_manifest_changes_with_whatever_training_sees(tmp_path: Path, save: Save) -> None:
    a = ImageFile("a", save("a.png", 8, 8))
    others = [
        _manifest(replace(a, name="b")),
        _manifest(replace(a, weight=2.0)),
        _manifest(replace(a, hr=save("b.png", 8, 8, seed=1))),
        _manifest(replace(a, lr=save("lr.png", 4, 4))),
        _manifest(replace(a, lr=save("lr1.png", 4, 4, seed=1))),
        _manifest(a, scale=4),
        _manifest(a, ImageFile("z", a.hr)),
    ]
    assert len({_manifest(a), *others}) == len(others) + 1


def test_the_order_of_the_files_does_not_matter(save: Save) -> None:
    files = [ImageFile(name, save(f"{name}.png", seed=seed)) for seed, name in enumerate("abc")]
    forth, back = (decode(f, "set", "train", 2) for f in (files, files[::-1]))
    assert forth.manifest == back.manifest
    assert [image.name for image in back.images] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("lr", "remedy"),
    [
        ((7, 5), r"\)$"),
        ((5, 5), r"multiple of 4 before LR is made of it \(modcrop\)$"),
        ((18, 17), "LR as large as HR is scale 1$"),
        ((72, 68), "are hr and lr exchanged"),
        ((9, 8), "it fits x2$"),
    ],
)
def test_an_lr_of_the_wrong_size_is_named_with_a_remedy(
    save: Save, lr: tuple[int, int], remedy: str
) -> None:
    file = ImageFile("a", save("a.png", 18, 17), save("ax2.png", *lr))
    size = f"{lr[1]}x{lr[0]}"
    with pytest.raises(UserError, match=rf"ax2\.png: {size} pixels; 4x4 are .*{remedy}"):
        decode([file], "set", "eval", 4)


def test_an_image_smaller_than_the_scale_is_named(save: Save) -> None:
    with pytest.raises(UserError, match=r"a\.png: 8x2 pixels are too few for x3"):
        decode([ImageFile("a", save("a.png", 2, 8))], "set", "eval", 3)


def test_no_images_and_two_of_one_name_are_refused(save: Save) -> None:
    a = ImageFile("a", save("a.png"))
    with pytest.raises(UserError, match=r"set \(eval\): no images"):
        decode([], "set", "eval", 2)
    with pytest.raises(UserError, match="several images named a"):
        decode([a, a], "set", "eval", 2)


def test_megapixels_are_those_of_hr(save: Save) -> None:
    data = decode([ImageFile("a", save("a.png", 100, 50))], "set", "eval", 2)
    assert data.megapixels == pytest.approx(0.005)


def test_real_lr_files_fit_their_hr(real: Path) -> None:
    data = decode(set5("eval", 3, root=str(real)), "set5", "eval", 3)
    assert [image.name for image in data.images] == ["baby", "bird", "butterfly", "head", "woman"]
    assert all(image.lr is not None for image in data.images)


def test_the_signature_stands_until_a_file_is_touched(tmp_path: Path, save: Save) -> None:
    files = [ImageFile("a", save("a.png")), ImageFile("b", save("b.png"), save("lr.png"))]
    before = signature(files)
    assert signature(files[::-1]) == before
    os.utime(tmp_path / "lr.png", ns=(1, 1))
    assert signature(files) != before
    shutil.move(tmp_path / "a.png", tmp_path / "c.png")
    with pytest.raises(UserError, match=r"a\.png: No such file"):
        signature(files)


def test_an_outline_is_the_set_without_its_pixels(save: Save) -> None:
    whole = decode([ImageFile("a", save("a.png", 12, 8)), ImageFile("b", save("b.png"))],
                   "set", "train", 2)  # fmt: skip
    plain = json.loads(json.dumps(outline(whole)))
    again = from_outline(plain, "set", "train")
    assert (again.manifest, again.megapixels) == (whole.manifest, whole.megapixels)
    for one, other in zip(again.images, whole.images, strict=True):
        assert (one.name, one.size, one.sha256, one.lr) == (
            other.name,
            other.size,
            other.sha256,
            None,
        )
    with pytest.raises(ValueError, match="read-only"):
        again.images[0].hr[0, 0, 0] = 1
    assert outline(again) == outline(whole)


def _manifest(*files: ImageFile, scale: int = 2) -> str:
    return decode(files, "set", "train", scale).manifest


def test_all_images_that_cannot_be_used_are_named_at_once(tmp_path: Path, save: Save) -> None:
    files = [ImageFile(name, save(f"{name}.png", seed=seed)) for seed, name in enumerate("abcde")]
    for name, part in (("a", 150), ("c", 160)):
        (tmp_path / f"{name}.png").write_bytes((tmp_path / f"{name}.png").read_bytes()[:part])
    PIL.Image.new("CMYK", (8, 8)).save(tmp_path / "d.png", "JPEG")
    with pytest.raises(UserError) as caught:
        decode(files, "set", "train", 2)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: 3 of 5 images cannot be used: is broken")
    assert said.endswith("again (a.png, c.png); has colours of type CMYK; save it as RGB (d.png)")


def test_of_many_images_that_cannot_be_used_a_few_are_named(tmp_path: Path) -> None:
    files = [ImageFile(f"{n:03}", tmp_path / f"{n:03}.png") for n in range(400)]
    for file in files[:397]:
        file.hr.write_bytes(b"\x89PNG")
    with pytest.raises(UserError) as caught:
        decode(files, "folder: {path: a b}", "train", 3)
    message = str(caught.value).removeprefix(f"{tmp_path}: ")
    assert message == (
        "400 of 400 images cannot be used: is not a PNG, JPEG, WEBP, BMP, TIFF image, or is broken "
        "(000.png, 001.png, 002.png and 394 more); there is no such file (397.png, 398.png, "
        "399.png); srbench datasets '{folder: {path: a b}}' --scale 3 --json names all"
    )


def test_lr_of_exchanged_sides_is_said_to_be_turned(save: Save) -> None:
    file = ImageFile("a", save("hr/a.png", 16, 8), save("lr/a.png", 4, 8))
    with pytest.raises(UserError, match="was one of them turned, as EXIF data ask for"):
        decode([file], "set", "eval", 2)


def test_lr_files_of_another_scale_are_one_reason(tmp_path: Path, save: Save) -> None:
    files = [ImageFile(n, save(f"hr/{n}.png", 16, 16), save(f"lr/{n}.png", 4, 4)) for n in "abc"]
    with pytest.raises(UserError, match=r"3 of 3 images.*fits x4 \(a\.png, b\.png, c\.png\)$"):
        decode(files, "set", "eval", 2)


def test_a_flat_image_has_one_colour_within_a_border_of_the_scale(tmp_path: Path) -> None:
    pixels = np.full((12, 10, 3), 7, np.uint8)
    pixels[0], pixels[:, -1] = 200, 90
    for name, colour in {"a": 7, "b": 8}.items():
        pixels[5, 5, 2] = colour
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    read = decode(images_below(tmp_path, "folder"), "set", "eval", 2)
    for images in (read, from_outline(outline(read), "set", "eval")):
        assert [image.flat for image in images.images] == [True, False]
