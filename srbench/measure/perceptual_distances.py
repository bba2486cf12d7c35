"""LPIPS and DISTS: distances of two images as VGG16 sees them, computed by piq.

Both need two files in torch's cache, which are downloaded where it lacks them: torchvision's VGG16
and piq's weights of its features. piq's own classes would load both each time they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from srbench.blocks.extractors import EXPECTED, URL
from srbench.core.errors import StudyError
from srbench.core.part_facts import MetricFacts
from srbench.core.pretrained import cached_file, downloaded
from srbench.core.registry import Choice
from srbench.core.slots import Image, metric
from srbench.core.weights_fill import part
from srbench.measure.metrics import Score

RELEASES = "https://github.com/photosynthesis-team"
LPIPS = f"{RELEASES}/photosynthesis.metrics/releases/download/v0.4.0/lpips_weights.pt"
DISTS = f"{RELEASES}/piq/releases/download/v0.4.1/dists_weights.pt"
LAYERS = ("3", "8", "15", "22", "29")  # relu1_2, relu2_2, relu3_3, relu4_3, relu5_3
CHANNELS = (64, 128, 256, 512, 512)
Kind = Literal["lpips", "dists"]


def _lpips_facts(chosen: Choice) -> MetricFacts:
    return MetricFacts("", "lower", _heading(chosen, "LPIPS"))


def _dists_facts(chosen: Choice) -> MetricFacts:
    return MetricFacts("", "lower", _heading(chosen, "DISTS"))


def _heading(chosen: Choice, name: str) -> str:
    """The heading says where the network has random weights."""
    return name if chosen["weights"] == "published" else f"{name} of random features"


@metric.register("lpips", facts=_lpips_facts)
def lpips(*, weights: str = "published") -> Score:
    """Distance of VGG16's features of SR and HR, weighed as people judge: 0 is best.

    The VGG variant, of RGB; most papers print AlexNet's, whose numbers are others.

    weights  published (torch's cache, else downloaded), or none: random features

    Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric, 2018.
    https://arxiv.org/abs/1801.03924
    """
    return _score("lpips", weights)


@metric.register("dists", facts=_dists_facts)
def dists(*, weights: str = "published") -> Score:
    """Structure and texture of SR and HR, compared in VGG16's features: 0 is best.

    Images are first made smaller, their shorter side 256 pixels.

    weights  published (torch's cache, else downloaded), or none: random features

    Ding et al., Image quality assessment: unifying structure and texture similarity, 2020.
    https://arxiv.org/abs/2004.07728
    """
    return _score("dists", weights)


def _score(kind: Kind, weights: str) -> Score:
    if weights not in ("published", "none"):
        raise StudyError(f"{kind}: weights is {weights!r}; known: published, none")

    def distance(sr: Image, hr: Image) -> float:
        pair = (torch.tensor(i).permute(2, 0, 1)[None].float() / 255 for i in (sr, hr))
        with torch.inference_mode():
            return float(_measure(kind, weights)(*pair))

    return Score(distance)


@lru_cache(maxsize=4)
def _measure(kind: Kind, weights: str) -> Any:
    """piq's module, filled.

    Raises:
        WeightsMissing: a file is neither in torch's cache nor can it be downloaded.
    """
    import piq  # late: it takes seconds

    class Filled(piq.DISTS if kind == "dists" else piq.ContentLoss):  # type: ignore[misc]
        def __init__(self, features: nn.Module, weights: Sequence[Tensor]) -> None:
            piq.ContentLoss.__init__(
                self, features, LAYERS, weights, replace_pooling=kind == "dists",
                normalize_features=kind == "lpips", allow_layers_weights_mismatch=True,
            )  # fmt: skip

    return Filled(_vgg16(weights), _factors(kind, weights))


def _factors(kind: Kind, weights: str) -> list[Tensor]:
    """Of each channel of each layer; DISTS has those of texture after those of structure."""
    own = CHANNELS if kind == "lpips" else (3, *CHANNELS) * 2
    if weights == "none":
        return [torch.full((1, n, 1, 1), 1 / sum(own)) for n in own]
    url = LPIPS if kind == "lpips" else DISTS
    given = torch.load(cached_file(kind, url), map_location="cpu", weights_only=True)
    if kind == "lpips":
        return list(given)
    return [one for name in ("alpha", "beta") for one in given[name].split([3, *CHANNELS], 1)]


def _vgg16(weights: str) -> nn.Module:
    from torchvision.models import vgg  # late: it takes seconds

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(16)
        features = vgg.make_layers(vgg.cfgs["D"])  # without the classifier
    if weights == "published":
        found = downloaded("vgg16", URL)
        features.load_state_dict(part(features.state_dict(), found, "vgg16", EXPECTED))
    made: nn.Module = features.eval()
    return made
