"""Seats on a Ray cluster, as the conductor sees them.

A process of its own (`ray_bridge`) speaks with the cluster; here a thread passes on what it says:
files to the run's folder, then the message to the seat's pipe. So whatever a message speaks of is
at home when the conductor reads it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import queue
import threading
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from srbench.core import part_files
from srbench.core.devices import Machine
from srbench.core.errors import DeviceError, DiskError
from srbench.core.files import write_atomically
from srbench.core.numbers import plural
from srbench.core.places import STRIP
from srbench.run import ray_bridge
from srbench.run.messages import Broken, Message, Ready, Refused, Task
from srbench.run.node_seat import WEIGHTS, Received, is_intact
from srbench.run.seats import Seat
from srbench.run.worker_processes import signals_held, without_main
from srbench.train import checkpoint

if TYPE_CHECKING:
    from srbench.study.plan import Plan

PATIENCE_S = 30.0  # for the bridge to end its seats


class ClusterLost(DeviceError):
    """The cluster's head does not answer any more."""

    exit_code = 1  # the command itself is right


class RaySeat:
    """One actor with its worker, or the wish for one."""

    def __init__(self, seats: RaySeats, number: int) -> None:
        self.seats, self.number = seats, number
        self.device = f"{seats.kind} on {seats.address}"  # and its node's name, once it has one
        self.pipe, self.theirs = multiprocessing.Pipe(duplex=False)
        self.ending, self.lost = "given up", False
        self.home = Path()  # of the run under way
        self.lent = False  # the images

    def send(self, message: Any) -> None:
        files: dict[str, bytes] = {}
        if isinstance(message, Task):
            self.home = Path(message.folder)
            if message.weights is not None:
                files[WEIGHTS] = Path(message.weights).read_bytes()
            elif newest := checkpoint.newest(self.home):
                files[newest] = (self.home / newest).read_bytes()
        self.seats.order("send", self.number, message, files)

    def kill(self) -> None:
        self.end(ready=False)

    def end(self, *, ready: bool) -> None:
        self.seats.end(self)

    def take(self, received: Received | str) -> None:
        """Take what the bridge has received from this seat."""
        if isinstance(received, str):
            self.device = f"{self.seats.kind} on {received}"
            return
        message = received.message
        if message is None:
            self.ending, self.lost = f"{self.device} was {received.ending}", received.lost
            if received.lost:  # and its place with it
                self.seats.held.discard(self.number)
            self.theirs.close()
            return
        try:
            self._bring_home(received.files)
        except DiskError as problem:
            message = Refused(0, str(problem))
        if isinstance(message, Refused):
            message = replace(message, message=f"{self.device}: {message.message}")
        self.pass_on(message)

    def pass_on(self, message: Message) -> None:
        with suppress(OSError):  # the conductor has let go of the seat
            self.theirs.send(message)

    def _bring_home(self, files: Mapping[str, tuple[bytes, str]]) -> None:
        for name, (content, sha256) in files.items():
            path = self.home / Path(name).name
            if not is_intact(content, sha256):
                raise DiskError("was damaged on its way", place=str(path))
            if checkpoint.is_one(name):
                checkpoint.write(path, content)
            elif name != STRIP or not path.exists():
                write_atomically(path, content)


class RaySeats:
    """The seats of one command on a cluster; nodes may come and go."""

    checkpoint_s = 300.0  # each travels
    starts = 1  # a place that is given up stays taken, and so another one is tried
    devices = ()

    def __init__(self, address: str, device: str, workers: int | None) -> None:
        """Connect. On CUDA `workers` share a GPU; on the CPU it is the most seats at a time.

        Raises:
            DeviceError: Ray is not installed, the cluster does not answer, or lacks the device.
        """
        if find_spec("ray") is None:
            raise DeviceError(
                "Ray is not installed; pip install 'srbench[ray]' brings it", place="--on"
            )
        if device not in ("auto", "cpu", "cuda"):
            raise DeviceError(
                f"{device!r} names devices of this machine; with --on it is auto, cpu or cuda",
                place="--device",
            )
        self.address, self.workers = address, workers
        self.held: set[int] = set()  # numbers of seats that are given up
        self.seats: dict[int, RaySeat] = {}
        self.numbers = itertools.count(1)
        self.known: RaySeat | None = None  # a seat that is ready, for the first hire
        self.gone = ""  # why the bridge has ended
        self.kind: Literal["cpu", "cuda"] = "cpu"
        self.resources: Mapping[str, float] = {}
        self.orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        given = (theirs, address, uuid.uuid4().hex[:12])
        self.process = context.Process(target=ray_bridge.main, args=given, daemon=True)
        with signals_held(), without_main():
            self.process.start()
        theirs.close()
        connected = threading.Event()
        threading.Thread(target=self._listen, args=(connected,), daemon=True).start()
        threading.Thread(target=self._speak, daemon=True).start()
        while not connected.wait(0.2):
            pass
        if self.gone:
            raise DeviceError(f"{address} cannot be used: {self.gone}", place="--on")
        has_gpu = self.resources.get("GPU", 0) > 0
        if device == "cuda" and not has_gpu:
            raise DeviceError(f"{address} has no GPU", place="--device")
        self.kind = "cuda" if has_gpu and device != "cpu" else "cpu"

    def __str__(self) -> str:
        return f"{plural(self.size(), 'seat')} of {self.address}"

    def capacity(self) -> int:
        """One more than the cluster has now, for a node that comes, or that Ray starts for it."""
        if self.gone:
            raise ClusterLost(
                f"{self.address} does not answer any more ({self.gone}). Nothing is lost: the same "
                "command goes on",
                place="--on",
            )
        if self.held and self._places() <= 0:
            return 0
        size = self.size()
        return size + (0 if self.kind == "cpu" and size == self.workers else 1)

    def size(self) -> int:
        free = max(self._places(), 0)
        return min(free, self.workers or free) if self.kind == "cpu" else free

    def _places(self) -> int:
        """How many the cluster has, without those that are given up."""
        gpus = self.resources.get("GPU", 0) * (self.workers or 1)
        places = gpus if self.kind == "cuda" else self.resources.get("CPU", 0)
        return int(places) - len(self.held)

    def hire(self, taken: Collection[str] = ()) -> RaySeat:
        if self.known is not None:
            seat, self.known = self.known, None
            return seat
        resources = {"num_cpus": 1.0}
        if self.kind == "cuda":
            resources["num_gpus"] = 1 / (self.workers or 1)
        seat = self._seat()
        device = "cuda:0" if self.kind == "cuda" else "cpu"  # Ray shows a seat its GPU only
        self.order("hire", seat.number, device, resources)
        return seat

    def again(self, seat: Seat) -> RaySeat:
        assert isinstance(seat, RaySeat)
        new = self._seat()
        new.device, new.lent = seat.device, seat.lent
        del self.seats[seat.number]
        self.order("again", new.number, seat.number)
        return new

    def lend(self, plan: Plan) -> None:
        sets = []
        for planned in plan.variants:
            data, scale = planned.variant.tree.data, plan.study.scale
            if planned.trained:
                train, scales = data["train"].to_json(), {scale, *planned.scales}
                sets += [(train, "train", one) for one in scales]
                sets += [(data["validate"].to_json(), "validate", scale)]
            sets += [(one.to_json(), "eval", scale) for one in data["eval"]]
        self.order("use", sets, part_files.shipped())

    def lend_images(self, seat: Seat) -> bool:
        assert isinstance(seat, RaySeat)
        if not seat.lent:
            seat.lent = True
            self.order("lend", seat.number)
            return True
        return False

    def give_up(self, seat: Seat, *, device: bool) -> bool:
        assert isinstance(seat, RaySeat)
        self.held.add(seat.number)
        self.order("end", seat.number, True)
        return True

    def end(self, seat: RaySeat) -> None:
        if seat.number in self.seats:
            del self.seats[seat.number]
            self.order("end", seat.number, False)
            seat.pipe.close()

    def machine(self) -> Machine:
        """What the first seat says that it is; it stays, for the first run.

        Raises:
            DeviceError: that seat cannot be used.
        """
        seat = self.hire()
        while not seat.pipe.poll(0.2):
            self.capacity()
        try:
            message = seat.pipe.recv()
        except EOFError:
            raise DeviceError(seat.ending, place="--on") from None
        if isinstance(message, Broken):
            raise DeviceError(f"{seat.device}: {message.message}", place="--on")
        assert isinstance(message, Ready)
        seat.pass_on(message)  # again, for the conductor
        self.known = seat
        return message.machine

    def close(self) -> None:
        """End all seats and the connection."""
        self.orders.put(None)
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def order(self, *order: Any) -> None:
        self.orders.put(order)

    def _seat(self) -> RaySeat:
        seat = RaySeat(self, next(self.numbers))
        self.seats[seat.number] = seat
        return seat

    def _speak(self) -> None:
        while True:
            order = self.orders.get()
            try:
                self.pipe.send(order)
            except OSError:
                return
            if order is None:
                return

    def _listen(self, connected: threading.Event) -> None:
        """Pass on what the bridge says, until it ends."""
        with suppress(EOFError, OSError):
            while True:
                number, received = self.pipe.recv()
                if number:
                    if seat := self.seats.get(number):
                        seat.take(received)
                elif isinstance(received, str):
                    self.gone = received
                else:
                    self.resources = received
                    connected.set()
        self.gone = self.gone or "the connection has ended"
        for seat in list(self.seats.values()):
            seat.take(Received(None, ending="lost", lost=True))
        connected.set()
