"""Where workers sit: the contract between the conductor and a place that computes.

A seat is a process of this machine (`worker_processes`) or an actor on a Ray cluster (`ray_seats`).
Both run the same worker with the same messages; the conductor stays the only writer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Literal, Protocol

from srbench.core.devices import Machine
from srbench.run.messages import Done, Task
from srbench.store import Lease, MissingScore

if TYPE_CHECKING:
    from srbench.study.plan import Plan


class Seat(Protocol):
    """A place with one worker at a time."""

    device: str  # "cpu", "cuda:1", "cuda on ray"
    pipe: Connection  # the worker's messages; its end is the end of the worker

    @property
    def ending(self) -> str:
        """How the worker ended, in words."""

    @property
    def lost(self) -> bool:
        """Whether it ended with its node, and so not through what it computed."""

    def send(self, message: Any) -> None:
        """Send the worker a message, without waiting; if it has died, that shows at `pipe`."""

    def kill(self) -> None:
        """End the worker at once."""

    def end(self, *, ready: bool) -> None:
        """Give the seat back; a worker that is ready may leave by itself."""


class Seats(Protocol):
    """Where a command's seats come from."""

    kind: Literal["cpu", "cuda"]
    checkpoint_s: float  # between two checkpoints of a run, unless the command names another time
    starts: int  # workers of a device that may die before they are ready, until it is given up

    @property
    def devices(self) -> Sequence[str]:
        """Those of this machine, which no other command is to time meanwhile."""

    def __str__(self) -> str:
        """How many there are, in words: "2 workers"."""

    def close(self) -> None:
        """End what is left of them."""

    def machine(self) -> Machine:
        """What a seat is, once there is one.

        Raises:
            DeviceError: it cannot be used.
        """

    def lend(self, plan: Plan) -> None:
        """Have the images of a plan ready for seats that lack them."""

    def size(self) -> int:
        """How many seats there are now."""

    def capacity(self) -> int:
        """How many seats may be hired now.

        Raises:
            DeviceError: there will be none any more.
        """

    def hire(self, taken: Collection[str]) -> Seat:
        """A seat on another device than those taken, without waiting until it is granted."""

    def again(self, seat: Seat) -> Seat:
        """A new worker in the place of a seat's, which is ended."""

    def lend_images(self, seat: Seat) -> bool:
        """Have a seat get the images of `lend`; False where it has had them."""

    def give_up(self, seat: Seat, *, device: bool) -> bool:
        """End a seat and use it, or all of its device, no more; False if it was done before."""


@dataclass
class Worker:
    """A seat and what its worker is doing."""

    seat: Seat
    ready: bool = False
    machine: Machine | None = None  # once it is, or was, ready
    lease: Lease | None = None
    scoring: MissingScore | None = None
    task: Task | None = None  # as it was assigned
    trained: Done | None = None  # the claimed run, once only its scores are missing
    steps: int = 0  # that the claimed run has taken, as far as is known
    suspicion: str = ""  # what failed in a former worker, until this one is ready
    pruned: tuple[int, str] | None = None  # epoch and reason, once the run was asked to stop

    @property
    def device(self) -> str:
        return self.seat.device

    @property
    def busy(self) -> bool:
        return self.lease is not None or self.scoring is not None

    @property
    def idle(self) -> bool:
        return self.ready and not self.busy

    def assign(self, task: Task) -> None:
        """Give the worker a task."""
        self.task = task
        self.seat.send(task)

    def end(self) -> None:
        self.seat.end(ready=self.ready)
