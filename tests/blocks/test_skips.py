"""Global residuals agree with the interpolation baselines of the same name."""

from __future__ import annotations

import pytest
import torch

from srbench.core import slots

slots.load()


@pytest.mark.parametrize("name", sorted(set(slots.skip.parts) - {"none"}))
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_skip_adds_what_the_baseline_makes(name: str, scale: int) -> None:
    x = torch.rand(2, 3, 6, 5)
    output = torch.rand(2, 3, 6 * scale, 5 * scale)
    added = slots.skip.parse(name).build()(scale)(output, x)
    baseline = slots.model.parse(name).build()(scale)(x)
    assert torch.allclose(added, output + baseline, atol=1e-6)


def test_no_skip_adds_nothing() -> None:
    output = torch.rand(1, 3, 4, 4)
    assert torch.equal(slots.skip.parse("none").build()(2)(output, torch.rand(1, 3, 2, 2)), output)


@pytest.mark.parametrize("name", sorted(slots.skip.parts))
def test_gradients_reach_the_image_through_the_skip(name: str) -> None:
    x = torch.rand(1, 3, 4, 4, requires_grad=True)
    output = torch.rand(1, 3, 8, 8, requires_grad=True)
    slots.skip.parse(name).build()(2)(output, x).sum().backward()
    assert output.grad is not None
    assert (x.grad is not None) == (name != "none")
