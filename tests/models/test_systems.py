"""The networks of the sources against their published, or derived, parameter counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from srbench.core import slots
from srbench.core.colours import luma as luma_of
from srbench.core.resized import upscaled
from srbench.measure.cost import count_macs, dead_parameters
from srbench.measure.metrics import luma

slots.load()

COUNTS: list[tuple[str, Any, int, int]] = [  # about, model, scale, trainable parameters
    ("published, SRResNet", "srresnet", 4, 1_549_462),
    ("published, SRCNN 9-1-5 in RGB", "srcnn", 2, 20_099),
    ("published, SRCNN at x4 is the same", "srcnn", 4, 20_099),
    ("published, SRCNN 9-1-5 of Y, 97 biases", "srcnn_y", 3, 8_032 + 97),
    ("published, SRCNN 9-3-5 of Y, 97 biases", {"srcnn_y": {"kernel": 3}}, 3, 24_416 + 97),
    ("published, SRCNN 9-5-5 of Y, 97 biases", {"srcnn_y": {"kernel": 5}}, 3, 57_184 + 97),
    ("published, ESPCN of Y", "espcn_y", 2, 21_284),
    ("published, ESPCN of Y", "espcn_y", 3, 22_729),
    ("published, ESPCN of Y", "espcn_y", 4, 24_752),
    ("published, ESPCN in RGB", "espcn", 2, 26_796),
    ("published, ESPCN in RGB", "espcn", 3, 31_131),
    ("published, ESPCN in RGB", "espcn", 4, 37_200),
    ("derived, the project's Table 1", "perceptual_resnet", 4, 559_939),
    ("ours", "basic", 2, 341_068),
    ("ours: a skip costs nothing", {"basic": {"skip": "bilinear"}}, 2, 341_068),
    ("ours", "pan_lite", 4, 283_403),
    ("ours", "unet", 4, 296_340),
]


def built(model: Any, scale: int) -> nn.Module:
    net: nn.Module = slots.model.parse(model).build()(scale)
    return net


@pytest.mark.parametrize(("about", "model", "scale", "count"), COUNTS)
def test_a_system_has_the_parameters_of_its_source(
    about: str, model: Any, scale: int, count: int
) -> None:
    net = built(model, scale)
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == count, about
    assert (dead_parameters(net), all(p.requires_grad for p in net.parameters())) == ((), True)


def test_at_equal_width_a_transposed_convolution_is_the_cheaper() -> None:
    """Nine taps for four pixels against nine for each: what claim E5 says of cost is not so."""
    small = {"blocks": 1, "activation": "relu"}
    with torch.device("meta"):
        shuffle, transposed = (
            built({"srresnet": {"upsampler": name, **small}}, 4)
            for name in ("pixel_shuffle", "transposed")
        )
    sizes = [sum(p.numel() for p in net.parameters()) for net in (shuffle, transposed)]
    assert sizes[0] > sizes[1]
    assert count_macs(shuffle, 64)[0] > count_macs(transposed, 64)[0]


def test_a_kernel_smaller_than_its_step_is_refused() -> None:
    choice = slots.model.parse({"srresnet": {"upsampler": {"transposed": {"kernel": 1}}}})
    with pytest.raises(ValueError, match=r"transposed\.kernel 1 leaves gaps"):
        choice.build()(2)


def test_a_unet_takes_sizes_that_do_not_divide() -> None:
    assert built("unet", 3)(torch.rand(2, 3, 5, 7)).shape == (2, 3, 15, 21)


@pytest.mark.parametrize("model", ["srcnn_y", "espcn_y"])
def test_of_a_network_of_y_the_metric_sees_its_y_and_chroma_is_bicubic(model: str) -> None:
    """By the matrix of MATLAB's rgb2ycbcr, written out here."""
    net, x = built(model, 3), torch.rand(1, 3, 9, 8, dtype=torch.double)
    net.double().requires_grad_(False)
    sr, bicubic = net(x), upscaled(x, 3, "bicubic")
    pixels = 255 * sr[0].permute(1, 2, 0)
    torch.testing.assert_close(luma(pixels)[None, None], 255 * net.body(luma_of(x)))
    for chroma in ([-37.797, -74.203, 112], [112, -93.786, -18.214]):
        row = torch.tensor(chroma, dtype=torch.double).view(1, 3, 1, 1)
        torch.testing.assert_close((row * sr).sum(1), (row * bicubic).sum(1))
