"""Training at several scales: which scale a step is of, what it trains, and that it goes on."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from on_cuda import CUDA
from torch import nn
from trained import DRAWN_LR, RATE, goes_on, held, network
from trained import patches as of_one_scale
from trained import settings as plain_settings

from srbench.core import slots
from srbench.core.outputs import computing_at
from srbench.core.streams import Streams
from srbench.data.multi_scale import ScaledPatches
from srbench.measure.cost import cost, dead_at_all, dead_parameters
from srbench.train import fit as loop
from srbench.train.engine import stepwise
from srbench.train.fit import Training, fit
from srbench.train.settings import TrainSettings

pytestmark = pytest.mark.usefixtures("one_thread")
SCALES = (2, 3, 4)


def patches(degradation: Any = "matlab_bicubic", seed: int = 3) -> ScaledPatches:
    """Six steps an epoch, LR of 6x6 at every scale, the last batch smaller."""
    streams = Streams(seed)
    some = {
        scale: of_one_scale(streams, degradation, size=(24, 36), scale=scale, patch=6 * scale,
                            count=11)
        for scale in SCALES
    }  # fmt: skip
    return ScaledPatches(some, streams)


def carn(device: str = "cpu", at: int = 2, **change: Any) -> nn.Module:
    chosen = {"channels": 4, "blocks": 1, "units": 1, "scales": list(SCALES)} | change
    return network({"carn": chosen}, at, device)


def settings(**changes: Any) -> TrainSettings:
    chosen = {"epochs": 3, "learner": "multi_scale", "optimizer": {"adam": {"lr": RATE}}}
    return plain_settings(**chosen | changes)


def test_a_steps_scale_is_a_function_of_seed_and_step() -> None:
    found = [[patches().scale_of(epoch, step) for step in range(6)] for epoch in range(50)]
    assert found[::-1] == [[patches().scale_of(e, s) for s in range(6)] for e in range(49, -1, -1)]
    assert found[0] + found[1] != [patches(seed=4).scale_of(e, s) for e in (0, 1) for s in range(6)]
    counts = Counter(scale for epoch in found for scale in epoch)
    assert set(counts) == set(SCALES)
    assert min(counts.values()) > 70  # of 300; each is as likely


def test_a_steps_patches_are_those_of_its_scale_alone_and_lr_is_as_large_at_each() -> None:
    some = patches()
    for step in range(some.steps_per_epoch):
        (lr, hr), scale = some.batch(1, step), some.scale_of(1, step)
        assert all(map(np.array_equal, (lr, hr), some.by_scale[scale].batch(1, step)))
        assert (lr.shape[1:], hr.shape[1:]) == ((6, 6, 3), (6 * scale, 6 * scale, 3))


@pytest.mark.parametrize("skip", ["none", "bilinear", "bicubic"])
def test_a_network_answers_at_each_of_its_scales_and_comes_back(skip: str) -> None:
    net, lr = carn(skip=skip), torch.rand(1, 3, 5, 6)
    before = net(lr)
    for scale in SCALES:
        alone = carn(at=scale, skip=skip)
        alone.load_state_dict(net.state_dict())
        with computing_at(net, scale):
            assert torch.equal(net(lr), alone(lr))
    assert torch.equal(net(lr), before)
    with pytest.raises(ValueError, match="x8 is not among"), computing_at(net, 8):
        pass


def test_a_step_trains_the_body_and_the_upsampler_of_its_scale() -> None:
    net = carn()
    learner = settings().learner(net, settings(), "fp32", Streams(0))
    for scale in SCALES:
        before = copy.deepcopy(net.state_dict())
        learner(torch.rand(2, 3, 6, 6), torch.rand(2, 3, 6 * scale, 6 * scale))
        moved = {n for n, v in net.state_dict().items() if not torch.equal(v, before[n])}
        upsamplers = {n.split(".")[1] for n in moved if n.startswith("upsampler")}
        assert upsamplers == {f"x{scale}"}
        assert {"entry.weight", "exit.weight"} <= moved


def test_trained_at_one_scale_the_other_upsamplers_are_dead_and_at_all_none_is() -> None:
    net = carn()
    others = [
        n for n, _ in net.named_parameters() if n.startswith(("upsampler.x3", "upsampler.x4"))
    ]
    assert list(dead_parameters(net)) == others
    assert dead_at_all(net, SCALES) == ()
    assert {n.split(".")[1] for n in dead_at_all(net, (2, 3))} == {"x4"}


def test_a_part_that_no_scale_reaches_stays_dead() -> None:
    choice = slots.model.parse(
        {"carn": {"channels": 8, "scales": [2, 3], "attention": "scse", "wiring": "published"}}
    )
    alone = cost(choice.build(), 2).dead_modules
    both = cost(choice.build(), 2, (2, 3)).dead_modules
    assert set(alone) - set(both) == {"upsampler.x3"}
    assert any("attention" in name for name in both)


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("degradation", ["matlab_bicubic", DRAWN_LR], ids=["", "drawn"])
def test_held_steps_are_the_steps(
    degradation: Any, precision: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One recording for each scale and batch size; patches cut on the device or on the host."""
    found = []
    for chosen in (stepwise, held):
        monkeypatch.setattr(loop, "engine", chosen)
        found.append(
            fit(carn(device), patches(degradation), settings(), Streams(3), lambda _: None,
                precision=precision)
        )  # fmt: skip
    plain, ours = found
    assert ours.losses == plain.losses
    for name, value in plain.net.state_dict().items():
        assert torch.equal(ours.net.state_dict()[name], value), name


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("taken", [stepwise, held])
def test_going_on_gives_the_same_bits_from_every_step(
    taken: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "engine", taken)

    def train(keep: Callable[[Training], None], **more: Any) -> Training:
        return fit(carn(device), patches(), settings(epochs=2), Streams(3), keep, **more)

    goes_on(train)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "model", ["carn", "carn_official", {"carn_m": {"channels": 16, "scales": [2, 3, 4]}}]
)
def test_every_scale_is_trainable_alone(model: Any, scale: int) -> None:
    model = {model: {"channels": 8}} if isinstance(model, str) else model
    net = network(model, scale, seed=0)
    wanted = settings(learner="supervised", epochs=10, optimizer={"adam": {"lr": 4e-3}})
    losses = fit(net, patches().by_scale[scale], wanted, Streams(0), lambda _: None).losses
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_momentum_reaches_what_other_scales_steps_have_not() -> None:
    """torch makes momentum's buffers with the first gradients, which come scale by scale."""
    chosen = {"sgd": {"lr": RATE, "momentum": 0.9, "nesterov": True}}
    done = fit(carn(), patches(), settings(optimizer=chosen), Streams(3), lambda _: None)
    assert len(done.losses) == done.steps
    assert all(np.isfinite(done.losses))
