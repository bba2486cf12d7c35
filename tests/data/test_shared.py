"""One copy of a large set's pixels for all workers of a command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srbench.data import shared as sharing
from srbench.data.datasets import ImageFile
from srbench.data.decoded import Dataset, decode
from srbench.data.shared import cleared, folder, shared


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Dataset]:
    """Decodes two images, one with an LR file; every set is large enough to be shared."""
    monkeypatch.setattr(sharing, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(sharing, "SHARED_FROM", 1)
    files = []
    for name, side in (("a", 8), ("b", 12), ("b-lr", 6)):
        pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        files.append(tmp_path / f"{name}.png")
    given = [ImageFile("a", files[0]), ImageFile("b", files[1], lr=files[2], weight=2.0)]
    return lambda: decode(given, "set", "train", 2)


def never() -> Dataset:
    raise AssertionError("it is decoded again")


def same(one: Dataset, other: Dataset) -> bool:
    pairs = zip(one.images, other.images, strict=True)
    return (one.name, one.split, one.manifest) == (other.name, other.split, other.manifest) and all(
        (a.name, a.sha256, a.weight) == (b.name, b.sha256, b.weight)
        and np.array_equal(a.hr, b.hr)
        and ((a.lr is None) == (b.lr is None) and (a.lr is None or np.array_equal(a.lr, b.lr)))
        for a, b in pairs
    )


def test_a_set_is_decoded_once_and_then_mapped(make: Callable[[], Dataset]) -> None:
    first, second = shared("key", make), shared("key", never)
    assert same(first, make())
    assert same(second, make())
    assert not second.images[0].hr.flags.writeable
    assert second.bytes == 3 * (8 * 8 + 12 * 12 + 6 * 6)


@pytest.mark.parametrize("part", ["key", "key.json"])
def test_a_damaged_file_is_written_anew(make: Callable[[], Dataset], part: str) -> None:
    shared("key", make)
    file = folder() / part
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert same(shared("key", make), make())
    assert same(shared("key", never), make())


def test_a_small_set_is_not_written(
    make: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "SHARED_FROM", 10**6)
    assert same(shared("key", make), make())
    assert [file.name for file in folder().iterdir()] == ["key.lock"]


def test_where_no_file_can_be_written_the_set_is_decoded(
    make: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "gettempdir", lambda: "/nowhere")
    assert same(shared("key", make), make())


def test_files_are_deleted_at_the_end_and_those_of_killed_commands_at_the_start(
    make: Callable[[], Dataset],
) -> None:
    dead, alive = (folder().with_name(f"{folder().name.rpartition('-')[0]}-{n}")
                   for n in (2**22 + 1, os.getppid()))  # fmt: skip
    dead.mkdir()
    alive.mkdir()
    with cleared():
        found = shared("key", make)
        assert (folder().exists(), dead.exists(), alive.exists()) == (True, False, True)
    assert not folder().exists()
    assert same(found, make())  # a mapping outlives its file
