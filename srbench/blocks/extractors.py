"""Frozen feature extractors with pretrained weights: VGG16's first convolutions.

`weights` is a path, the name of torchvision's weights (from torch's cache, else downloaded), or
`none`: random weights, the same each time, for tests and as a control. They are read when they are
first needed, so a study can be planned on a machine without them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srbench.core.errors import StudyError
from srbench.core.pretrained import downloaded, from_file
from srbench.core.weights_fill import part

URL = "https://download.pytorch.org/models/vgg16-397923af.pth"  # torchvision's, of ImageNet
EXPECTED = "torchvision's vgg16-397923af.pth is expected"
VGG16 = ("0", "2", "5", "7")  # the first four convolutions, by torchvision's names
VGG16_CHANNELS = 128  # of the last of them, at half the height and width
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in 0..1


class VGG16Features(nn.Module):
    """(N, 3, H, W) in 0..1 to (N, 128, H/2, W/2), rounded up: 260,160 frozen parameters.

    conv, ReLU, conv, ReLU, pool, conv, ReLU, conv, ReLU.

    Simonyan, Zisserman, Very deep convolutional networks for large-scale image recognition, 2015.
    https://arxiv.org/abs/1409.1556
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str) -> None:
        super().__init__()
        if not weights:
            raise StudyError("vgg16: weights is imagenet, none, or a path")
        self.weights, self.loaded = weights, False
        self.features = nn.ModuleDict()
        for name, inputs, outputs in zip(VGG16, (3, 64, 64, 128), (64, 64, 128, 128), strict=True):
            self.features[f"conv_{name}"] = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def load_pretrained(self) -> None:
        """Fill in the weights, as `initialise` asks of every module that brings its own.

        Raises:
            WeightsMissing: they are not on this machine; InputError: the file has other weights.
        """
        if self.weights == "none":
            self._draw()
        else:
            given = self.weights
            found = downloaded("vgg16", URL) if given == "imagenet" else from_file("vgg16", given)
            own = {n.removeprefix("conv_"): p for n, p in self.features.named_parameters()}
            copies = part(dict(own), found, f"vgg16: {given}", EXPECTED)
            with torch.no_grad():
                for name, p in own.items():
                    p.copy_(copies[name])
        self.loaded = True

    def forward(self, x: Tensor) -> Tensor:
        y = (x - self.mean) / self.std
        for i, conv in enumerate(self.features.values()):
            if i == 2:
                y = nn.functional.max_pool2d(y, 2, ceil_mode=True)  # a strip of one pixel too
            y = conv(y).relu()
        return y

    def _draw(self) -> None:
        generator = torch.Generator().manual_seed(16)
        with torch.no_grad():
            for conv in self.features.values():
                assert isinstance(conv, nn.Conv2d)
                scale = (2 / conv.weight[0].numel()) ** 0.5
                conv.weight.copy_(torch.randn(conv.weight.shape, generator=generator) * scale)
                assert conv.bias is not None
                conv.bias.zero_()
