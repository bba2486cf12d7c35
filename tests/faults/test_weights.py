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
REAL = Path(os.environ.get("SRBENCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


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
    found = loaded(tmp_path, WRITTEN[written](evil.state()))
    assert {k: v.tolist() for k, v in found.items()} == {
        k: v.tolist() for k, v in evil.state().items()
    }


@pytest.mark.parametrize("written", ["zip", "older"])
@pytest.mark.parametrize("inside", ["params_ema", "params", "state_dict", "model"])
def test_weights_are_taken_out_of_a_checkpoint(tmp_path: Path, written: str, inside: str) -> None:
    checkpoint = {"epoch": 3, "lr": [0.1], inside: evil.state()}
    assert same(loaded(tmp_path, WRITTEN[written](checkpoint)))


def test_averaged_weights_come_first(tmp_path: Path) -> None:
    other = {"w": torch.zeros(1)}
    assert same(loaded(tmp_path, evil.zipped({"params": other, "params_ema": evil.state()})))
    assert same(loaded(tmp_path, evil.zipped({"model": {"state_dict": evil.state()}})))


def test_the_prefix_of_parallel_training_is_left_out(tmp_path: Path) -> None:
    parallel = {f"module.{name}": tensor for name, tensor in evil.state().items()}
    assert same(loaded(tmp_path, evil.zipped(parallel)))
    mixed = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert list(loaded(tmp_path, evil.zipped(mixed))) == list(mixed)


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


@pytest.mark.parametrize("written", ["zip", "older"])
def test_a_networks_own_state_is_read(tmp_path: Path, written: str) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    moments = {"step": torch.tensor(1.0), "exp_avg": torch.zeros(4)}
    optimizer = {"state": {0: moments}, "param_groups": [{"betas": (0.9, 0.999), "params": [0]}]}
    checkpoint = {"state_dict": net.state_dict(), "optimizer": optimizer}
    net.load_state_dict(loaded(tmp_path, WRITTEN[written](checkpoint)))


def test_no_pickle_ever_runs(tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    files = evil.running(str(sentinel))
    assert len(files) > 30
    for name, content in files.items():
        said = refused(tmp_path, content)
        assert name.startswith("bare") or "weights do not need" in said, (name, said)
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


def test_published_weights_are_read() -> None:
    files = sorted((REAL / "weights").glob("*.pth"))
    if not files:
        pytest.skip(f"no published weights: {REAL / 'weights'} holds none")
    for file in files:
        found = load_weights(file)
        assert len(found) > 50
        assert all(torch.isfinite(tensor).all() for tensor in found.values())
