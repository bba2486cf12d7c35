"""CLIP's image embedding as features: one vector an image, the same at every pixel."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.clip import EMBEDDING, ClipImage
from srbench.core.slots import features


@features.register("clip")
class FrozenCLIP(nn.Module):
    """The embedding of CLIP ViT-B/32, frozen, repeated at every pixel: 512 channels.

    Patches and whole images are resized to 224x224 alike, so in training it gets parts of the
    images that it gets in scoring.

    weights   openai (through open_clip, extra clip), a path, or none: random features, a control

    Radford et al., Learning transferable visual models from natural language supervision, 2021.
    https://arxiv.org/abs/2103.00020
    """

    channels = EMBEDDING

    def __init__(self, *, weights: str = "openai") -> None:
        super().__init__()
        self.clip = ClipImage(weights)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.clip(x)[:, :, None, None]
        return y.expand(-1, -1, *x.shape[-2:])  # (N, 512, H, W)
