"""The field's LR files bit for bit, agreement with others' code, and what a study may combine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import Pixels, noise, waves

from srbench.core.errors import UserError
from srbench.core.slots import degradation
from srbench.data import combinations, degradations, resizers
from srbench.data.datasets import PHOTOS, photos
from srbench.data.decoded import decode
from srbench.data.degradations import Degrader, shrink
from srbench.data.known_sets import set5

RESIZERS = ["matlab_bicubic", "bicubic", "bilinear", "lanczos", "nearest", "aliased_bicubic"]
DAMAGE = ["jpeg", "noise", "blur"]


def apply(written: object, image: Pixels, scale: int = 2, seed: int = 0) -> Pixels:
    made: Pixels = degradation.parse(written).build()(scale)(image, np.random.default_rng(seed))
    return made


def ramp() -> Pixels:
    i, j = np.mgrid[0:12, 0:12]
    return np.stack([(37 * i + 101 * j) % 256] * 3, -1).astype(np.uint8)


def test_every_degradation_is_looked_at_here() -> None:
    assert {*RESIZERS, *DAMAGE, "random_of", "pipeline"} <= set(degradation.parts)


def test_matlab_bicubic_of_the_ramp() -> None:
    assert apply("matlab_bicubic", ramp(), 3)[..., 0].tolist() == [
        [101, 136, 131, 132], [145, 117, 129, 139], [110, 138, 126, 119], [142, 119, 136, 154],
    ]  # fmt: skip
    assert apply("matlab_bicubic", ramp(), 2)[..., 1].tolist() == [
        [73, 143, 145, 143, 123, 126], [131, 112, 111, 116, 148, 147],
        [157, 139, 117, 134, 129, 130], [108, 118, 151, 130, 109, 125],
        [97, 136, 129, 124, 142, 121], [167, 126, 108, 149, 134, 174],
    ]  # fmt: skip
    assert apply("matlab_bicubic", ramp(), 4)[..., 2].tolist() == [
        [115, 131, 135], [129, 128, 125], [130, 129, 144],
    ]  # fmt: skip


def test_the_float_pipeline_is_another() -> None:
    made = apply({"matlab_bicubic": {"precision": "float"}}, ramp(), 2)
    assert made[0, :2, 0].tolist() == [72, 142]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_matlab_bicubic_equals_the_fields_lr_files(real: Path, scale: int) -> None:
    data = decode(set5("eval", scale, root=str(real)), "set5", "eval", scale)
    for image in data.images:
        assert np.array_equal(apply("matlab_bicubic", image.hr, scale), image.lr), image.name


def test_the_float_pipeline_equals_basicsrs(real: Path) -> None:
    oracle = json.loads((real / "carn_m_oracle.json").read_text())["cases"]
    files = {file.hr.name: file for split in PHOTOS for file in photos(split, 2)}
    for case, known in oracle.items():
        name, _, scale = case.rpartition("/x")
        [image] = decode([files[name]], "photos", "eval", int(scale)).images
        lr = apply({"matlab_bicubic": {"precision": "float"}}, image.hr, int(scale))
        assert hashlib.sha256(lr.tobytes()).hexdigest().startswith(known["lr_sha"]), case


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_aliased_bicubic_equals_torch_without_antialiasing(scale: int) -> None:
    image = noise(48, 72)
    x = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    y = torch.nn.functional.interpolate(x, scale_factor=1 / scale, mode="bicubic")
    expected = (y.clamp(0, 255) + 0.5).floor().byte()[0].permute(1, 2, 0).numpy()
    assert np.array_equal(apply("aliased_bicubic", image, scale), expected)


def test_bicubic_is_matlabs_but_for_rounding_and_the_border() -> None:
    ours, theirs = (
        apply(name, noise(64, 64)).astype(int) for name in ("bicubic", "matlab_bicubic")
    )
    difference = np.abs(ours - theirs)
    assert difference[2:-2, 2:-2].max() <= 2
    assert difference.max() > 2


@pytest.mark.parametrize("name", RESIZERS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_resizer_divides_by_the_scale_and_keeps_a_flat_image(name: str, scale: int) -> None:
    flat = np.full((24, 36, 3), (10, 128, 255), np.uint8)
    assert np.array_equal(apply(name, flat, scale), flat[: 24 // scale, : 36 // scale])


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_keeps_the_size(name: str) -> None:
    assert apply(name, waves(16, 24)).shape == (16, 24, 3)


@pytest.mark.parametrize("name", [*RESIZERS, "blur"])
def test_deterministic_ones_say_so_and_do_not_look_at_the_generator(name: str) -> None:
    assert not degradation.parse(name).build()(2).random
    assert np.array_equal(apply(name, noise(16, 16), seed=1), apply(name, noise(16, 16), seed=2))


@pytest.mark.parametrize("name", ["jpeg", "noise", "random_of", "pipeline"])
def test_random_ones_say_so_and_are_functions_of_the_generator(name: str) -> None:
    assert degradation.parse(name).build()(2).random
    made = [apply(name, noise(32, 32), seed=seed).tobytes() for seed in (*range(9), 0)]
    assert made[0] == made[-1]
    assert len(set(made)) > 1


def test_jpeg_of_one_quality_is_not_random() -> None:
    assert not degradations.jpeg(2, quality=(90,)).random
    with pytest.raises(UserError, match=r"\[low, high\], found \[95, 75\]"):
        degradations.jpeg(2, quality=(95, 75))


def test_jpeg_does_less_damage_at_higher_quality() -> None:
    image = noise(32, 32).astype(int)
    errors = [
        np.abs(apply({"jpeg": {"quality": [q]}}, image.astype(np.uint8)) - image).mean()
        for q in (30, 60, 90)
    ]
    assert errors == sorted(errors, reverse=True)


def test_noise_has_the_sigma_it_says() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    made = apply({"noise": {"sigma": 12.0}}, grey).astype(float)
    assert made.mean() == pytest.approx(128, abs=0.5)
    assert made.std() == pytest.approx(12, rel=0.03)


def test_blur_spreads_a_point_with_its_sigma() -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    made = apply({"blur": {"sigma": 1.0, "size": 9}}, point)[..., 0].astype(float)
    spread = (made.sum(0) * (np.arange(31) - 15) ** 2).sum() / made.sum()
    assert spread == pytest.approx(1, rel=0.1)
    with pytest.raises(UserError, match="size 4 is even"):
        degradations.blur(2, size=4)


def test_random_of_one_deterministic_choice_is_that_choice() -> None:
    one = combinations.random_of(2, of=(resizers.bicubic,))
    assert not one.random
    assert np.array_equal(apply({"random_of": {"of": ["bicubic"]}}, noise(8, 8)),
                          apply("bicubic", noise(8, 8)))  # fmt: skip


def test_random_of_draws_each_alike() -> None:
    image = noise(8, 8)
    made = [apply("random_of", image, seed=seed).tobytes() for seed in range(300)]
    known = [apply(name, image).tobytes() for name in ("bilinear", "bicubic", "lanczos")]
    assert sorted(set(made)) == sorted(known)
    assert min(made.count(one) for one in known) > 70


def test_a_pipeline_applies_its_steps_in_order() -> None:
    image = noise(16, 16)
    made = apply({"pipeline": {"of": [{"blur": {"sigma": 1.0}}, "bicubic"]}}, image)
    assert np.array_equal(made, apply("bicubic", apply({"blur": {"sigma": 1.0}}, image)))


def test_the_2019_degradation_can_be_written() -> None:
    of = [
        {"random_of": {"of": ["bilinear", "bicubic", "lanczos"]}},
        {"jpeg": {"quality": [75, 95]}},
    ]
    degrade = degradation.parse({"pipeline": {"of": of}}).build()(2)
    assert degrade.random
    assert shrink(degrade, waves(64, 64), 2, np.random.default_rng(0)).shape == (32, 32, 3)


@pytest.mark.parametrize("written", ["jpeg", {"pipeline": {"of": ["bicubic", "bicubic"]}}])
def test_a_degradation_that_does_not_divide_by_the_scale_is_refused(written: object) -> None:
    degrade: Degrader = degradation.parse(written).build()(2)
    with pytest.raises(UserError, match=r"16x24 becomes .* 8x12 is expected at x2"):
        shrink(degrade, noise(24, 16), 2, np.random.default_rng(0))


def test_empty_combinations_are_refused() -> None:
    for part in (combinations.pipeline, combinations.random_of):
        with pytest.raises(UserError, match="of is empty"):
            part(2, of=())
