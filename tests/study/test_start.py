"""Starting from weights: what is taken, what is drawn, what makes it another training."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from srbench.core import slots
from srbench.core.errors import StudyError, UserError
from srbench.core.streams import Streams
from srbench.run.shortcut import files_of
from srbench.study.numerics import Numerics
from srbench.study.plan import Plan, make_plan
from srbench.study.read import read
from srbench.train.initialise import initialise

STUDY = tiny.STUDY.replace("scale: 2", "scale: 4").replace(
    "{skip: bilinear}", "{train.initial: {from_weights: {file: x2.safetensors}}}"
)
slots.load()
X2 = slots.model.parse({"carn": {"channels": 4, "blocks": 1, "units": 1}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos, a study at x4 and the weights of its network at x2."""
    monkeypatch.chdir(tmp_path)
    folder = tiny.lay_out(tmp_path / "own")
    net = X2.build()(2)
    initialise(net, Streams(5))
    save_file(net.state_dict(), folder / "x2.safetensors")
    return folder


def planned(folder: Path, text: str = STUDY) -> Plan:
    (folder / "start.yaml").write_text(text)
    return make_plan(read(folder / "start.yaml"), Numerics("cpu", 1))


def test_what_fits_is_taken_and_what_is_drawn_is_named(folder: Path) -> None:
    plan = planned(folder)
    assert [line for line in plan.warnings if "drawn" in line] == [
        f"residual: 2 tensors of 16 not in {folder}/x2.safetensors, drawn: "
        "upsampler.conv2.weight, upsampler.conv2.bias"
    ]
    net, given = X2.build()(4), load_file(folder / "x2.safetensors")
    initial = plan.variants[1].variant.tree.train["initial"]
    initialise(net, Streams(0), initial.build())
    own = net.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in given.items())
    assert own["upsampler.conv2.weight"].std() > 0


def test_its_content_decides_the_training_and_not_its_name(folder: Path) -> None:
    first = planned(folder)
    assert folder / "x2.safetensors" in [*files_of(first)]
    (folder / "x2.safetensors").rename(folder / "other.safetensors")
    again = planned(folder, STUDY.replace("x2.saf", "other.saf"))
    assert again.variants[1].fingerprint == first.variants[1].fingerprint
    assert again.variants[1].fingerprint != again.variants[0].fingerprint
    given = {n: t + 1 for n, t in load_file(folder / "other.safetensors").items()}
    save_file(given, folder / "x2.safetensors")
    assert planned(folder).variants[1].fingerprint != first.variants[1].fingerprint
    with pytest.raises(UserError, match=r"x2\.safetensors: has changed since"):
        initialise(
            X2.build()(4), Streams(0), first.variants[1].variant.tree.train["initial"].build()
        )


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("missing.pth", r"own/missing\.pth: cannot be read: No such file"),
        ("photos/chelsea.png", r"chelsea\.png: .*an image"),
        ("''", r"file is needed: \{from_weights: \{file: x2\.safetensors\}\}"),
        ("other.safetensors", r"holds no tensor that fits the network by name and size"),
    ],
)
def test_a_file_that_is_no_start_is_named_with_its_place(
    folder: Path, file: str, says: str
) -> None:
    save_file({"a": torch.zeros(3)}, folder / "other.safetensors")
    with pytest.raises(StudyError, match=says) as found:
        planned(folder, STUDY.replace("x2.safetensors", file))
    assert found.value.path == ("variants", "residual", "train.initial")
