"""LPIPS, DISTS and MS-SSIM are piq's, from weights that are made up (RANDOM) here."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import piq
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.measure import perceptual_distances as own

slots.load()
SR, HR = np.random.default_rng(0).integers(0, 256, (2, 180, 200, 3), dtype=np.uint8)


def tensors() -> tuple[Tensor, Tensor]:
    sr, hr = (torch.tensor(i).permute(2, 0, 1)[None].float() / 255 for i in (SR, HR))
    return sr, hr


def score(written: Any) -> float:
    return float(slots.metric.parse(written).build()()(SR, HR))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's cache with files like those that are published."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    torch.manual_seed(0)
    net = nn.ModuleDict({"features": vgg.make_layers(vgg.cfgs["D"])})
    torch.save(net.state_dict(), folder / own.URL.rpartition("/")[2])
    monkeypatch.setattr(
        piq.perceptual, "vgg16", lambda **_: SimpleNamespace(features=deepcopy(net["features"]))
    )
    torch.save(
        [torch.rand(1, n, 1, 1) for n in own.CHANNELS], folder / own.LPIPS.rpartition("/")[2]
    )
    rows = {name: torch.rand(1, 3 + sum(own.CHANNELS), 1, 1) for name in ("alpha", "beta")}
    torch.save(rows, folder / own.DISTS.rpartition("/")[2])
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    own._measure.cache_clear()


@pytest.mark.parametrize(("name", "other"), [("lpips", piq.LPIPS), ("dists", piq.DISTS)])
def test_the_distance_is_that_of_piq(published: None, name: str, other: Any) -> None:
    with torch.no_grad():
        expected = float(other()(*tensors()))
    assert score(name) == pytest.approx(expected, rel=1e-5)
    own._measure.cache_clear()


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", _no_network)
    own._measure.cache_clear()
    with pytest.raises(UserError, match=r"vgg16-397923af.pth is neither in .* nor"):
        score("lpips")


def test_random_features_are_named_in_the_heading() -> None:
    chosen = slots.metric.parse({"dists": {"weights": "none"}})
    assert own._dists_facts(chosen).heading == "DISTS of random features"
    with pytest.raises(UserError, match="known: published, none"):
        score({"dists": {"weights": "imagenet"}})


def test_multi_scale_ssim_needs_images_of_161_pixels() -> None:
    assert 0 < score("ms_ssim_y") < 1
    with pytest.raises(UserError, match="161x161 pixels inside the border, found 199x160"):
        slots.metric.parse("ms_ssim_y").build()()(SR[:160, :199], HR[:160, :199])


def _no_network(*_: Any, **__: Any) -> None:
    raise OSError("no network")
