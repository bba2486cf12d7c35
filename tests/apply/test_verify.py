"""`srbench verify`: checks that can fail, sets told apart, and slips found again by their cost."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import tiny

from srbench.apply.checks import everything, fingerprint, local_checks
from srbench.apply.oracles import Check, near, oracles, same
from srbench.apply.scored import Asked
from srbench.apply.slips import explain
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.weights import load_weights
from srbench.data.datasets import photos
from srbench.data.decoded import decode
from srbench.data.folders import ImageFile

slots.load()
PAN_X4 = {  # what slips cost PAN on Set5 at x4, in dB
    "Y of full range (OpenCV's YCrCb, piq's and pyiqa's grey)": -1.322,
    "RGB, not Y": -1.913,
    "PSNR of the mean squared error of all images": -0.681,
    "no border cut": -0.100,
    "a border of scale + 6 pixels": 0.068,
    "SR truncated to uint8, not rounded": -0.029,
    "Y rounded to whole numbers": -0.021,
    "SR clipped, but not rounded": 0.0035,
    "self-ensemble of eight turned images": 0.106,
    "LR by bicubic without antialiasing (torch's default, OpenCV)": -8.545,
    "LR by MATLAB's bicubic in floating point": 0.009,
    "LR by MATLAB's bicubic, made anew": 0.0,
    "LR by MATLAB's bicubic, truncated": -0.026,
    "LR by Pillow's bicubic": 0.002,
    "LR by Lanczos": -0.646,
    "LR by bilinear": -1.786,
}
SSIM_X4 = {
    "scikit-image's default window (7x7, uniform)": 0.90435,
    "variances divided by n - 1 (scikit-image's default)": 0.89447,
    "images pooled first (piq's default)": 0.90720,
    "RGB, not Y": 0.86432,
    "Y rounded to whole numbers": 0.89371,
}


def test_every_oracle_agrees() -> None:
    found = list(oracles())
    assert len(found) > 30
    assert [check for check in found if check.state != "right"] == []


def test_a_check_that_does_not_agree_is_wrong() -> None:
    assert near("g", "w", 1.0, 1.1, 0.05).state == "wrong"
    assert near("g", "w", np.inf, np.inf, 0).state == "right"
    assert same("g", "w", (1, 2), (1, 3)).state == "wrong"


def states(sets: list[str], weights: Path | None) -> dict[str, Check]:
    return {check.what: check for check in local_checks(sets, weights, "cpu", lambda text: None)}


def test_sets_that_are_not_here_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRBENCH_DATA", str(tmp_path))
    found = states(["set5", "urban100"], None)
    assert {check.state for check in found.values()} == {"skipped"}
    assert "srbench datasets urban100" in found["urban100"].note


@pytest.fixture
def small(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Set5 of three images with LR at x2, where the commands look for it."""
    for name in ("bird", "head", "woman"):
        for file in (f"HR/{name}.png", f"LR_bicubic/X2/{name}x2.png"):
            (tmp_path / "Set5" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data_folder / "Set5" / file, tmp_path / "Set5" / file)
    monkeypatch.setenv("SRBENCH_DATA", str(tmp_path))
    return tmp_path


def test_another_copy_of_a_set_is_told_by_its_fingerprint(small: Path) -> None:
    found = states(["set5"], None)
    assert (found["set5"].expected, found["set5"].found) == ("5 images", "3 images")
    at_x2 = found["set5: bicubic by the papers' way, x2"]
    assert at_x2.state == "differs"
    assert "another copy of the set" in at_x2.note
    assert found["set5: LR files are MATLAB's bicubic of HR, x2"].state == "right"
    assert found["set5: LR files are MATLAB's bicubic of HR, x3"].state == "skipped"


def test_the_fingerprint_leaves_out_what_is_all_border(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (40, 4), "grey").save(tmp_path / "strip.png")
    strip = ImageFile("strip", tmp_path / "strip.png")
    [photo] = [file for file in photos("eval", 2) if file.name == "coffee"]
    both, alone, none = (decode(f, "set", "eval", 2) for f in ([strip, photo], [photo], [strip]))
    assert fingerprint(both, 2) == fingerprint(alone, 2)
    assert math.isnan(fingerprint(none, 2))


def test_lr_files_of_another_origin_are_told(small: Path) -> None:
    file = small / "Set5/LR_bicubic/X2/birdx2.png"
    pixels = np.array(PIL.Image.open(file))
    pixels[5, 5] ^= 1
    PIL.Image.fromarray(pixels).save(file)
    found = states(["set5"], None)["set5: LR files are MATLAB's bicubic of HR, x2"]
    assert (found.state, found.found) == ("differs", "100.00% of values")


@pytest.mark.slow
def test_other_weights_under_a_published_name_are_wrong(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    monkeypatch.setenv("SRBENCH_DATA", str(data_folder))
    tensors = load_weights(data_folder / "weights" / "carn_m.pth")
    tensors["exit.bias"] = tensors["exit.bias"] + 0.001
    safetensors.torch.save_file(tensors, tmp_path / "carn_m.pth")
    found = states(["set5"], tmp_path)
    assert found["carn_m on set5, x2: PSNR of Y"].state == "wrong"
    assert found["pan on set5, x2"].state == "skipped"


def test_grey_images_count_as_they_are_in_the_papers_bicubic(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("grey", (40, 40)), ("colour", (40, 40, 3))):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    found = explain(Asked("bicubic", None, str(tmp_path), 2), score=20.0)
    change = {slip.says: slip.change for slip in found.slips}
    wanted = -20 * np.log10(255 / 219) / 2  # one image of two
    grey = "grey images compared as they are, not as Y (MATLAB scripts)"
    assert change[grey,] == pytest.approx(wanted, abs=1e-2)


@pytest.fixture
def bicubic(small: Path) -> Asked:
    return Asked("bicubic", None, str(small / "Set5"), 2)


@pytest.mark.slow
@pytest.mark.parametrize("says", ["RGB, not Y", "no border cut", "LR by Lanczos"])
def test_a_slip_is_found_again_by_its_cost(says: str, bicubic: Asked) -> None:
    cost = {s.says: s.score for s in explain(bicubic).slips}[says,]
    found = explain(bicubic, score=round(cost, 3))
    assert says in [slip.says[0] for slip in found.explanations]
    assert {len(slip.says) for slip in found.explanations} == {1}


@pytest.mark.slow
def test_two_slips_at_once_are_found_where_no_single_one_explains(bicubic: Asked) -> None:
    change = {s.says: s.change for s in explain(bicubic).slips}
    both = (
        "Y of full range (OpenCV's YCrCb, piq's and pyiqa's grey)",
        "PSNR of the mean squared error of all images",
    )
    right = explain(bicubic).slips[0].score
    found = explain(bicubic, score=right + sum(change[says,] for says in both))
    assert both in [slip.says for slip in found.explanations]


@pytest.mark.slow
def test_a_gap_to_a_paper_is_what_counts_where_one_is_named(bicubic: Asked) -> None:
    right = explain(bicubic).slips[0].score
    found = explain(bicubic, score=right - 1.32, paper=right)
    assert found.explanations[0].says[0].startswith("Y of full range")
    assert explain(bicubic, score=right + 5).explanations == ()
    with pytest.raises(UserError, match="not both PSNR or both SSIM"):
        explain(bicubic, score=30, paper=0.9)


@pytest.mark.slow
def test_slips_cost_what_they_cost_elsewhere(data_folder: Path, one_thread: None) -> None:
    asked = Asked("pan", data_folder / "weights/PANx4_DF2K.pth", str(data_folder / "Set5"), 4)
    found = {s.says[0]: s.change for s in explain(asked).slips if s.says}
    assert {says: found[says] for says in PAN_X4} == pytest.approx(PAN_X4, abs=1.5e-3)
    ssims = {s.says[0]: s.score for s in explain(asked, score=0.9).slips if s.says}
    assert {says: ssims[says] for says in SSIM_X4} == pytest.approx(SSIM_X4, abs=1e-4)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert tiny.called(*arguments) == code
    return capsys.readouterr()


def test_the_command_says_right_and_ends_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SRBENCH_DATA", str(tmp_path))
    assert "The measuring is right." in said(capsys, "verify").out
    found = json.loads(said(capsys, "verify", "--json").out)
    assert {check["state"] for check in found} == {"right", "skipped"}


def test_the_command_explains_a_number(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ("verify", "--data", "set5", "--scale", "2")
    table = said(capsys, *usual, "--slips").out
    assert "no border cut" in table
    right = json.loads(said(capsys, *usual, "--slips", "--json").out)["slips"][0]["score"]
    text = said(capsys, *usual, "--score", f"{right - 1.322:.3f}").out
    assert "Y of full range" in text.splitlines()[-1] + text.splitlines()[-2]


def test_what_cannot_be_verified_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="set with published figures 'set6' is unknown"):
        everything(["set6"], None, "cpu")
    with pytest.raises(UserError, match="is not a folder of weights"):
        everything(None, tmp_path / "none", "cpu")
