"""The environment that workers are started in."""

from __future__ import annotations

from typing import Any

import pytest

from srbench.run.ray_seats import RaySeats
from srbench.run.worker_processes import ALLOCATOR, LocalSeat, surroundings_of


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)


def test_a_cpu_worker_keeps_its_memory_unless_the_user_knows_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert surroundings_of("cpu") == ALLOCATOR | {"OMP_NUM_THREADS": "1"}
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert surroundings_of("cpu") == {"OMP_NUM_THREADS": "1"}


def test_a_worker_starts_with_these_settings_and_answers() -> None:
    seat = LocalSeat("cpu")
    try:
        assert seat.pipe.poll(120)  # before, the process may still have our own environment
        with open(f"/proc/{seat.process.pid}/environ", encoding="utf-8") as file:
            found = dict(entry.split("=", 1) for entry in file.read().split("\0") if entry)
        assert ALLOCATOR.items() <= found.items()
    finally:
        seat.end(ready=True)
    assert seat.process.exitcode == 0


@pytest.mark.parametrize(
    ("kind", "workers", "resources", "held", "size", "capacity"),
    [
        ("cpu", None, {"CPU": 4.0}, 0, 4, 5),  # one more, for a node that comes
        ("cpu", 2, {"CPU": 4.0}, 0, 2, 2),
        ("cpu", 1, {"CPU": 2.0}, 1, 1, 1),  # another node is asked
        ("cpu", 1, {"CPU": 1.0}, 1, 0, 0),  # none is left
        ("cpu", None, {}, 0, 0, 1),
        ("cuda", None, {"CPU": 8.0, "GPU": 2.0}, 0, 2, 3),
        ("cuda", 2, {"CPU": 8.0, "GPU": 2.0}, 1, 3, 4),
    ],
)
def test_seats_of_a_cluster_are_what_it_has_and_one_more(
    kind: Any, workers: int | None, resources: dict[str, float], held: int, size: int, capacity: int
) -> None:
    seats = RaySeats.__new__(RaySeats)  # not connected
    seats.kind, seats.workers, seats.resources = kind, workers, resources
    seats.gone, seats.held = "", set(range(held))
    assert (seats.size(), seats.capacity()) == (size, capacity)
