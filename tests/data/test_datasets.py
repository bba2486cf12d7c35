"""Which files each dataset names, and what it says where they are not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pictures import Save

from srbench.core.errors import UserError
from srbench.core.slots import dataset
from srbench.data import known_sets
from srbench.data.datasets import PHOTOS, folder, mixture, photos
from srbench.data.decoded import decode


@pytest.mark.parametrize("split", PHOTOS)
def test_the_installed_scikit_image_bundles_every_photo(split: str) -> None:
    files = photos(split, 2)
    assert [file.hr.name for file in files] == list(PHOTOS[split])
    assert all(file.lr is None for file in files)


def test_no_photo_is_in_two_splits() -> None:
    names = [name for split in PHOTOS.values() for name in split]
    assert len(set(names)) == len(names)


def test_photos_all_decode() -> None:
    images = [i for split in PHOTOS for i in decode(photos(split, 2), "photos", split, 2).images]
    assert min(min(image.hr.shape[:2]) for image in images) >= 190


def test_a_folder_is_searched_deeply_and_sorted(tmp_path: Path, save: Save) -> None:
    for name in ("b.png", "sub/a.jpg", "A.PNG", ".hidden.png", ".cache/c.png"):
        save(name)
    (tmp_path / "notes.txt").touch()
    assert [file.name for file in folder("train", 2, path=str(tmp_path))] == ["A", "b", "sub/a"]


def test_files_that_differ_in_suffix_alone_keep_it(tmp_path: Path, save: Save) -> None:
    save("a.png"), save("a.jpg"), save("b.png")
    names = [file.name for file in folder("train", 2, path=str(tmp_path))]
    assert names == ["a.jpg", "a.png", "b"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"folder: there is no folder .*nowhere"):
        folder("train", 2, path=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="folder: no image in"):
        folder("train", 2, path=str(tmp_path))
    with pytest.raises(UserError, match="path is needed"):
        folder("train", 2)


@pytest.mark.parametrize("home", ["Set5", "benchmark/Set5"])
def test_a_known_set_is_found_with_its_lr(tmp_path: Path, save: Save, home: str) -> None:
    save(f"{home}/HR/baby.png")
    lr = save(f"{home}/LR_bicubic/X3/babyx3.png")
    [at_3] = known_sets.set5("eval", 3, root=str(tmp_path))
    [at_2] = known_sets.set5("eval", 2, root=str(tmp_path))
    assert (at_3.name, at_3.lr, at_2.lr) == ("baby", lr, None)


def test_a_flat_set_has_no_lr(tmp_path: Path, save: Save) -> None:
    save("T91/t1.png"), save("T91/t2.png")
    files = known_sets.t91("train", 2, root=str(tmp_path))
    assert [(file.name, file.lr) for file in files] == [("t1", None), ("t2", None)]


def test_div2k_trains_on_one_half_and_tests_on_the_other(tmp_path: Path, save: Save) -> None:
    save("DIV2K_train_HR/0001.png"), save("DIV2K/DIV2K_valid_HR/0801.png")
    lr = save("DIV2K/DIV2K_valid_LR_bicubic/X2/0801x2.png")
    names = {s: known_sets.div2k(s, 2, root=str(tmp_path)) for s in ("train", "validate", "eval")}
    assert [names[s][0].name for s in names] == ["0001", "0801", "0801"]
    assert names["eval"][0].lr == lr


def test_the_root_is_the_studys_then_the_environments_then_beside_the_work(
    tmp_path: Path, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("chosen", "set", "work/data", "shared/data"):
        save(f"{place}/Set5/HR/baby.png")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SRBENCH_DATA", str(tmp_path / "set"))
    assert known_sets.set5("eval", 2, root="../chosen")[0].hr.parts[1] == "chosen"
    assert "set" in known_sets.set5("eval", 2)[0].hr.parts
    monkeypatch.delenv("SRBENCH_DATA")
    assert known_sets.set5("eval", 2)[0].hr == Path("data/Set5/HR/baby.png")
    shutil.rmtree("data")
    assert known_sets.set5("eval", 2)[0].hr == Path("../shared/data/Set5/HR/baby.png")


def test_a_set_that_is_not_there_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        known_sets.b100("eval", 2, root=str(tmp_path))
    for part in ("B100/HR", "benchmark/BSD100", "SRBENCH_DATA", "LR_bicubic/X2"):
        assert part in str(caught.value)


def test_a_mixture_shares_the_patches_as_its_weights_say(tmp_path: Path, save: Save) -> None:
    save("a/1.png"), save("a/2.png"), save("b/1.png")
    parts = [{"folder": {"path": str(tmp_path / name)}} for name in "ab"]
    alike = dataset.parse({"mixture": {"of": parts}}).build()("train", 2)
    assert [file.weight for file in alike] == [1, 1, 1]
    files = dataset.parse({"mixture": {"of": parts, "weights": [3, 1]}}).build()("train", 2)
    assert [(file.name, file.weight) for file in files] == [
        ("0/1", 1.5), ("0/2", 1.5), ("1/1", 1.0)
    ]  # fmt: skip


def test_a_mixture_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="of is empty"):
        mixture("train", 2)
    for weights in ((1.0,), (1.0, 0.0)):
        with pytest.raises(UserError, match="weights"):
            mixture("train", 2, of=(photos, photos), weights=weights)


def test_a_pipe_among_images_is_left_out(save: Save, tmp_path: Path) -> None:
    save("Set5/a.png")
    os.mkfifo(tmp_path / "Set5" / "b.png")
    (tmp_path / "Set5" / "c.png").mkdir()
    assert [file.name for file in known_sets.set5("eval", 2, root=str(tmp_path))] == ["a"]


@pytest.mark.parametrize("path", ["~nobody-at-all/x", "x/" * 3000, "x" * 300])
def test_a_folder_that_cannot_be_is_refused(path: str) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        folder("eval", 2, path=path)
