"""bf16 over fp32 weights: the same as torch's autocast to the bit, close to fp32, resumable."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from trained import CPU, Smooth, dropping, goes_on, network
from trained import settings as plain_settings

from srbench.core.streams import Streams
from srbench.train.engine import as_images
from srbench.train.fit import Training, fit
from srbench.train.learner import Supervised, state_of
from srbench.train.precision import InBf16, lay_out
from srbench.train.settings import TrainSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def settings(**changes: Any) -> TrainSettings:
    return plain_settings(**{"epochs": 3, "optimizer": {"adam": {"lr": 1e-2}}} | changes)


def net(**changes: Any) -> nn.Module:
    return network({"carn": {"channels": 8, "blocks": 1, "units": 1} | changes})


def first_batch(step: int = 0) -> list[Tensor]:
    return [as_images(pixels, CPU) for pixels in Smooth().batch(0, step)]


def autocast_step(made: nn.Module, rate: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The step that a user would write with torch's autocast."""
    optimizer = torch.optim.Adam(made.parameters(), rate, fused=True)

    def step(lr: Tensor, hr: Tensor) -> Tensor:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            sr = made(lr)
        loss = (sr.float() - hr).abs().mean()
        loss.backward()
        optimizer.step()
        found: Tensor = loss.detach()
        return found

    return step


def test_the_copies_change_no_bit_of_autocast() -> None:
    ours = net(attention="scse")
    lay_out(ours, "bf16", CPU)
    theirs = copy.deepcopy(ours)
    learner, plain = Supervised(ours, settings(), "bf16", Streams(0)), autocast_step(theirs, 1e-2)
    for step in range(4):
        lr, hr = first_batch(step)
        assert torch.equal(learner(lr, hr), plain(lr, hr))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"attention": "scse"}, {"convolution": "partial"}, {"convolution": "grouped"}],
    ids=["plain", "scse", "partial", "grouped"],
)
def test_bf16_learns_what_fp32_learns(changes: dict[str, Any]) -> None:
    chosen = settings(epochs=10)
    one, other = (
        fit(net(**changes), Smooth(), chosen, Streams(0), lambda _: None, precision=precision)
        for precision in ("fp32", "bf16")
    )
    assert one.losses != other.losses
    assert other.losses == pytest.approx(one.losses, rel=0.05)
    assert one.losses[-1] < one.losses[0] / 1.5


def test_weights_gradients_and_moments_stay_fp32_and_are_all_reached() -> None:
    made = net()
    learner = Supervised(made, settings(), "bf16", Streams(0))
    learner(*first_batch())
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    grads = [p.grad for p in made.parameters() if p.grad is not None]
    assert {g.dtype for g in grads} == {torch.float32}
    assert len(grads) == len(list(made.parameters()))
    moments = state_of(learner)["optimizer"]["state"].values()
    assert {m["exp_avg"].dtype for m in moments} == {torch.float32}


def test_a_weight_that_no_path_leads_to_stays_out_of_the_optimizer() -> None:
    made: Any = dropping()
    learner = Supervised(made, settings(optimizer={"adamw": {"lr": 1.0}}), "bf16", Streams(0))
    before = made.dead.weight.detach().clone()
    learner(*first_batch())
    assert made.dead.weight.grad is None
    assert torch.equal(made.dead.weight, before)  # weight decay would have moved it


def test_going_on_in_bf16_gives_the_same_bits() -> None:
    def train(keep: Callable[[Training], None], **more: Any) -> Training:
        return fit(net(), Smooth(), settings(), Streams(1), keep, precision="bf16", **more)

    goes_on(train)


def test_only_plain_layers_get_copies() -> None:
    """A layer that computes with its weights itself (partial convolution) is left to autocast."""
    assert InBf16(net(convolution="partial")).copies.keys() == set()
    assert len(InBf16(net()).copies) == len(list(net().parameters()))
