"""Engines change how steps are taken, and nothing else: same losses, same weights, same resume.

Steps held by CUDA graphs run here as plain calls too, through the very same code; with a CUDA
device the graphs themselves are compared.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset, Image
from srbench.data.patches import Patches
from srbench.train import fit as loop
from srbench.train import graphs
from srbench.train.ahead import CutAhead
from srbench.train.engine import engine, graphed, stepwise
from srbench.train.fit import Training, fit
from srbench.train.initialise import initialise
from srbench.train.learner import Supervised, optimizers
from srbench.train.network_laws import OnHost
from srbench.train.settings import TrainSettings, training

slots.load()
pytestmark = pytest.mark.usefixtures("one_thread")
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.values,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    ],
)


def hold_on(device: torch.device) -> graphs.Hold:
    return graphs.recorder(device) if device.type == "cuda" else graphs.called


RATE = 2.0**-7  # exact in fp32, so that a rate read from a tensor is the same rate


def images(degradation: Any = "matlab_bicubic") -> Patches:
    """Three batches an epoch, the last one smaller."""
    pixels = np.random.default_rng(7).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    pixels = pixels.repeat(2, 0).repeat(2, 1)
    one = Image("drawn", pixels, None, hashlib.sha256(pixels.data).hexdigest())
    degrade = slots.degradation.parse(degradation).build()(2)
    flips = [slots.augmentation.parse(name).build()() for name in ("hflip", "rot90")]
    return Patches(
        Dataset("drawn", "train", (one,), "0"), degrade, flips,
        scale=2, patch=12, count=5, batch_size=2, fixed=False, streams=Streams(3),
    )  # fmt: skip


class Dropping(nn.Module):
    """Dropout, running statistics, and a parameter that nothing reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 12, 3, padding=1)
        self.norm, self.drop, self.dead = nn.BatchNorm2d(6), nn.Dropout(0.3), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.drop(self.norm(self.first(x)).relu()))
        return nn.functional.pixel_shuffle(y, 2)


def made(device: str) -> nn.Module:
    net = Dropping()
    initialise(net, Streams(3))
    return net.to(device)


def settings(**changes: Any) -> TrainSettings:
    chosen = {"epochs": 3, "batch": 2, "optimizer": {"adam": {"lr": RATE}}} | changes
    found: TrainSettings = training.parse({"train": chosen}).build()()
    return found


@contextmanager
def engine_is(chosen: Callable[..., Any], patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as here:
        here.setattr(loop, "engine", chosen)
        yield


def held(learner: Any, patches: Any, device: torch.device) -> Any:
    return graphed(learner, patches, device, hold_on(device))


CASES: dict[str, dict[str, Any]] = {
    "adam": {},
    "amsgrad": {"optimizer": {"adam": {"lr": RATE, "amsgrad": True, "weight_decay": 0.01}}},
    "adamw-clip": {"optimizer": {"adamw": {"lr": RATE}}, "clip": 0.1},
    "sgd": {"optimizer": {"sgd": {"lr": RATE, "nesterov": True}}},
    "adversarial": {"learner": {"adversarial": {"lr_ratio": 0.5, "updates": 2}}},
    "steps": {"schedule": {"step": {"at": [0.4], "gamma": 0.5}}},
}


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("case", CASES)
def test_held_steps_are_the_steps(
    case: str, precision: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warm-up undone, rates and losses by tensors, patches cut on the device: not one bit."""
    found = []
    for chosen in (stepwise, held):
        with engine_is(chosen, monkeypatch):
            found.append(
                fit(made(device), images(), settings(**CASES[case]), Streams(3), lambda _: None,
                    precision=precision)
            )  # fmt: skip
    plain, ours = found
    assert ours.losses == plain.losses
    assert ours.terms == plain.terms
    for name, value in plain.net.state_dict().items():
        assert torch.equal(ours.net.state_dict()[name], value), name


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize(
    "degradation", ["matlab_bicubic", {"pipeline": {"of": ["noise", "bicubic"]}}], ids=["", "drawn"]
)
def test_going_on_with_held_steps_gives_the_same_bits(
    degradation: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the middle of an epoch, and where patches come from the host."""
    patches = images(degradation)
    states: list[dict[str, Any]] = []

    def keep(now: Training) -> None:
        states.append(copy.deepcopy(now.state()))

    chosen = settings(schedule="cosine")
    with engine_is(held, monkeypatch):
        whole = fit(made(device), patches, chosen, Streams(3), keep)
        for state in states[:-1]:
            torch.rand(3)
            again = fit(made(device), patches, chosen, Streams(3), lambda _: None, resume=state)
            assert again.losses == whole.losses
            for a, b in zip(whole.net.parameters(), again.net.parameters(), strict=True):
                assert torch.equal(a, b)


def test_a_schedule_reaches_held_steps_within_the_rounding_of_fp32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for chosen in (stepwise, held):
        with engine_is(chosen, monkeypatch):
            wanted = settings(schedule="cosine", epochs=4)
            found.append(fit(made("cpu"), images(), wanted, Streams(3), lambda _: None).losses)
    assert found[1] == pytest.approx(found[0], rel=1e-5)


def test_the_cpu_takes_plain_steps_and_foreign_optimizers_are_not_held() -> None:
    learner = Supervised(made("cpu"), settings(), "fp32", Streams(0))
    assert engine(learner, images(), torch.device("cpu")).__qualname__.startswith("stepwise")
    assert graphs.holds(learner)
    learner.optimizer = torch.optim.RMSprop(learner.parameters)
    assert not graphs.holds(learner)


@pytest.mark.parametrize(
    "problem",
    [RuntimeError("operation not permitted when stream is capturing"),
     torch.OutOfMemoryError("CUDA out of memory")],
    ids=["it waits", "too little memory"],
)  # fmt: skip
def test_work_that_cannot_be_recorded_is_done_all_the_same(problem: RuntimeError) -> None:
    def refuses(work: Callable[[], None]) -> Callable[[], None]:
        work()  # half of it may have been done
        raise problem

    learners = [Supervised(made("cpu"), settings(), "fp32", Streams(0)) for _ in range(2)]
    ours = graphed(learners[0], images(), torch.device("cpu"), refuses)
    plain = stepwise(learners[1], images(), torch.device("cpu"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for step in (0, 1, 2):  # the last is of another kind, and not tried
            torch.manual_seed(step)
            one = ours(0, step).clone()
            torch.manual_seed(step)
            assert torch.equal(one, plain(0, step))
    assert ["not held by a CUDA graph" in str(w.message) for w in said] == [True]


@pytest.mark.gpu
@pytest.mark.values
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("late", [False, True], ids=["in the warm-up", "in the recording"])
def test_a_step_that_waits_is_taken_all_the_same_and_draws_as_before(late: bool) -> None:
    """Found before a recording, or where it spoils one, which leaves torch's generator in it."""

    class Waits(Supervised):
        def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
            loss = super().__call__(lr, hr)
            if not late or torch.cuda.is_current_stream_capturing():
                loss.item()
            return loss

    device = torch.device("cuda")
    ours, plain = (Waits(made("cuda"), settings(), "fp32", Streams(0)) for _ in range(2))
    taken = graphed(ours, images(), device, graphs.recorder(device))
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="not held by a CUDA graph"):
        one = taken(0, 0)
    torch.manual_seed(0)
    assert torch.equal(one, stepwise(plain, images(), device)(0, 0))


class Descent(torch.optim.Optimizer):
    """Gradient descent by a rate that is a tensor."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad * group["lr"])


@pytest.mark.parametrize(
    "degradation", ["matlab_bicubic", {"pipeline": {"of": ["noise", "bicubic"]}}], ids=["", "drawn"]
)
def test_what_is_recorded_leaves_the_host_alone(degradation: Any) -> None:
    """On the meta device: patches are cut, and steps taken, without a value or a copy."""
    recorded: list[str] = []

    def noted(work: Callable[[], None]) -> Callable[[], None]:
        with OnHost() as host:
            work()
        recorded.append("a step")
        assert host.seen == []
        return work

    learner = Supervised(made("meta"), settings(clip=0.1), "fp32", Streams(0))
    learner.optimizer = Descent(learner.parameters, {"lr": RATE})  # torch's are not fused there
    taken = graphed(learner, images(degradation), torch.device("meta"), noted)
    for step in range(3):
        taken(0, step)
    assert len(recorded) == 2  # batches of two sizes


def test_rates_of_held_steps_lie_on_the_device() -> None:
    learner = Supervised(made("cpu"), settings(), "fp32", Streams(0))
    graphs.read_rates_from_tensors(learner, torch.device("cpu"))
    (group,) = optimizers(learner)[0].param_groups
    assert isinstance(group["lr"], Tensor)
    assert group["capturable"] is True


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_capture_of_nothing_is_an_error() -> None:
    with pytest.raises(graphs.EmptyGraph, match="recorded no kernel"):
        graphs.recorder(torch.device("cuda:0"))(lambda: None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_looking_for_waits_says_nothing_and_leaves_torchs_mode_as_it_was() -> None:
    with pytest.raises(RuntimeError, match="synchroniz"), graphs._no_waiting():
        torch.ones(1, device="cuda").item()
    assert torch.cuda.get_sync_debug_mode() == 0


def test_batches_cut_ahead_are_the_batches_whatever_is_asked_for() -> None:
    """In order, again, and from the middle on, as after a resume."""
    drawn, plain = {"pipeline": {"of": ["noise", "bicubic"]}}, images
    ahead = CutAhead(plain(drawn), threads=3)
    for place in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 0), (5, 2), (6, 0)]:
        for one, other in zip(ahead.batch(*place), plain(drawn).batch(*place), strict=True):
            assert np.array_equal(one, other)
