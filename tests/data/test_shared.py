"""One copy of decoded pixels for all workers of a machine. Milliseconds, but for one process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srbench.core.errors import InputError
from srbench.data import shared as sharing
from srbench.data.datasets import ImageFile
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.shared import Keep, cleared, folder, shared, shared_set, sweep

Make = Callable[[Callable[[Image], Image]], Dataset]
Files = list[ImageFile]
ONE = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
HOLDING = """
import sys
from srbench.data.shared import shared
held = shared("key", lambda keep: sys.exit("it is made again"))
print(int(held[1][0].sum()), flush=True)
input()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own, for other processes too."""
    monkeypatch.setattr(sharing, "scratch", lambda: str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def given(tmp_path: Path) -> Files:
    """Two images, one with an LR file."""
    files = []
    for name, side in (("a", 8), ("b", 12), ("b-lr", 6)):
        pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        files.append(tmp_path / f"{name}.png")
    return [ImageFile("a", files[0]), ImageFile("b", files[1], lr=files[2], weight=2.0)]


@pytest.fixture
def make(given: Files) -> Make:
    return lambda keep: decode(given, "set", "train", 2, keep)


@pytest.fixture
def again(given: Files) -> Callable[[str], Image]:
    """Decodes one of the images."""
    files = {file.name: file for file in given}
    return lambda name: decode([files[name]], "set", "train", 2).images[0]


def never(_: object) -> Any:
    raise AssertionError("it is made again")


def one(keep: Keep) -> list[int]:
    return [keep([ONE], lambda: [ONE])]


def names() -> set[str]:
    return {file.name for file in folder().iterdir()}


def same(one: Dataset, other: Dataset) -> bool:
    pairs = zip(one.images, other.images, strict=True)
    return (one.name, one.split, one.manifest) == (other.name, other.split, other.manifest) and all(
        (a.name, a.sha256, a.weight) == (b.name, b.sha256, b.weight)
        and np.array_equal(a.hr[:], b.hr[:])
        and (a.lr is None) == (b.lr is None)
        and (a.lr is None or b.lr is None or np.array_equal(a.lr[:], b.lr[:]))
        for a, b in pairs
    )


def test_a_set_is_the_one_decoded_mapped_from_a_file(make: Make) -> None:
    first = shared_set("key", make, never)
    second = shared_set("key", never, never)
    assert same(first, make(lambda image: image))
    assert same(second, first)
    assert not second.images[0].hr.flags.writeable
    assert second.bytes == 3 * (8 * 8 + 12 * 12 + 6 * 6)


@pytest.mark.parametrize("full", [True, False], ids=["a full disk", "no folder"])
def test_without_a_file_a_set_is_the_same_and_decoded_as_it_is_used(
    make: Make, again: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    def no_room(writer: object, pixels: object, again: object) -> int:
        raise OSError(28, "No space left on device")

    if full:
        monkeypatch.setattr(sharing._Writer, "keep", no_room)
    else:
        monkeypatch.setattr(sharing, "scratch", lambda: "/nowhere")
    found = shared_set("key", make, again)
    whole = make(lambda image: image)
    assert same(found, whole)
    assert found.bytes == whole.bytes
    assert not full or names() == {"key.lock"}


def test_an_image_that_changes_while_a_training_needs_it_is_refused(
    make: Make, again: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch, given: Files
) -> None:
    monkeypatch.setattr(sharing, "scratch", lambda: "/nowhere")
    found = shared_set("key", make, again)
    PIL.Image.new("RGB", (8, 8)).save(given[0].hr)
    with pytest.raises(InputError, match="a has changed since the training began"):
        found.images[0].hr[:]


@pytest.mark.parametrize("place", [0, 20, -41, -1], ids=["pixels", "text", "length", "digest"])
def test_a_damaged_file_is_written_anew(place: int) -> None:
    shared("key", one)
    stored = bytearray((folder() / "key").read_bytes())
    stored[place] ^= 255
    (folder() / "key").write_bytes(stored)
    assert np.array_equal(shared("key", one)[1][0], ONE)
    assert np.array_equal(shared("key", never)[1][0], ONE)


def test_files_in_use_by_any_process_stay_and_others_are_deleted() -> None:
    """Use ends with the last array of a mapping, or with the process, however that ends."""
    (folder() / "left by a killed process").touch()
    with cleared():
        assert names() == set()
        held = shared("key", one)[1][0][1:]
        gc.collect()
        command = [sys.executable, "-c", HOLDING]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as other:  # type: ignore[call-overload]
            assert other.stdout.readline() == f"{ONE.sum()}\n"
            sweep()
            assert "key" in names()
            del held
            sweep()
            assert "key" in names()
            other.kill()
    assert names() == set()


def test_a_mapping_outlives_its_file() -> None:
    held = shared("key", one)[1][0]
    (folder() / "key").unlink()
    assert np.array_equal(held, ONE)


def test_a_folder_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    folder()
    mine = os.getuid()
    there = f"srbench-pixels-{mine + 1}"
    folder().rename(folder().with_name(there))
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        folder()
    assert np.array_equal(shared("key", one)[1][0][:], ONE)
