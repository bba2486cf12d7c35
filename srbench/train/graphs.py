"""Whole steps as CUDA graphs: recorded once for each shape of batch, then launched with one call.

A step of a small network is hundreds of kernels that take less time than it takes to launch them.
What a recorded step reads must not move and what it writes must not be read in between, hence: the
learning rate is a tensor, losses go to a ring on the device, and the steps that are taken to warm
up are undone before the recording.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn, optim

from srbench.registry import first_line
from srbench.train.feeds import Feed
from srbench.train.learner import Learner, optimizers

WARM_UP = 3  # steps, until libraries have chosen kernels and allocated what they keep
KNOWN = (optim.Adam, optim.AdamW, optim.SGD)
"""Optimizers whose state starts as zeros, and whose fused kernel reads its rate from a tensor."""

Hold = Callable[[Callable[[], None]], Callable[[], None]]
"""Takes work and gives what does it again."""


def called(work: Callable[[], None]) -> Callable[[], None]:
    """The work itself: nothing is recorded."""
    return work


def captured(work: Callable[[], None]) -> Callable[[], None]:
    """The work recorded as a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def holds(learner: Learner) -> bool:
    """Whether a graph may hold the learner's steps."""
    found = optimizers(learner)
    return all(type(o) in KNOWN and all(g.get("fused") for g in o.param_groups) for o in found)


class Held:
    """Takes steps by what `hold` made of them. Called with (epoch, step within it)."""

    def __init__(
        self,
        step: Callable[[Hashable], Tensor],
        feed: Feed,
        learner: Learner,
        device: torch.device,
        per_epoch: int,
        hold: Hold,
    ) -> None:
        self.step, self.feed, self.learner, self.hold = step, feed, learner, hold
        self.device, self.per_epoch = device, per_epoch
        each = (1 + len(learner.terms),) if learner.terms else ()
        self.ring = torch.zeros(per_epoch, *each, device=device)  # losses and terms of an epoch
        self.slots = torch.arange(per_epoch, device=device).view(-1, *(1 for _ in each))
        self.slot = torch.zeros((), dtype=torch.int64, device=device)
        self.works: dict[Hashable, Callable[[], None]] = {}  # by kind of step
        self.given_up = False  # a step could not be held
        read_rates_from_tensors(learner, device)

    def __call__(self, epoch: int, within: int) -> Tensor:
        kind = self.feed.place(epoch, within)
        self.slot.fill_(within)
        if kind not in self.works:
            self.works[kind] = self._recorded(kind)
        self.works[kind]()
        if within + 1 == self.per_epoch:
            self.feed.ahead(epoch + 1)
        return self.ring[within]

    def _recorded(self, kind: Hashable) -> Callable[[], None]:
        def work() -> None:
            loss = self.step(kind)
            self.ring.copy_(torch.where(self.slots == self.slot, loss, self.ring))

        if self.given_up:
            return work
        cuda = self.device.type == "cuda"
        with torch.random.fork_rng(devices=[self.device] if cuda else []):
            before = Snapshot(self.learner)
            ring = self.ring.clone()
            try:
                self._warm_up(work)
                before.put_back()
                self.ring.copy_(ring)
                return self.hold(work)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as problem:  # a part that waits for the device, or copies to it
                first = first_line(problem)
                warnings.warn(f"not held by a CUDA graph, so slower: {first}", stacklevel=2)
                if cuda:
                    _end_recording(self.device)
                before.put_back()
                self.ring.copy_(ring)
                self.given_up = True  # on other kinds of steps too: recordings share a generator
                self.works.clear()
                return work

    def _warm_up(self, work: Callable[[], None]) -> None:
        if self.device.type != "cuda":
            for _ in range(WARM_UP):
                work()
            return
        here = torch.cuda.current_stream(self.device)
        aside = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        aside.wait_stream(here)
        try:
            with torch.cuda.stream(aside):
                for _ in range(WARM_UP - 1):
                    work()
                with _no_waiting():
                    work()
        finally:
            here.wait_stream(aside)


@contextmanager
def _no_waiting() -> Iterator[None]:
    """What waits for the device is a RuntimeError, before a recording would be spoilt by it."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def _end_recording(device: torch.device) -> None:
    """A recording that has failed leaves torch's generator in it: with a copy, it can draw again.

    Else: "Offset increment outside graph capture encountered unexpectedly."
    """
    index = torch.cuda.current_device() if device.index is None else device.index
    generator = torch.cuda.default_generators[index]
    generator.graphsafe_set_state(generator.clone_state())


class Snapshot:
    """Weights, buffers and optimizer state as they are now, to be put back in place."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.kept = [(t, t.detach().clone()) for t in self._weights()]
        self.states = [
            {p: _clones(state) for p, state in made.state.items()} for made in optimizers(learner)
        ]

    def _weights(self) -> list[Tensor]:
        nets = [part for part in self.learner.parts.values() if isinstance(part, nn.Module)]
        return [tensor for net in nets for tensor in (*net.parameters(), *net.buffers())]

    @torch.no_grad()
    def put_back(self) -> None:
        """Into the same memory; state that was not there yet becomes zeros, which it starts as."""
        for tensor, value in self.kept:
            tensor.copy_(value)
        for made, states in zip(optimizers(self.learner), self.states, strict=True):
            for parameter, state in made.state.items():
                before = states.get(parameter, {})
                for name, value in state.items():
                    if isinstance(value, Tensor) and name in before:
                        value.copy_(before[name])
                    elif isinstance(value, Tensor):
                        value.zero_()


def _clones(state: dict[str, Any]) -> dict[str, Any]:
    return {k: v.clone() if isinstance(v, Tensor) else v for k, v in state.items()}


def read_rates_from_tensors(learner: Learner, device: torch.device) -> None:
    """Have optimizers read learning rates from the device, where a schedule can change them."""
    for made in optimizers(learner):
        for group in made.param_groups:
            if not isinstance(group["lr"], Tensor):
                group["lr"] = torch.tensor(float(group["lr"]), device=device)
            if "capturable" in group:
                group["capturable"] = True
