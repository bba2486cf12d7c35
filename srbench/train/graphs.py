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
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn, optim

from srbench.core.errors import first_line
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


class EmptyGraph(RuntimeError):
    """A capture recorded nothing, so that replaying it would train nothing."""


def recorder(device: torch.device) -> Hold:
    """Capture work as CUDA graphs that share one memory pool: no two of them ever run at once.

    Raises (the result, where it is called):
        EmptyGraph: no kernel was launched on the device's stream.
    """
    pool: Any = torch.cuda.graph_pool_handle()

    def captured(work: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "The CUDA Graph is empty")
            try:
                with torch.cuda.graph(graph, pool=pool, stream=stream_of(device)):
                    work()
            except UserWarning as problem:
                if problem.__context__ is not None:  # the work failed at once
                    raise problem.__context__ from None
                raise EmptyGraph(f"a step on {device} recorded no kernel") from problem
        return graph.replay

    return captured


@lru_cache(maxsize=16)
def stream_of(device: torch.device) -> Any:
    """The one stream of a device that is ever warmed up and captured on.

    cuBLAS keeps 32 MiB for each stream it was called on, so a new stream for each capture would
    make the memory of a network depend on what ran before it.
    """
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@contextmanager
def aside(device: torch.device) -> Iterator[None]:
    """Work on that stream, after what the current one has been given and before what it will be."""
    here, stream = torch.cuda.current_stream(device), stream_of(device)
    stream.wait_stream(here)
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        here.wait_stream(stream)


def holds(learner: Learner) -> bool:
    """Whether a graph may hold the learner's steps."""
    found = optimizers(learner)
    return all(type(o) in KNOWN and all(g.get("fused") for g in o.param_groups) for o in found)


class GraphRunner:
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
        with _draws_undone(self.device):
            before, ring = Snapshot(self.learner), self.ring.clone()
            held, problem = None, ""
            try:
                self._warm_up(work)
                before.put_back()
                self.ring.copy_(ring)
                held = self.hold(work)
            except EmptyGraph:
                raise
            except RuntimeError as failed:  # a part waits for the device, or memory is too small
                problem = first_line(failed)
            if held is None:  # outside the handler, whose traceback keeps the step's tensors
                self._give_up(problem)
                before.put_back()
                self.ring.copy_(ring)
            return held or work

    def _give_up(self, problem: str) -> None:
        """Hold no step from now on, of any kind: recordings share a generator and memory.

        Raises:
            AcceleratorError: it is not the step that failed but the device.
        """
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        warnings.warn(f"not held by a CUDA graph, so slower: {problem}", stacklevel=4)
        self.given_up = True
        self.works.clear()
        for made in optimizers(self.learner):
            made.zero_grad(set_to_none=True)  # gradients may lie in the graphs' memory
        if self.device.type == "cuda":
            _end_recording(self.device)
            torch.cuda.empty_cache()

    def _warm_up(self, work: Callable[[], None]) -> None:
        if self.device.type != "cuda":
            for _ in range(WARM_UP):
                work()
            return
        with aside(self.device):
            for _ in range(WARM_UP - 1):
                work()
            with _no_waiting():
                work()


@contextmanager
def _draws_undone(device: torch.device) -> Iterator[None]:
    """The device is current, and torch's generators end as they began."""
    if device.type != "cuda":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    with torch.cuda.device(device), torch.random.fork_rng(devices=[device]):
        yield


@contextmanager
def _no_waiting() -> Iterator[None]:
    """What waits for the device is a RuntimeError, before a capture would be spoilt by it."""
    before = torch.cuda.get_sync_debug_mode()
    try:
        _set_sync_debug_mode("error")
        yield
    finally:
        _set_sync_debug_mode(before)


def _set_sync_debug_mode(mode: int | str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode(mode)


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
