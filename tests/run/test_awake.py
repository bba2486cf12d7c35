"""Time in which a process was suspended counts nowhere."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import tiny
from test_resume import is_running, run, slow_study

from srbench.run import awake
from srbench.run.awake import AwakeClock


class Machine:
    """Stands for the module `time`: what passes, and how much of it the process computes."""

    now = computed = 0.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.computed

    def passes(self, seconds: float, computed: float) -> None:
        self.now, self.computed = self.now + seconds, self.computed + computed


@pytest.mark.parametrize(
    ("seconds", "computed", "counted"),
    [(1.9, 0.0, 1.9), (30.0, 29.0, 30.0), (30.0, 2.0, 30.0), (30.0, 0.1, 0.25), (9e4, 0.0, 0.25)],
)
def test_a_gap_in_which_nothing_was_computed_does_not_count(
    monkeypatch: pytest.MonkeyPatch, seconds: float, computed: float, counted: float
) -> None:
    machine = Machine()
    monkeypatch.setattr(awake, "time", machine)
    clock = AwakeClock()
    machine.passes(1.0, 1.0)
    before = clock()
    machine.passes(seconds, computed)
    assert clock() - before == pytest.approx(counted)
    assert clock() - before == pytest.approx(counted)  # nor is it taken off twice


@pytest.mark.slow
def test_waiting_counts_where_the_process_was_not_suspended() -> None:
    with AwakeClock() as clock:
        before = clock()
        time.sleep(3)  # as one does for a GPU
        assert 3 <= clock() - before < 4


@pytest.mark.slow
def test_a_suspended_run_counts_the_seconds_that_it_trained(tmp_path: Path) -> None:
    folder = slow_study(tmp_path)
    process = run(folder, "30", "--only", "plain")
    tiny.wait_for(lambda: is_running(folder))
    began = time.monotonic()
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(6)
    os.killpg(process.pid, signal.SIGCONT)
    said = tiny.ended(process, 0)
    [(seconds,)] = tiny.rows(folder, "select train_seconds + score_seconds from runs where steps")
    assert 0.4 < seconds < time.monotonic() - began - 5
    assert "plain, seed 0: done in 6" not in said
    assert tiny.rows(folder, "select max(fence) from runs") == [(1,)]
