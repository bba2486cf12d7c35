"""InceptionV3 as FID knows it, with weights that others trained, and what it sees in images."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.pretrained import downloaded, from_file
from srbench.core.slots import Image
from srbench.core.weights_fill import part

FILE = "pt_inception-2015-12-05-6726825d.pth"  # Heusel's TensorFlow weights, ported by M. Seitzer
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
SIDE = 299


@lru_cache(maxsize=2)
def inception(weights: str) -> Any:
    """The network up to its last features (N, 2048), with its classifier as `classes`.

    weights   inception (looked for in torch's cache, else downloaded), a path, or none: random ones

    Raises:
        WeightsMissing: they are not here; StudyError: the file is of another network.
    """
    if weights == "none":
        net = _unfilled()
        _draw(net)
    else:
        asked = weights == "inception"
        found = downloaded("inception", URL) if asked else from_file("inception", weights)
        net = _unfilled()
        own = {n: tensor for n, tensor in net.state_dict().items() if "num_batches" not in n}
        given = part(own, found, f"inception: {weights}", f"{FILE} is expected")
        net.load_state_dict(given, strict=False)
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
