"""Weights of others: what is read, and that nothing in a file ever runs (see test_bombs.py too)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import evil_weights as evil
import pytest
import torch

from srbench.core.errors import UserError
from srbench.core.weights import load_weights

WRITTEN = {"zip": evil.zipped, "older": evil.legacy, "safetensors": evil.tensors}


def loaded(folder: Path, content: bytes) -> dict[str, torch.Tensor]:
    file = folder / "some weights.pth"
    file.write_bytes(content)
    return load_weights(file)


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(UserError) as caught:
        loaded(folder, content)
    said = str(caught.value)
    assert said.startswith(f"{folder / 'some weights.pth'}: ")
    assert said.isprintable()
    return said


def same(found: dict[str, torch.Tensor]) -> bool:
    wanted = evil.state()
    return list(found) == list(wanted) and all(torch.equal(found[k], wanted[k]) for k in wanted)


@pytest.mark.parametrize("written", WRITTEN)
def test_what_was_saved_is_read(tmp_path: Path, written: str) -> None:
    found, wanted = loaded(tmp_path, WRITTEN[written](evil.state())), evil.state()
    assert found.keys() == wanted.keys()  # safetensors sorts names
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("written", ["zip", "older"])
def test_parameters_types_and_shared_weights_are_read(tmp_path: Path, written: str) -> None:
    shared = torch.arange(6.0)
    state: dict[str, Any] = {"p": torch.nn.Parameter(torch.ones(2)), "v": shared[2:4], "s": shared}
    state |= {"h": torch.ones(2).half(), "b": torch.ones(2).bfloat16(), "t": shared.reshape(2, 3).T}
    state |= {"i": torch.tensor([True]), "zero": torch.zeros(0, 3), "c": torch.zeros(1).cfloat()}
    found = loaded(tmp_path, WRITTEN[written](state))
    assert {k: (v.dtype, v.tolist()) for k, v in found.items()} == {
        k: (v.dtype, v.tolist()) for k, v in state.items()
    }
    assert not any(tensor.requires_grad for tensor in found.values())


def test_no_pickle_ever_runs(tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    files = evil.running(str(sentinel))
    assert len(files) > 30
    for name, content in files.items():
        said = refused(tmp_path, content)
        if "system" in name or "eval" in name:
            assert name.startswith("bare") or "can run programs" in said, (name, said)
    assert not sentinel.exists()


def test_an_attribute_in_the_file_hides_nothing(tmp_path: Path) -> None:
    assert same(loaded(tmp_path, evil.shadowed()))


@pytest.mark.parametrize("written", WRITTEN)
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, written: str) -> None:
    whole = WRITTEN[written](evil.state())
    for end in range(0, len(whole) - 1, 7):
        refused(tmp_path, whole[:end])


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(UserError, match=r"pipe\.pth: is not a regular file"):
        load_weights(tmp_path / "pipe.pth")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_weights(tmp_path)
    with pytest.raises(UserError, match=r"none\.pth: cannot be read: No such file"):
        load_weights(tmp_path / "none.pth")


def test_published_weights_are_read(data_folder: Path) -> None:
    files = sorted((data_folder / "weights").glob("*.pth"))
    if not files:
        pytest.skip(f"no published weights: {data_folder / 'weights'} holds none")
    for file in files:
        found = load_weights(file)
        assert len(found) > 50
        assert all(torch.isfinite(tensor).all() for tensor in found.values())
