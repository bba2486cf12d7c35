"""Frozen extractors: their counts, how weights are read, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import vgg16

from srbench.blocks.clip import ClipImage
from srbench.blocks.extractors import VGG16Features
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.pretrained import WeightsMissing

slots.load()
NAME = "vgg16-397923af.pth"


def test_the_first_four_convolutions_are_frozen() -> None:
    net = VGG16Features("none")
    assert sum(p.numel() for p in net.parameters()) == 260_160
    assert not any(p.requires_grad for p in net.parameters())
    assert net(torch.rand(1, 3, 16, 24)).shape == (1, 128, 8, 12)


@pytest.mark.slow
def test_features_are_torchvisions_with_its_weights(tmp_path: Path) -> None:
    """Random weights in torchvision's file format: the pretrained ones are not at hand."""
    theirs = vgg16(weights=None)
    torch.save(theirs.state_dict(), tmp_path / "vgg16.pth")
    ours = VGG16Features(str(tmp_path / "vgg16.pth"))
    ours.load_pretrained()
    x = torch.rand(2, 3, 32, 32)
    normal = (x - ours.mean) / ours.std
    assert torch.allclose(ours(x), theirs.features[:9](normal), atol=1e-6)


@pytest.mark.parametrize(
    ("frozen", "other", "lacks"),
    [
        (VGG16Features, "features.0.weight", r"0\.weight of shape \(64, 3"),
        (ClipImage, "visual.proj", r"visual\.class_embedding of shape \(768,"),
    ],
)
def test_weights_that_are_missing_or_of_another_network_are_one_plain_line(
    tmp_path: Path, frozen: type[Any], other: str, lacks: str
) -> None:
    with pytest.raises(WeightsMissing, match=r"(vgg16|clip): there is no file"):
        frozen(str(tmp_path / "none.pth")).load_pretrained()
    torch.save({other: torch.zeros(8, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=rf"other\.pth has no {lacks}"):
        frozen(str(tmp_path / "other.pth")).load_pretrained()


def test_what_torch_has_in_its_cache_is_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    sizes = {0: (64, 3, 3, 3), 2: (64, 64, 3, 3), 5: (128, 64, 3, 3), 7: (128, 128, 3, 3)}
    state = {f"features.{i}.weight": torch.rand(size) for i, size in sizes.items()}
    state |= {f"features.{i}.bias": torch.rand(size[0]) for i, size in sizes.items()}
    torch.save(state, tmp_path / "checkpoints" / NAME)
    features = VGG16Features("imagenet")
    features.load_pretrained()
    assert torch.equal(features.features["conv_7"].weight, state["features.7.weight"])


def test_weights_that_cannot_be_fetched_are_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, file: str, digits: str, progress: bool) -> None:
        assert (url, digits) == (f"https://download.pytorch.org/models/{NAME}", "397923af")
        raise OSError("no route\nto host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    said = rf"vgg16: {NAME} is neither in {tmp_path}/checkpoints nor .*\(no route\); put it there"
    with pytest.raises(WeightsMissing, match=said):
        VGG16Features("imagenet").load_pretrained()


def test_random_features_are_the_same_every_time() -> None:
    make = slots.loss.parse({"perceptual": {"weights": "none"}}).build()
    a, b = torch.rand(2, 1, 3, 16, 16)
    assert make()(a, b) == make()(a, b) > 0
