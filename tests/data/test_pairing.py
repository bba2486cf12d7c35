"""HR and LR files become pairs by path, by the field's names, and by size; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest
from pictures import Save, noise

from srbench.core.errors import UserError
from srbench.data.datasets import folder, pairs
from srbench.data.folders import ImageFile, places
from srbench.data.images import ORIENTATION
from srbench.data.known_sets import b100, set5

TWO_FOLDERS = {  # HR, LR at x4, each below a folder of its own
    "the same name": ("a.png", "a.jpg"),
    "EDSR": ("0801.png", "X4/0801x4.png"),
    "a folder a scale": ("a.png", "x4/a.png"),
    "DIV2K mild": ("0801.png", "0801x4m.png"),
    "DIV2K wild": ("0801.png", "X4/0801x4w1.png"),
    "KAIR": ("baby.png", "baby_bicLRx4.png"),
    "RCAN": ("x4/baby_HR_x4.png", "x4/baby_LRBI_x4.png"),
    "SelfExSR": ("img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"),
    "RealSR": ("Canon_001_HR.png", "Canon_001_LR4.png"),
    "DRealSR": ("panasonic_79_x1_25.png", "panasonic_79_x4_25.png"),
    "Real-ESRGAN": ("a_GT.png", "a_LQ.png"),
    "words in front": ("HR_a.png", "LR_a.png"),
    "small letters": ("a_hr.png", "a-lr-x4.png"),
    "REDS": ("000/00000001.png", "X4/000/00000001.png"),
    "Vimeo": ("sequences/00001/0266/im1.png", "sequences/00001/0266/im1.png"),
    "Vid4": ("calendar/001.png", "BIx4/calendar/001.png"),
    "sub-images": ("0001_s001.png", "X4_sub/0001_s001.png"),
    "HR in folders, LR not": ("animals/a.png", "ax4.png"),
    "its name ends like a scale": ("fox3.png", "fox3.png"),
    "its name ends like LR": ("wall_BD.png", "wall_BD.png"),
    "an accent taken apart": ("gr\u00fcn.png", "gru\u0308n.png"),
}


def lay(save: Save, names: tuple[str, str], side: int = 16, seed: int = 0) -> tuple[Path, Path]:
    return save(names[0], side, side, seed), save(names[1], side // 4, side // 4, seed)


def read(root: Path, pattern: str = "", scale: int = 4) -> list[ImageFile]:
    hr, lr = str(root / "hr"), str(root / "lr")
    return list(pairs("eval", scale, hr=hr, lr=lr, pattern=pattern))


@pytest.mark.parametrize("names", TWO_FOLDERS.values(), ids=list(TWO_FOLDERS))
def test_two_folders_pair_as_the_field_names_files(
    tmp_path: Path, save: Save, names: tuple[str, str]
) -> None:
    hr, lr = lay(save, (f"hr/{names[0]}", f"lr/{names[1]}"))
    lay(save, ("hr/other.png", "lr/other.png"))
    save("lr/X2/0801x2.png", 8, 8), save("lr/stray.png")
    found = {file.hr: file.lr for file in read(tmp_path)}
    assert len(found) == 2
    assert found[hr] == lr


def test_frames_of_equal_names_pair_within_their_folders(tmp_path: Path, save: Save) -> None:
    laid = [lay(save, (f"hr/00{d}/0.png", f"lr/00{d}/0.png"), seed=d) for d in range(3)]
    assert [(file.hr, file.lr) for file in read(tmp_path)] == laid


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("hr/000/0.png", "hr/001/0.png", "lr/0.png"), "one LR file, .*lr/0.png, fits 2 HR images"),
        (("hr/a.png", "lr/ax4w1.png", "lr/ax4w2.png"), r"2 LR files fit .*hr/a.png: .*\{name\}"),
        (("hr/a.png", "hr/b.png", "hr/c.png", "lr/a.png"), "2 of 3 HR .*: .*b.png, .*c.png"),
        (("hr/000/0.png", "lr/000/1.png"), r"1 of 1 HR images have no LR file at x4: .*000/0.png"),
        (("hr/000/0.png", "hr/001/0.png", "lr/000/0.png"), "1 of 2 HR images .*001/0.png"),
        (("hr/a.png", "lr/X2/ax2.png", "lr/X3/ax3.png"), "there are files of x2, x3"),
    ],
)
def test_what_does_not_pair_is_named(
    tmp_path: Path, save: Save, files: tuple[str, ...], says: str
) -> None:
    for name in files:
        side = 16 if name.startswith("hr") else 4
        save(name, side, side)
    with pytest.raises(UserError, match=says):
        read(tmp_path)


@pytest.mark.parametrize("first", ["GTmod12", "original"])
def test_of_several_versions_the_one_that_fits_is_taken(
    tmp_path: Path, save: Save, first: str
) -> None:
    second = {"GTmod12": "original", "original": "GTmod12"}[first]
    fitting = save(f"Set5/{first}/baby.png", 16, 16)
    save(f"Set5/{second}/baby.png", 21, 21)
    lr = save("Set5/LRbicx4/baby.png", 4, 4)
    save("Set5/LRbicx2/baby.png", 8, 8)
    root = tmp_path / "Set5"
    ways = {
        "pairs": pairs("eval", 4, hr=str(root), lr=str(root / "LRbicx4")),
        "folder": folder("eval", 4, path=str(root)),
        "set": set5("eval", 4, root=str(tmp_path)),
    }
    for way, files in ways.items():
        assert [(way, f.hr, f.lr) for f in files] == [(way, fitting, lr)]
        assert places(files) == f" in LRbicx4, HR in {first}"


@pytest.mark.parametrize("lr", ["Set5", "Set5/LR"])
def test_one_folder_may_lie_in_the_other(tmp_path: Path, save: Save, lr: str) -> None:
    hr = save("Set5/GT/a.png", 16, 16)
    save("Set5/original/a.png", 17, 17)
    small = save("Set5/LR/X4/a.png", 4, 4)
    where = {"hr": str(hr.parent), "lr": str(tmp_path / lr)}
    [file] = pairs("eval", 4, **where)
    assert file.lr == small
    with pytest.raises(UserError, match="1 of 1 HR images have no LR file at x3"):
        pairs("eval", 3, **where)


def selfexsr(save: Save, root: str, scale: int) -> None:
    for n in (1, 2):
        stem, side = f"{root}/image_SRF_{scale}/img_00{n}_SRF_{scale}", 24 // scale
        save(f"{stem}_HR.png", 24, 24, n), save(f"{stem}_LR.png", side, side, n)
        save(f"{stem}_bicubic.png", 24, 24, n), save(f"{stem}_glasner.png", 24, 24, n)


@pytest.mark.parametrize("at", ["B100", "B100/image_SRF_4"])
def test_selfexsr_has_hr_and_lr_in_one_folder(tmp_path: Path, save: Save, at: str) -> None:
    selfexsr(save, "B100", 4), selfexsr(save, "B100", 2)
    found = folder("eval", 4, path=str(tmp_path / at))
    known = b100("eval", 4, root=str(tmp_path))
    assert [(f.hr, f.lr) for f in found] == [(f.hr, f.lr) for f in known]
    assert [f.name for f in known] == ["img_001", "img_002"]
    assert [f.lr and f.lr.name for f in found] == [f"img_00{n}_SRF_4_LR.png" for n in (1, 2)]


ONE_FOLDER = {
    "RealSR": ("Canon_001_HR.png", "Canon_001_LR4.png"),
    "EDSR": ("baby.png", "babyx4.png"),
    "KAIR": ("baby.png", "baby_bicLRx4.png"),
    "words": ("a_GT.png", "a_LQ.png"),
    "LR alone is named": ("a.png", "a_LR.png"),
    "folders": ("DIV2K_train_HR/0001.png", "DIV2K_train_LR_bicubic/X4/0001x4.png"),
    "REDS": ("train_sharp/000/00000001.png", "train_sharp_bicubic/X4/000/00000001.png"),
    "DRealSR": ("test_HR/DSC_1316_x4.png", "test_LR/DSC_1316_x1.png"),
    "folders of plain words": ("high/a.png", "low/a.png"),
    "truth": ("ground_truth/a.png", "input/a.png"),
    "target": ("1_target.png", "1_input.png"),
    "resolution": ("a.png", "a_lowres.png"),
}


@pytest.mark.parametrize("names", ONE_FOLDER.values(), ids=list(ONE_FOLDER))
def test_one_folder_of_both_is_told_apart(
    tmp_path: Path, save: Save, names: tuple[str, str]
) -> None:
    hr, lr = lay(save, names)
    [file] = folder("train", 4, path=str(tmp_path))
    assert (file.hr, file.lr) == (hr, lr)
    [at_2] = folder("train", 2, path=str(tmp_path))
    assert (at_2.hr, at_2.lr) in [(hr, None), (hr, lr)]  # of another scale, or decoding refuses it


def test_gopro_has_sharp_and_blurred_of_one_size(tmp_path: Path, save: Save) -> None:
    files = [save(f"GOPR{n}/{kind}/0.png") for n in range(2) for kind in ("sharp", "blur")]
    for n in range(2):
        save(f"GOPR{n}/blur_gamma/0.png")
    found = folder("train", 1, path=str(tmp_path))
    assert [(f.hr, f.lr) for f in found] == [(files[0], files[1]), (files[2], files[3])]


def test_reds_with_blurred_frames_pairs_the_sharp_ones(tmp_path: Path, save: Save) -> None:
    hr, lr = lay(save, ("train_sharp/000/0.png", "train_sharp_bicubic/X4/000/0.png"))
    save("train_blur/000/0.png", 16, 16)
    [file] = folder("train", 4, path=str(tmp_path))
    assert (file.hr, file.lr) == (hr, lr)


def test_a_turned_photograph_has_its_size_upright(tmp_path: Path, save: Save) -> None:
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = 6  # a quarter turn
    turned = tmp_path / "a.jpg"
    PIL.Image.fromarray(noise(8, 16)).save(turned, exif=exif)
    lr = save("a_x4.png", 4, 2)
    [file] = folder("train", 4, path=str(tmp_path))
    assert (file.hr, file.lr) == (turned, lr)


def test_realsr_has_a_folder_a_scale(tmp_path: Path, save: Save) -> None:
    for scale in (2, 3, 4):
        save(f"{scale}/Canon_001_HR.png", 24, 24), save(f"{scale}/Canon_001_LR{scale}.png", 6, 6)
    [file] = folder("eval", 4, path=str(tmp_path))
    assert file.hr == tmp_path / "4/Canon_001_HR.png"


@pytest.mark.parametrize("names", [("a.png", "ax2.png"), ("a.png", "a_bicubic.png"),
                                   ("cat.png", "cat_4x.png"), ("HR.png", "LR.png"),
                                   ("tide_high.png", "tide_low.png")])  # fmt: skip
def test_images_that_only_look_like_pairs_stay_images(
    tmp_path: Path, save: Save, names: tuple[str, str]
) -> None:
    for name in names:
        save(name, 16, 16)
    assert sorted(file.hr.name for file in folder("train", 2, path=str(tmp_path))) == sorted(names)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (("a.png", "a_small.png"), "{name}_small"),
        (("a_sharp.png", "a_soft.png"), "{name}_sharp -> {name}_soft"),
        (("a.png", "a-x4w1.png"), "{name}-x{scale}w1"),
        (("a_1.png", "b4_1.png"), "a_{name} -> b{scale}_{name}"),
    ],
)
def test_a_pattern_names_the_rest(
    tmp_path: Path, save: Save, names: tuple[str, str], pattern: str
) -> None:
    both = lay(save, (f"hr/{names[0]}", f"lr/{names[1]}"))
    one = lay(save, (f"one/{names[0]}", f"one/{names[1]}"))
    assert [(f.hr, f.lr) for f in read(tmp_path, pattern)] == [both]
    found = folder("train", 4, path=str(tmp_path / "one"), pattern=pattern)
    assert [(f.hr, f.lr) for f in found] == [one]
    if "->" not in pattern:
        save("one/other.png")
        with pytest.raises(UserError, match=r"1 of 2 HR images have no LR file at x4: .*other.png"):
            folder("train", 4, path=str(tmp_path / "one"), pattern=pattern)


@pytest.mark.parametrize("pattern", ["small", "{name}_{size}", "{name}{name}", "x -> {name}"])
def test_a_pattern_that_cannot_be_one_is_refused(tmp_path: Path, save: Save, pattern: str) -> None:
    lay(save, ("hr/a.png", "lr/a.png"))
    with pytest.raises(UserError, match="is not the name of an LR file"):
        read(tmp_path, pattern)


def test_a_pattern_that_fits_no_file_of_a_folder_is_refused(tmp_path: Path, save: Save) -> None:
    save("a.png")
    with pytest.raises(UserError, match=r"fits none of 1 files, as .*a\.png"):
        folder("train", 2, path=str(tmp_path), pattern="x_{name} -> y_{name}")
