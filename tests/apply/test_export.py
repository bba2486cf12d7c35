"""Networks and numbers as files for other programs: what is read back is what was written."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from test_upscale import network

from srbench.analysis.results import FRAMES, Results
from srbench.apply import export
from srbench.apply.export import TOLERANCE, write_onnx, write_safetensors
from srbench.apply.trained import of_file
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.store import open_store

Captured = pytest.CaptureFixture[str]
SMALL = {"channels": 4, "blocks": 1, "units": 1}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.finished(tmp_path_factory.getbasetemp())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(done: Path, *arguments: str) -> int:
    return tiny.called("export", *arguments, "--db", str(done / tiny.DB))


def run_of(onnx: Path, x: torch.Tensor) -> np.ndarray:
    runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = runtime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    [found] = session.run(["sr"], {"lr": x.numpy()})
    return np.asarray(found)


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["scse", "esa_light"])
def test_onnx_gives_what_torch_gives_at_any_size(here: Path, attention: str) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    net = network({"carn": {**SMALL, "skip": "bilinear", "attention": attention}}, scale=3)
    assert write_onnx(net, here / "net.onnx") <= TOLERANCE
    for n, height, width in ((1, 5, 50), (3, 31, 8)):
        x = torch.rand(n, 3, height, width)
        with torch.inference_mode():
            apart = np.abs(run_of(here / "net.onnx", x) - net.net(x).numpy()).max()
        assert apart <= TOLERANCE


@pytest.mark.slow
def test_a_network_that_computes_with_the_size_is_exported_for_one(here: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    net = network({"carn": {**SMALL, "skip": "bicubic"}})
    with pytest.raises(UserError, match="--size 256x256"):
        write_onnx(net, here / "net.onnx")
    assert not (here / "net.onnx").exists()
    assert write_onnx(net, here / "net.onnx", (12, 20)) <= TOLERANCE
    x = torch.rand(2, 3, 12, 20)
    assert run_of(here / "net.onnx", x).shape == (2, 3, 24, 40)


@pytest.mark.slow
def test_a_file_that_onnxruntime_reads_otherwise_is_not_handed_over(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(UserError, match="onnxruntime differs from torch by"):
        write_onnx(network({"carn": SMALL}), here / "net.onnx")
    assert list(here.iterdir()) == []


def test_without_its_packages_onnx_is_refused_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"onnxruntime is needed: pip install 'srbench\[export\]'"):
        write_onnx(network({"carn": SMALL}), here / "net.onnx")


def test_weights_go_out_and_come_back_to_the_bit(done: Path, here: Path, capsys: Captured) -> None:
    assert called(done, "--run", "tiny:residual", "-o", "net.safetensors") == 0
    assert "tiny: residual, seed 0" in capsys.readouterr().out
    store = open_store(str(done / tiny.DB), create=False)
    row = store.reading.results("tiny").runs.query("variant == 'residual' and seed == 0").iloc[0]
    with safe_open("net.safetensors", "pt") as mine, safe_open(done / "db" / row["weights"], "pt") as theirs:  # fmt: skip # noqa: E501
        about = mine.metadata()
        assert set(mine.keys()) == set(theirs.keys())
        for name in mine.keys():  # noqa: SIM118, not a dict
            assert torch.equal(mine.get_tensor(name), theirs.get_tensor(name))
    assert (about["study"], about["variant"], about["scale"]) == ("tiny", "residual", "2")
    assert about["weights_sha256"] == row["weights_sha256"]
    assert called(done, "--run", "tiny:residual", "-o", "net.pth") == 0
    plain = torch.load("net.pth", weights_only=True)
    stored = load_file("net.safetensors")
    assert plain.keys() == stored.keys()
    assert all(torch.equal(plain[name], stored[name]) for name in stored)
    model = ["--model", about["model"], "--weights", "net.safetensors"]
    photo = str(next((done / "photos").glob("*.png")))
    for arguments in (model, ["--run", "tiny:residual", "--db", str(done / tiny.DB)]):
        assert tiny.called("upscale", photo, *arguments, "-o", f"{len(arguments[0])}.png") == 0
    assert Path("7.png").read_bytes() == Path("5.png").read_bytes()


def test_a_network_with_branches_goes_out_fused_and_comes_back(here: Path) -> None:
    written = {"carn": {**SMALL, "convolution": "edge_oriented"}}
    trained, model = network(written), str(slots.model.parse(written))
    save_file(trained.net.state_dict(), "trained.safetensors")
    from_training = of_file(model, 2, here / "trained.safetensors")
    write_safetensors(from_training, here / "net.safetensors")
    names = load_file("net.safetensors").keys()
    assert names == slots.model.parse({"carn": SMALL}).build()(2).state_dict().keys()
    x = torch.rand(1, 3, 9, 7)
    with torch.inference_mode():
        wanted = trained.net(x)
        for one in (from_training, of_file(model, 2, here / "net.safetensors")):
            assert torch.allclose(one.net(x), wanted, atol=1e-5)


def test_a_network_without_weights_has_none_to_write(here: Path) -> None:
    with pytest.raises(UserError, match="has no weights to write"):
        write_safetensors(network("bicubic"), here / "net.safetensors")


def test_frames_as_parquet_are_the_frames(done: Path, here: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert called(done, "tiny", "--format", "parquet", "-o", "frames") == 0
    wanted: Results = open_store(str(done / tiny.DB)).reading.results("tiny", points=10**9)
    for name in FRAMES:
        found = pd.read_parquet(f"frames/{name}.parquet")
        frame = getattr(wanted, name)
        assert list(found.columns) == list(frame.columns)
        assert len(found) == len(frame)
    curves = pd.read_parquet("frames/curves.parquet")
    assert curves["value"].tolist() == wanted.curves["value"].tolist()


@pytest.mark.parametrize(("format_", "suffix"), [("latex", ".tex"), ("markdown", ".md")])
def test_tables_name_every_variant(done: Path, here: Path, format_: str, suffix: str) -> None:
    assert called(done, "tiny", "--format", format_, "-o", "tables") == 0
    scores = (here / "tables" / f"scores{suffix}").read_text()
    assert all(name in scores for name in ("plain", "residual", "bicubic"))


MISTAKES = {
    "all as parquet": (["--format", "parquet"], "only CSV is written of all"),
    "a network without a run": (["-o", "x.onnx"], "a network is written with --run"),
    "a run as something else": (["--run", "1", "-o", "x.pt"], "with .safetensors, .pth or .onnx"),
    "no size": (["--run", "1", "-o", "x.onnx", "--size", "7"], "write width x height"),
    "an unknown variant": (["--run", "tiny:pain", "-o", "x.onnx"], "'pain' is unknown; did you"),
    "an unknown study": (["--run", "x:plain", "-o", "x.onnx"], "is not in the database"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(done: Path, here: Path, capsys: Captured, mistake: str) -> None:
    arguments, said = MISTAKES[mistake]
    assert called(done, *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert list(here.iterdir()) == []


def test_what_is_read_back_by_bytes_is_an_onnx_file(here: Path) -> None:
    onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    write_onnx(network({"carn": SMALL}), here / "net.onnx")
    model = onnx.load(io.BytesIO((here / "net.onnx").read_bytes()))
    onnx.checker.check_model(model)
    about = {one.key: one.value for one in model.metadata_props}
    assert about["srbench.scale"] == "2"
