"""Rounds: every subject once, in orders of their own, on a clock that can be looked into."""

from __future__ import annotations

import gc
import os
import time
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from on_cuda import compares_values

from srbench.measure.machine import Condition, condition, throttled, warnings_of
from srbench.measure.rounds import CannotRun, Subject, rounds, warm_up
from srbench.measure.stopwatch import CpuClock, Lap, calls_for, steady_process, stopwatch

CPU = torch.device("cpu")


def toil(much: int) -> None:
    """Work in proportion to `much`, whatever else the machine does."""
    for _ in range(much * 1000):
        pass


def test_a_lap_is_the_mean_of_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    own, wall = [0], [0]

    def work() -> None:
        own[0] += 3_000_000
        wall[0] += 4_000_000

    clock = SimpleNamespace(thread_time_ns=lambda: own[0], perf_counter_ns=lambda: wall[0])
    monkeypatch.setattr("srbench.measure.stopwatch.time", clock)
    assert CpuClock(1).lap(work, calls=9) == Lap(3.0, 0.25)
    assert CpuClock(2).lap(work, calls=9).ms == 4.0


def test_what_others_take_is_not_in_the_time_of_one_thread() -> None:
    assert CpuClock(1).lap(lambda: time.sleep(0.02), calls=1).ms < 5
    assert CpuClock(2).lap(lambda: time.sleep(0.02), calls=1).ms >= 20


def test_waiting_is_time_that_was_lost_and_working_is_not() -> None:
    clock = CpuClock(1)
    assert clock.lap(lambda: time.sleep(0.02), calls=1).lost > 0.8
    assert min(clock.lap(lambda: toil(50), calls=1).lost for _ in range(50)) < 0.05


def test_with_several_threads_nobody_knows_what_was_lost() -> None:
    assert np.isnan(CpuClock(2).lap(lambda: None, calls=1).lost)


@pytest.mark.parametrize(("ms", "calls"), [(30.0, 1), (5.0, 1), (4.9, 2), (0.01, 500), (0, 10_000)])
def test_calls_fill_a_lap(ms: float, calls: int) -> None:
    assert calls_for(ms, 5.0) == calls


def test_each_round_has_every_subject_once_in_an_order_of_its_own() -> None:
    subjects = [Subject(name, lambda: None) for name in "abcd"]
    warm = warm_up(subjects, CpuClock(1), warm_s=0)
    found = list(islice(rounds(warm.ready, CpuClock(1), np.random.default_rng(0)), 30))
    orders = [tuple(sample.name for sample in one) for one in found]
    assert all(sorted(order) == list("abcd") for order in orders)
    assert len(set(orders)) > 10
    assert [sample.round for sample in found[7]] == [7] * 4
    assert [sample.place for sample in found[7]] == [0, 1, 2, 3]


def test_the_order_follows_from_its_seed() -> None:
    warm = warm_up([Subject(name, lambda: None) for name in "abcd"], CpuClock(1), warm_s=0)
    one, two = (
        [s.name for turn in islice(rounds(warm.ready, CpuClock(1), np.random.default_rng(5)), 9)
         for s in turn]
        for _ in range(2)
    )  # fmt: skip
    assert one == two


def test_the_first_call_is_told_apart_from_the_later_ones() -> None:
    calls = []

    def slow_at_first() -> None:
        toil(2 if calls else 2000)
        calls.append(1)

    (ready,) = warm_up([Subject("a", slow_at_first)], CpuClock(1), warm_s=0).ready
    assert ready.ms < ready.first_ms / 50


def test_a_subject_that_cannot_run_is_named() -> None:
    def broken() -> None:
        raise RuntimeError("no kernel")

    with pytest.raises(CannotRun) as raised:
        warm_up([Subject("fine", lambda: None), Subject("bad", broken)], CpuClock(1), warm_s=0)
    assert raised.value.name == "bad"
    assert str(raised.value.__cause__) == "no kernel"


def test_the_process_is_put_back_as_it_was() -> None:
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0)
    with steady_process(CPU, 1):
        assert torch.get_num_threads() == 1
        assert len(os.sched_getaffinity(0)) == 1
        assert not gc.isenabled()
    assert (torch.get_num_threads(), os.sched_getaffinity(0)) == (threads, cores)
    assert gc.isenabled()


def test_a_disturbed_machine_is_warned_of() -> None:
    quiet = Condition(load=condition(CPU).load and 0.1)
    assert list(warnings_of(quiet, quiet)) == []
    (busy,) = warnings_of(Condition(load=7.0), quiet)
    assert busy.startswith("the machine was busy before the pass: 7.0 processes")
    found = Condition(throttled("Not Active, Not Active, Active, Not Active\n"), 0.2, 1)
    assert list(warnings_of(quiet, found)) == ["the GPU lowered its clock: sw thermal slowdown"]
    assert next(warnings_of(found, quiet)) == "1 other process uses the GPU"
    assert throttled("[N/A], [N/A], [N/A], [N/A]") == throttled("") == ()


@compares_values
def test_events_time_what_the_device_does() -> None:
    device = torch.device("cuda")
    clock = stopwatch(device, 1)
    x = torch.rand(2048, 2048, device=device)
    one, four = (
        min(clock.lap(lambda n=n: [x @ x for _ in range(n)], calls=10).ms for _ in range(20))
        for n in (1, 4)
    )
    assert 3.0 < four / one < 5.0
    assert condition(device).others is not None
