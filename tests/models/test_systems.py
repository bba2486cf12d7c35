"""The networks of the sources against their published, or derived, parameter counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from srbench.core import slots
from srbench.measure.cost import cost
from srbench.study.conformance import SCALES

slots.load()

COUNTS: list[tuple[str, Any, int, int]] = [  # about, model, scale, trainable parameters
    ("published, SRResNet", "srresnet", 4, 1_549_462),
    ("published, SRCNN 9-1-5 in RGB", "srcnn", 2, 20_099),
    ("published, SRCNN at x4 is the same", "srcnn", 4, 20_099),
    ("published, ESPCN in RGB", "espcn", 2, 26_796),
    ("published, ESPCN in RGB", "espcn", 3, 31_131),
    ("published, ESPCN in RGB", "espcn", 4, 37_200),
    ("derived, the project's Table 1", "perceptual_resnet", 4, 559_939),
    ("ours", "basic", 2, 341_068),
    ("ours: a skip costs nothing", {"basic": {"skip": "bilinear"}}, 2, 341_068),
    ("ours", "pan_lite", 4, 283_403),
    ("ours", "unet", 4, 296_340),
]


@pytest.mark.parametrize(("about", "model", "scale", "count"), COUNTS)
def test_a_system_has_the_parameters_of_its_source(
    about: str, model: Any, scale: int, count: int
) -> None:
    found = cost(slots.model.parse(model).build(), scale)
    assert (found.parameters, found.frozen, found.dead) == (count, 0, 0), about


def test_at_equal_width_a_transposed_convolution_is_the_cheaper() -> None:
    """Nine taps for four pixels against nine for each: what claim E5 says of cost is not so."""
    shuffle, transposed = (
        cost(slots.model.parse({"srresnet": {"upsampler": name}}).build(), 4)
        for name in ("pixel_shuffle", "transposed")
    )
    assert shuffle.parameters > transposed.parameters
    assert shuffle.macs_256 > transposed.macs_256


@pytest.mark.parametrize("scale", SCALES)
def test_a_transposed_convolution_multiplies_the_size(scale: int) -> None:
    net = slots.model.parse({"perceptual_resnet": {"upsampler": "transposed"}}).build()(scale)
    assert net(torch.rand(2, 3, 5, 8)).shape == (2, 3, 5 * scale, 8 * scale)


def test_a_kernel_smaller_than_its_step_is_refused() -> None:
    choice = slots.model.parse({"srresnet": {"upsampler": {"transposed": {"kernel": 1}}}})
    with pytest.raises(ValueError, match=r"transposed\.kernel 1 leaves gaps"):
        choice.build()(2)


def test_a_unet_takes_sizes_that_do_not_divide() -> None:
    net = slots.model.parse("unet").build()(3)
    assert net(torch.rand(2, 3, 5, 7)).shape == (2, 3, 15, 21)
