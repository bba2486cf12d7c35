"""Checkpoints as people have them: the tensors that fit a network are found and named."""

from __future__ import annotations

import argparse
import collections
import io
import pathlib
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from srbench.core.errors import UserError
from srbench.core.weights import load_weights
from srbench.core.weights_fill import fill


class Net(nn.Module):
    """Small, with a buffer that is saved and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Conv2d(3, 4, 3, padding=1)
        self.body = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1))
        self.register_buffer("mean", torch.zeros(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(self.entry(x))
        return y


class Settings(dict[str, Any]):
    """A dictionary of a class that only the training code knows."""


@cache
def trained() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def state(prefix: str = "", factor: float = 1) -> dict[str, Tensor]:
    return {prefix + name: tensor * factor for name, tensor in trained().state_dict().items()}


def optimizer() -> dict[str, Any]:
    net = Net()
    adam = torch.optim.Adam(net.parameters())
    net(torch.rand(1, 3, 5, 5)).sum().backward()
    adam.step()
    return adam.state_dict()


def filled(folder: Path, value: Any, net: nn.Module | None = None, **how: Any) -> str:
    """What `fill` says of a file of the value; the network has the trained weights then."""
    torch.save(value, folder / "x.pth", **how)
    net = net or Net()
    taken = fill(net, load_weights(folder / "x.pth"), "x.pth", "net at x2")
    found = net.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in state().items())
    return taken


AVERAGES = {"n_averaged": torch.tensor(5)}
BESIDE = {"netD": {"entry.weight": torch.zeros(3)}, "epoch": 3, "best": np.float64(31.5)}
CHECKPOINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "plain": (state, ""),
    "DataParallel": (partial(state, "module."), ""),
    "compiled": (partial(state, "_orig_mod."), ""),
    "DataParallel of compiled": (partial(state, "module._orig_mod."), ""),
    "compiled DataParallel": (partial(state, "_orig_mod.module."), ""),
    "AveragedModel": (lambda: AVERAGES | state("module."), ""),
    "AveragedModel of both": (lambda: AVERAGES | state("module._orig_mod.module."), ""),
    **{
        key: (partial(lambda key: {key: state(), "optimizer": optimizer(), **BESIDE}, key), key)
        for key in ("model_state_dict", "state_dict", "params", "params_ema", "netG", "generator",
                    "net", "model")
    },
    "Lightning": (
        lambda: {
            "state_dict": state("model.") | {"loss.vgg.0.weight": torch.ones(4)},
            "optimizer_states": [optimizer()],
            "hyper_parameters": Settings(scale=2, inner=Settings(a=[1])),
            "callbacks": collections.defaultdict(list, {"a": [1]}),
        },
        "state_dict.model",
    ),
    "beside strange things": (
        lambda: {
            "net": state("module."), "args": argparse.Namespace(a=1, path=pathlib.Path("x")),
            "score": np.float32(1), "array": np.zeros(3), "random": np.random.get_state(),
            "log": collections.deque([1]), "names": {"a"}, "device": torch.device("cpu"),
        },
        "net",
    ),
    "a list": (lambda: [{"a": torch.ones(1)}, {"net": state()}], "1.net"),
    "a whole module": (trained, ""),
    "a whole parallel module": (lambda: {"model": nn.DataParallel(trained())}, "model"),
    "a compiled part": (
        lambda: {name.replace("body.", "body._orig_mod."): t for name, t in state().items()}, "",
    ),
    "before torch 0.4.1": (
        lambda: {name: t for name, t in state().items() if "num_batches" not in name}, "",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_the_weights_in_a_checkpoint_are_found(tmp_path: Path, name: str, zipped: bool) -> None:
    build, key = CHECKPOINTS[name]
    how = {"_use_new_zipfile_serialization": zipped}
    assert filled(tmp_path, build(), **how) == (f"key {key!r}" if key else "")


@pytest.mark.parametrize(
    ("averages", "raw"),
    [
        ("params_ema", "params"),
        ("netE", "netG"),
        ("swa_model", "model"),
        ("ema.module", "state_dict"),
    ],
)
def test_averages_are_preferred_and_the_choice_is_named(
    tmp_path: Path, averages: str, raw: str
) -> None:
    both = state(f"{raw}.", 0) | state(f"{averages}.")
    key = averages.removesuffix(".module")
    assert filled(tmp_path, both) == f"key {key!r}; {raw!r} would fit too"


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_fp32(tmp_path: Path, kind: torch.dtype) -> None:
    torch.save({n: t.to(kind) if t.is_floating_point() else t for n, t in state().items()},
               tmp_path / "x.pth")  # fmt: skip
    net = Net()
    fill(net, load_weights(tmp_path / "x.pth"), "x.pth", "net")
    assert torch.equal(net.entry.weight, trained().entry.weight.to(kind).float())


def test_safetensors_have_keys_too(tmp_path: Path) -> None:
    both = state("student._orig_mod.") | state("model_ema.")
    safetensors.torch.save_file(both, tmp_path / "x.safetensors")
    found = fill(Net(), load_weights(tmp_path / "x.safetensors"), "x", "net")
    assert found == "key 'model_ema'; 'student' would fit too"


def on_gpu(content: bytes) -> bytes:
    """The file as torch writes it of tensors on a GPU."""
    here, there = b"\x03\x00\x00\x00cpu", b"\x06\x00\x00\x00cuda:1"
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content.replace(here, there)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry).replace(here, there))
    return out.getvalue()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
def test_weights_saved_on_a_gpu_are_read_on_the_cpu(tmp_path: Path, zipped: bool) -> None:
    file = tmp_path / "x.pth"
    torch.save(state(), file, _use_new_zipfile_serialization=zipped)
    changed = on_gpu(file.read_bytes())
    assert changed != file.read_bytes()
    file.write_bytes(changed)
    assert fill(Net(), load_weights(file), file, "net") == ""


@pytest.mark.parametrize(
    "norm", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm], ids=["before", "now"]
)
@pytest.mark.filterwarnings("ignore")
def test_weight_normalisation_is_multiplied_out(tmp_path: Path, norm: Any) -> None:
    normed, net = Net().eval(), Net().eval()
    norm(normed.entry)
    norm(normed.body[1])
    with torch.no_grad():
        for p in normed.parameters():
            p.mul_(1.5)
    torch.save({"params": normed.state_dict()}, tmp_path / "x.pth")
    assert fill(net, load_weights(tmp_path / "x.pth"), "x.pth", "net") == "key 'params'"
    x = torch.rand(1, 3, 6, 7)
    assert torch.allclose(net(x), normed(x), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_the_tensors_of_torchscript_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    traced = torch.jit.trace(trained(), torch.rand(1, 3, 8, 8))
    for program in (traced, torch.jit.script(trained())):
        torch.jit.save(program, file)
        net = Net()
        assert fill(net, load_weights(file), file, "net") == "key 'TorchScript'"
        assert all(torch.equal(net.state_dict()[name], t) for name, t in state().items())
    torch.jit.save(torch.jit.freeze(traced), file)
    with pytest.raises(UserError, match="TorchScript program without named tensors; save"):
        load_weights(file)


BODY = {name: tensor for name, tensor in state().items() if name.startswith("body")}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"epoch": 1, "model": {"a.weight": torch.ones(1)}},
         "8 tensors missing (entry.weight, entry.bias, body.0.weight, and 5 more); 1 tensor left "
         "over (model.a.weight)"),
        ({"netD": {"a": torch.ones(1)}, "netG": BODY},
         "of its keys (netD, netG) 'netG' is nearest: "
         "2 tensors missing (entry.weight, entry.bias)"),
        ({"params": state() | {"entry.bias": torch.ones(8)}},
         "of its keys (params) 'params' is nearest: entry.bias is 8, expected 4"),
        ({"module." + n: t for n, t in (state() | {"tail.weight": torch.ones(1)}).items()},
         "1 tensor left over (tail.weight)"),
    ],
)  # fmt: skip
def test_the_nearest_key_and_its_differences_are_named(
    tmp_path: Path, value: Any, says: str
) -> None:
    with pytest.raises(UserError) as refusal:
        filled(tmp_path, value)
    found = str(refusal.value)
    assert found == f"x.pth: does not fit net at x2: {says}"


def test_a_part_of_a_larger_network_is_taken_only_by_name_and_number(tmp_path: Path) -> None:
    """A file with more layers is refused; where a network is a block of it, the block is named."""
    larger = state("head.") | state("blocks.0.", 0) | {"tail.weight": torch.ones(1)}
    assert filled(tmp_path, larger) == "key 'head', 9 of 19 tensors; 'blocks.0' would fit too"
    with pytest.raises(UserError, match=r"net at x2: 1 tensor left over \(tail.weight\)$"):
        filled(tmp_path, state() | {"tail.weight": torch.ones(1)})


UNREADABLE = {
    "float8": (lambda: {"a": torch.ones(2).to(torch.float8_e4m3fn)}, "such as float8 or uint16; s"),
    "quantized": (
        lambda: {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)},
        "has quantized tensors; save them as float32",
    ),
    "arrays": (lambda: {"a": np.ones(2)}, "(its keys: a); save the network's state_dict() (NumPy"),
    "sparse": (lambda: {"a": torch.eye(2).to_sparse()}, "sparse tensors are not read)"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", UNREADABLE)
def test_numbers_of_a_kind_that_is_not_read_are_named(tmp_path: Path, kind: str) -> None:
    build, says = UNREADABLE[kind]
    torch.save(build(), tmp_path / "x.pth")
    with pytest.raises(UserError) as refusal:
        load_weights(tmp_path / "x.pth")
    assert says in str(refusal.value)
