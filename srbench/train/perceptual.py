"""The perceptual loss: a distance of features, not of pixels."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.extractors import VGG16Features
from srbench.core.slots import loss


@loss.register("perceptual")
class Perceptual(nn.Module):
    """Mean squared difference of VGG16's features after its fourth convolution (relu2_2).

    weights   imagenet (torchvision's), a path, or none: random features, a control

    Johnson et al., Perceptual losses for real-time style transfer and super-resolution, 2016.
    https://arxiv.org/abs/1603.08155
    """

    def __init__(self, *, weights: str = "imagenet") -> None:
        super().__init__()
        self.features = VGG16Features(weights)

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        if not self.features.loaded:
            self.features.load_pretrained()
            self.features.to(sr.device)
        return nn.functional.mse_loss(self.features(sr), self.features(hr))
