"""Scores of published weights on real images, against published figures; layouts; refusals."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tiny
import torch
from torch import nn

from srbench.apply.scored import Asked, Scored, score
from srbench.core import slots
from srbench.core.errors import UserError

slots.load()
SET5 = {  # PSNR and SSIM of Y
    ("pan", 2): (38.0007, 0.96049), ("pan", 3): (34.4003, 0.92717), ("pan", 4): (32.1311, 0.89481),
    ("carn_m", 2): (37.6784, 0.95948), ("carn_m", 3): (34.0577, 0.92478),
    ("carn_m", 4): (31.8831, 0.89099),
    ("bicubic", 2): (33.678, 0.93042), ("bicubic", 3): (30.404, 0.86895),
    ("bicubic", 4): (28.431, 0.81126),
}  # fmt: skip
PER_IMAGE = {
    "baby": 33.776, "bird": 35.000, "butterfly": 28.350, "head": 32.963, "woman": 30.567,
}  # fmt: skip
FLOAT_LR = "matlab_bicubic: {precision: float}"
PHOTOS = ("astronaut.png", "chelsea.png")


def weights_of(model: str, scale: int, folder: Path) -> Path | None:
    files = {"pan": f"PANx{scale}_DF2K.pth", "carn_m": "carn_m.pth"}
    return folder / "weights" / files[model] if model in files else None


def on(
    data: Path | str, model: str, scale: int, weights: Path | None = None, **more: Any
) -> Scored:
    return score(Asked(model, weights, str(data), scale, **more))


@pytest.mark.slow
@pytest.mark.parametrize(("model", "scale"), SET5)
def test_published_weights_give_published_scores(
    model: str, scale: int, data_folder: Path, one_thread: None
) -> None:
    found = on(data_folder / "Set5", model, scale, weights_of(model, scale, data_folder))
    psnr, ssim = SET5[model, scale]
    assert found.means["psnr_y"] == pytest.approx(psnr, abs=1e-3)
    assert found.means["ssim_y"] == pytest.approx(ssim, abs=1e-4)
    if (model, scale) == ("pan", 4):
        assert found.means["psnr_rgb"] == pytest.approx(30.2183, abs=1e-3)
        assert found.means["ssim_rgb"] == pytest.approx(0.86432, abs=1e-4)
        per_image = {image.name: image.values["psnr_y"] for image in found.images}
        assert per_image == pytest.approx(PER_IMAGE, abs=1e-3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_carn_m_on_photographs_is_what_its_authors_code_gives(
    scale: int, data_folder: Path, one_thread: None
) -> None:
    oracle = json.loads((data_folder / "carn_m_oracle.json").read_text())["cases"]
    weights = weights_of("carn_m", scale, data_folder)
    for model, file in (("carn_m", weights), ("bicubic", None)):
        found = on("photos", model, scale, file, lr=FLOAT_LR)
        for image in (i for i in found.images if f"{i.name}.png" in PHOTOS):
            case = oracle[f"{image.name}.png/x{scale}"]
            for space in ("y", "rgb"):
                expected = case[f"{model}_{space}"]
                assert image.values[f"psnr_{space}"] == pytest.approx(expected[0], abs=1e-3)
                assert image.values[f"ssim_{space}"] == pytest.approx(expected[1], abs=1e-4)


def test_a_multi_scale_network_scores_as_its_share_of_one_scale(
    data_folder: Path, one_thread: None
) -> None:
    weights, data = weights_of("carn_m", 4, data_folder), data_folder / "Set5"
    one = on(data, "carn_m", 4, weights)
    assert on(data, "carn_m: {scales: [2, 3, 4]}", 4, weights).images == one.images


def test_weights_of_another_scale_are_named(data_folder: Path) -> None:
    weights = weights_of("pan", 4, data_folder)
    with pytest.raises(UserError, match=r"PANx4_DF2K\.pth: is for pan at x4, not at x2"):
        on(data_folder / "Set5", "pan", 2, weights)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A grey image of odd sides, and a colour one, as files; the folder."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "Grey and odd"
    for name, shape in (("grey one", (45, 61)), ("colour", (50, 47, 3))):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        (folder / "HR").mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels).save(folder / "HR" / f"{name}.png")
    return folder


def test_odd_sides_and_grey_images_are_scored(two: Path) -> None:
    found = on(two, "bicubic", 4)
    assert [(i.name, i.width, i.height) for i in found.images] == [
        ("colour", 44, 48), ("grey one", 60, 44),
    ]  # fmt: skip
    grey = found.images[1].values
    assert grey["psnr_y"] - grey["psnr_rgb"] == pytest.approx(20 * np.log10(255 / 219), abs=1e-9)


LAYOUTS = {  # HR, LR of x2
    "edsr": ("HR/{n}.png", "LR_bicubic/X2/{n}x2.png"),
    "basicsr": ("GTmod12/{n}.png", "LRbicx2/{n}.png"),
    "selfexsr": ("image_SRF_2/{n}_SRF_2_HR.png", "image_SRF_2/{n}_SRF_2_LR.png"),
    "plain": ("{n}.png", "LR_bicubic/X2/{n}x2.png"),
    "rcan": ("HR/{n}_HR_x2.png", "LR/x2/{n}_LRBI_x2.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sets_are_read_as_the_field_hands_them_around(layout: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    hr_name, lr_name = LAYOUTS[layout]
    for n in ("img_001", "baby"):
        hr = rng.integers(0, 256, (24, 26, 3), dtype=np.uint8)
        for name, pixels in ((hr_name, hr), (lr_name, hr[::2, ::2])):
            file = tmp_path / "Set0" / name.format(n=n)
            file.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(pixels).save(file)
    found = on(tmp_path / "Set0", "nearest", 2)
    assert found.lr == "the set's own files"
    made = on(tmp_path / "Set0", "nearest", 2, lr="nearest")
    assert [i.values for i in made.images] == [i.values for i in found.images]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"model": "pam"}, "--model: model 'pam' is unknown; did you mean 'pan'?"),
        ({"model": "pan"}, "--weights: pan has weights; name a file of them"),
        ({"model": "carn: {blocks: 0}"}, "--model"),
        ({"model": "carn: {rates: [1]}"}, "--model: "),
        ({"data": "set6"}, f"no folder set6 (looked from {Path.cwd()}), and dataset 'set6' is"),
        ({"data": "folder: {path: nowhere}"}, "there is no folder nowhere"),
        ({"data": "./nowhere"}, "there is no folder nowhere"),
        ({"data": __file__}, "test_scored.py is a file; name the folder it is in"),
        ({"lr": "bicubik"}, "did you mean 'bicubic'?"),
        ({"lr": "Set6LR"}, f"no folder Set6LR (looked from {Path.cwd()}), and degradation"),
        ({"lr": "{jpge: {}}"}, "--lr: degradation 'jpge' is unknown; did you mean 'jpeg'?"),
        ({"protocol": "sr-z"}, "protocol 'sr-z' is unknown"),
        ({"protocol": "ntire-esr"}, "ntire-esr is defined at x4, not at x2"),
        ({"model": "spandrel"}, "name them"),
    ],
)
def test_what_cannot_be_scored_is_named(asked: dict[str, Any], says: str, two: Path) -> None:
    usual: dict[str, Any] = {"model": "bicubic", "weights": None, "data": str(two), "scale": 2}
    with pytest.raises(UserError) as refusal:
        score(Asked(**{**usual, **asked}))
    assert says in str(refusal.value)


def test_lr_files_of_other_images_are_doubted(tmp_path: Path) -> None:
    hr = tmp_path / "hr"
    for name in PHOTOS:
        tiny.save_crop(Path(name).stem, hr / name, 96)
    for one, other in zip(PHOTOS, reversed(PHOTOS), strict=True):
        (tmp_path / "lr").mkdir(exist_ok=True)
        with PIL.Image.open(hr / other) as image:
            image.rotate(90).resize((48, 48)).save(tmp_path / "lr" / one)
    assert on(hr, "bicubic", 2).doubts == ()
    [doubt] = on(hr, "bicubic", 2, lr=str(tmp_path / "lr")).doubts
    assert " of 2 LR files of eval" in doubt


def test_an_image_too_small_for_ssim_is_named(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(tmp_path / "tiny.png")
    with pytest.raises(UserError, match="tiny: SSIM needs 11x11"):
        on(tmp_path, "bicubic", 2)


def test_the_command_prints_a_table_or_json(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ("scores", "--model", "nearest", "--data", str(two), "--scale", "2")
    assert tiny.called(*usual) == 0
    assert "mean of 2" in capsys.readouterr().out
    assert tiny.called(*usual, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [image["name"] for image in found["images"]] == ["colour", "grey one"]
    assert found["mean"]["psnr_y"] == pytest.approx(
        np.mean([image["values"]["psnr_y"] for image in found["images"]])
    )


def test_more_metrics_are_scored_beside_the_usual_ones(two: Path) -> None:
    found = score(Asked("nearest", None, str(two), 2, metrics=("sharpness", "psnr_y")))
    assert list(found.means) == ["psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "l1", "sharpness"]
    for name, problem in (("sharpnes", "did you mean 'sharpness'"), ("fid", "of a whole set")):
        with pytest.raises(UserError, match=f"--metric {name}: .*{problem}"):
            score(Asked("nearest", None, str(two), 2, metrics=(name,)))


def test_spandrels_networks_are_scored_or_asked_for(two: Path, tmp_path: Path) -> None:
    file = tmp_path / "foreign.pth"
    if find_spec("spandrel") is None:
        with pytest.raises(UserError, match=r"pip install 'srbench\[foreign\]'"):
            score(Asked("spandrel", file, str(two), 2))
        pytest.skip("spandrel is not installed")
    torch.manual_seed(0)
    convs = [nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 8), (8, 8), (8, 12))]
    body = nn.ModuleDict({"0": convs[0], "1": nn.PReLU(8), "2": convs[1], "3": nn.PReLU(8)})
    body["4"] = convs[2]  # Real-ESRGAN's compact network, as small as it can be
    torch.save({"params_ema": nn.ModuleDict({"body": body}).state_dict()}, file)
    found = score(Asked("spandrel", file, str(two), 2))
    assert found.model == "RealESRGAN Compact (spandrel)"
    with pytest.raises(UserError, match="is for x2, not for x4"):
        score(Asked("spandrel", file, str(two), 4))
    torch.save({"nobody": torch.ones(1)}, file)
    with pytest.raises(UserError, match="spandrel does not recognise it"):
        score(Asked("spandrel", file, str(two), 2))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_image_is_left_out_of_the_mean_and_named(
    level: int, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = on(two, "bicubic", 2).means
    PIL.Image.fromarray(np.full((48, 40, 3), level, np.uint8)).save(two / "HR" / "flat.png")
    found = on(two, "bicubic", 2)
    assert found.means["psnr_y"] == wanted["psnr_y"]
    assert found.left_out == {"psnr_y": ["flat"], "psnr_rgb": ["flat"]}
    assert tiny.called("scores", "--model", "bicubic", "--scale", "2", "--data", str(two)) == 0
    assert "psnr_y: flat is reproduced exactly (infinite) and left out" in capsys.readouterr().out
