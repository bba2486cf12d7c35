"""The environment that workers are started in."""

from __future__ import annotations

import pytest

from srbench.run.worker_processes import ALLOCATOR, LocalSeat, surroundings_of


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)


def test_a_cpu_worker_keeps_its_memory_unless_the_user_knows_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert surroundings_of("cpu", 1) == ALLOCATOR | {"OMP_NUM_THREADS": "1"}
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert surroundings_of("cpu", 1) == {"OMP_NUM_THREADS": "1"}


def test_a_worker_starts_with_these_settings_and_answers() -> None:
    seat = LocalSeat("cpu", 1)
    try:
        assert seat.pipe.poll(120)  # before, the process may still have our own environment
        with open(f"/proc/{seat.process.pid}/environ", encoding="utf-8") as file:
            found = dict(entry.split("=", 1) for entry in file.read().split("\0") if entry)
        assert ALLOCATOR.items() <= found.items()
    finally:
        seat.end(ready=True)
    assert seat.process.exitcode == 0
