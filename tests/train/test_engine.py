"""Engines change how steps are taken, and nothing else: same losses, same weights, same resume.

Steps held by CUDA graphs run here as plain calls too, through the very same code; with a CUDA
device the graphs themselves are compared. That a resume changes nothing is in test_fit.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from on_cuda import CUDA, compares_values, needs_cuda
from torch import Tensor
from trained import CPU, DRAWN_LR, RATE, dropping, held, patches, settings

from srbench.core.streams import Streams
from srbench.train import fit as loop
from srbench.train import graphs
from srbench.train.ahead import CutAhead
from srbench.train.engine import engine, graphed, stepwise
from srbench.train.fit import Training, fit
from srbench.train.learner import Supervised, optimizers
from srbench.train.network_laws import OnHost

pytestmark = pytest.mark.usefixtures("one_thread")
ADAM = {"adam": {"lr": RATE}}
CASES: dict[str, dict[str, Any]] = {
    "adam": {},
    "amsgrad": {"optimizer": {"adam": {"lr": RATE, "amsgrad": True, "weight_decay": 0.01}}},
    "adamw-clip": {"optimizer": {"adamw": {"lr": RATE}}, "clip": 0.1},
    "sgd": {"optimizer": {"sgd": {"lr": RATE, "nesterov": True}}},
    "adversarial": {"learner": {"adversarial": {"lr_ratio": 0.5, "updates": 2}}},
    "steps": {"schedule": {"step": {"at": [0.4], "gamma": 0.5}}},
}


def supervised(device: str = "cpu", kind: type[Supervised] = Supervised, **changes: Any) -> Any:
    chosen = settings(optimizer=ADAM, **changes)
    return kind(dropping(device), chosen, "fp32", Streams(0))


def by_both(
    monkeypatch: pytest.MonkeyPatch, device: str, precision: Any = "fp32", **changes: Any
) -> tuple[Training, Training]:
    """The training by plain steps and by held ones."""
    found = []
    for chosen in (stepwise, held):
        monkeypatch.setattr(loop, "engine", chosen)
        wanted = settings(**{"epochs": 3, "optimizer": ADAM} | changes)
        found.append(fit(dropping(device), patches(), wanted, Streams(3), lambda _: None,
                         precision=precision))  # fmt: skip
    return found[0], found[1]


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("case", CASES)
def test_held_steps_are_the_steps(
    case: str, precision: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warm-up undone, rates and losses by tensors, patches cut on the device: not one bit."""
    plain, ours = by_both(monkeypatch, device, precision, **CASES[case])
    assert (ours.losses, ours.terms) == (plain.losses, plain.terms)
    for name, value in plain.net.state_dict().items():
        assert torch.equal(ours.net.state_dict()[name], value), name


def test_a_schedule_reaches_held_steps_within_the_rounding_of_fp32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, ours = by_both(monkeypatch, "cpu", schedule="cosine", epochs=4)
    assert ours.losses == pytest.approx(plain.losses, rel=1e-5)


def test_the_cpu_takes_plain_steps_and_foreign_optimizers_are_not_held() -> None:
    learner = supervised()
    assert engine(learner, patches(), CPU).__qualname__.startswith("stepwise")
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

    ours = graphed(supervised(), patches(), CPU, refuses)
    plain = stepwise(supervised(), patches(), CPU)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for step in (0, 1, 2):  # the last is of another kind, and not tried
            torch.manual_seed(step)
            one = ours(0, step).clone()
            torch.manual_seed(step)
            assert torch.equal(one, plain(0, step))
    assert ["not held by a CUDA graph" in str(w.message) for w in said] == [True]


@compares_values
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
    ours = held(supervised("cuda", Waits), patches(), device)
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="not held by a CUDA graph"):
        one = ours(0, 0)
    torch.manual_seed(0)
    assert torch.equal(one, stepwise(supervised("cuda", Waits), patches(), device)(0, 0))


class Descent(torch.optim.Optimizer):
    """Gradient descent by a rate that is a tensor."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad * group["lr"])


@pytest.mark.parametrize("degradation", ["matlab_bicubic", DRAWN_LR], ids=["", "drawn"])
def test_what_is_recorded_leaves_the_host_alone(degradation: Any) -> None:
    """On the meta device: patches are cut, and steps taken, without a value or a copy."""
    recorded: list[str] = []

    def noted(work: Callable[[], None]) -> Callable[[], None]:
        with OnHost() as host:
            work()
        recorded.append("a step")
        assert host.seen == []
        return work

    learner = supervised("meta", clip=0.1)
    learner.optimizer = Descent(learner.parameters, {"lr": RATE})  # torch's are not fused there
    take = graphed(learner, patches(None, degradation), torch.device("meta"), noted)
    for step in range(3):
        take(0, step)
    assert len(recorded) == 2  # batches of two sizes


def test_rates_of_held_steps_lie_on_the_device() -> None:
    learner = supervised()
    graphs.read_rates_from_tensors(learner, CPU)
    (group,) = optimizers(learner)[0].param_groups
    assert isinstance(group["lr"], Tensor)
    assert group["capturable"] is True


@needs_cuda
def test_a_capture_of_nothing_is_an_error() -> None:
    with pytest.raises(graphs.EmptyGraph, match="recorded no kernel"):
        graphs.recorder(torch.device("cuda:0"))(lambda: None)


@needs_cuda
def test_looking_for_waits_says_nothing_and_leaves_torchs_mode_as_it_was() -> None:
    with pytest.raises(RuntimeError, match="synchroniz"), graphs._no_waiting():
        torch.ones(1, device="cuda").item()
    assert torch.cuda.get_sync_debug_mode() == 0


def test_batches_cut_ahead_are_the_batches_whatever_is_asked_for() -> None:
    """In order, again, and from the middle on, as after a resume."""
    ahead, plain = CutAhead(patches(None, DRAWN_LR), threads=3), patches(None, DRAWN_LR)
    for place in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 0), (5, 2), (6, 0)]:
        assert all(map(np.array_equal, ahead.batch(*place), plain.batch(*place)))
