"""InceptionV3 as FID knows it, with weights that others trained, and what it sees in images."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.extractors import WeightsMissing
from srbench.registry import StudyError
from srbench.slots import Image
from srbench.weights.load import load_weights

FILE = "pt_inception-2015-12-05-6726825d.pth"  # Heusel's TensorFlow weights, ported by M. Seitzer
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
SIDE = 299


@lru_cache(maxsize=2)
def inception(weights: str) -> Any:
    """The network up to its last features (N, 2048), with its classifier beside it as `classes`.

    weights   inception (looked for in torch's cache, else downloaded), a path, or none: random ones

    Raises:
        WeightsMissing: they are not here; StudyError: the file is of another network.
    """
    found = None if weights == "none" else _file(weights)
    net = _unfilled()
    if found is None:
        _draw(net)
    else:
        own = net.state_dict()
        for name, tensor in own.items():
            if "num_batches" in name:
                continue
            if name not in found or found[name].shape != tensor.shape:
                raise StudyError(
                    f"inception: {weights} has no {name} of shape {tuple(tensor.shape)}; {FILE} "
                    "is expected"
                )
        net.load_state_dict({name: found.get(name, own[name]) for name in own})
    classes, net.fc = net.fc, nn.Identity()
    net.classes = classes
    return net.requires_grad_(False).eval()


def features(images: Iterable[Image], weights: str) -> Tensor:
    """(n, 2048), in float64: each image resized to 299x299 by bilinear, as piq does."""
    net: nn.Module = inception(weights)
    rows = []
    with torch.inference_mode():
        for image in images:
            x = torch.tensor(image).permute(2, 0, 1)[None].float() / 255  # (1, 3, H, W)
            y = functional.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
            rows.append(net(2 * y - 1))
    return torch.cat(rows).double()


def logits(seen: Tensor, weights: str) -> Tensor:
    """Of the 1008 classes, from features (n, 2048)."""
    with torch.inference_mode():
        found: Tensor = inception(weights).classes(seen.float()).double()
    return found


def _unfilled() -> Any:
    """torchvision's network with FID's changes, for which piq has the blocks."""
    from piq.feature_extractors import fid_inception as fid  # late: both take seconds
    from torchvision.models import inception_v3

    net: Any = inception_v3(
        weights=None, num_classes=1008, aux_logits=False, transform_input=False, init_weights=False
    )
    net.Mixed_5b = fid.FIDInceptionA(192, pool_features=32)
    net.Mixed_5c = fid.FIDInceptionA(256, pool_features=64)
    net.Mixed_5d = fid.FIDInceptionA(288, pool_features=64)
    net.Mixed_6b = fid.FIDInceptionC(768, channels_7x7=128)
    net.Mixed_6c = fid.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6d = fid.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6e = fid.FIDInceptionC(768, channels_7x7=192)
    net.Mixed_7b = fid.FIDInceptionE1(1280)
    net.Mixed_7c = fid.FIDInceptionE2(2048)
    return net


def _draw(net: nn.Module) -> None:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() > 1:
                scale = (2 / p[0].numel()) ** 0.5
                p.copy_(torch.randn(p.shape, generator=generator) * scale)
            elif p.numel() == 1008:
                p.zero_()


def _file(weights: str) -> dict[str, Tensor]:
    if weights != "inception":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise WeightsMissing(f"inception: there is no file {path} (looked from {Path.cwd()})")
        return load_weights(path)
    kept = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not kept.is_file():
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URL, str(kept), hash_prefix="6726825d", progress=False)
        except (OSError, RuntimeError) as problem:  # no network; a download that is damaged
            reason = next(iter(str(problem).splitlines()), type(problem).__name__)
            raise WeightsMissing(
                f"inception: {FILE} is neither in {kept.parent} nor can it be downloaded "
                f"({reason}); put it there, or name a path"
            ) from problem
    return load_weights(kept)
