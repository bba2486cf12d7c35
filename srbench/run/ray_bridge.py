"""The process of a command that talks to a Ray cluster: it hires actors and relays their messages.

It is a process of its own because Ray ends its process when the cluster's head is gone, and takes
its signals. Nothing of Ray's is used but actors, which Ray never restarts or retries: the queue
does, from checkpoints.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from srbench.core import part_files
from srbench.core.errors import UserError, first_line
from srbench.core.part_files import PartFile
from srbench.core.signals import STOPPING
from srbench.run.lent_images import Sets, packed
from srbench.run.messages import Broken, Refused
from srbench.run.node_seat import Received
from srbench.study.identity import installed_digest

POLL_S = 2.0  # between two looks at the cluster's resources
PATIENCE_S = 20.0  # for a seat to leave by itself
SETTINGS = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
"""Environment of Ray; what the user has set stays."""


def actor_class() -> Any:
    """The actor: sent by value, so that a node without srbench can say what is missing."""
    import ray

    class SeatActor:
        def __init__(self, device: str, command: str, code: str, mode: str) -> None:
            import os
            import socket

            self.host = socket.gethostname()
            self.seat: Any = None
            self.trouble = ""
            if os.environ.get("RAY_AUTH_MODE", "disabled") != mode:
                self.trouble = (
                    "asks for no token, so whoever reaches its ports may run programs there "
                    "(RAY_AUTH_MODE=disabled uses it all the same)"
                )
                return
            try:
                from srbench.run.node_seat import NodeSeat
                from srbench.study.identity import installed_digest

                if installed_digest() != code:
                    self.trouble = "has another version of srbench's sources or of a plug-in"
                    return
                self.seat = NodeSeat(device, command)
            except Exception as problem:
                self.trouble = f"cannot start a worker: {type(problem).__name__}: {problem}"

        def where(self) -> tuple[str, str]:
            """The node's name, and why it cannot be used."""
            return self.host, self.trouble

        def start(self) -> None:
            self.seat.end()
            self.seat.start()

        @ray.method(concurrency_group="receive")  # type: ignore[untyped-decorator]
        def receive(self) -> Any:
            if self.seat is None:
                return []
            if not self.seat.leaving and self.is_drained():
                self.seat.stop()
            return self.seat.receive()

        def is_drained(self) -> bool:
            """Whether the node is about to end, as after SIGTERM; Ray has no public call for it."""
            from ray._private.state import state

            try:
                return ray.get_runtime_context().get_node_id() in state.get_draining_nodes()
            except Exception:
                return False

        @ray.method(concurrency_group="receive")  # type: ignore[untyped-decorator]
        def hold(self) -> None:
            import time

            time.sleep(60)

        def send(self, message: Any, files: Any) -> None:
            self.seat.send(message, files)

        def lend(self, index: str, contents: Any) -> None:
            self.seat.lend(index, ((name, ray.get(one)) for name, one in contents))

        def end(self) -> None:
            if self.seat is not None:
                self.seat.leave()
                self.seat = None

    return ray.remote(
        max_restarts=0, max_task_retries=0, concurrency_groups={"receive": 1}, max_concurrency=1
    )(SeatActor)


class Bridge:
    """Actors by the number of their seat."""

    def __init__(self, pipe: Connection, command: str) -> None:
        self.pipe, self.command = pipe, command
        self.sets: Sets = []
        self.sending = threading.Lock()
        self.actors: dict[int, Any] = {}
        self.granted: set[Any] = set()  # actors that have a place
        self.ending: list[threading.Thread] = []
        self.lent: tuple[str, list[Any]] | None = None  # index of images, and files in Ray's store
        self.actor_class = actor_class()

    def forward(self, number: int, received: Received | str | Mapping[str, float]) -> None:
        with self.sending, suppress(OSError):
            self.pipe.send((number, received))

    def use(self, sets: Sets, parts: tuple[PartFile, ...]) -> None:
        """Lend these images; `parts` are what lists them, where that is a user's own."""
        part_files.use(parts)
        self.sets, self.lent = sets, None

    def hire(self, number: int, device: str, resources: Mapping[str, float]) -> None:
        options = dict(resources) | {"scheduling_strategy": "SPREAD"}
        mode = os.environ["RAY_AUTH_MODE"]
        actor = self.actor_class.options(**options).remote(
            device, self.command, installed_digest(), mode
        )
        self.actors[number] = actor
        threading.Thread(target=self._relay, args=(number, actor, True), daemon=True).start()

    def again(self, number: int, former: int) -> None:
        actor = self.actors[number] = self.actors.pop(former)
        actor.start.remote()
        threading.Thread(target=self._relay, args=(number, actor, False), daemon=True).start()

    def send(self, number: int, message: Any, files: Mapping[str, bytes]) -> None:
        self.actors[number].send.remote(message, files)

    def lend(self, number: int) -> None:
        import ray

        try:
            if self.lent is None:
                index, files = packed(self.sets)
                self.lent = index, [(name, ray.put(path.read_bytes())) for name, path in files]
            self.actors[number].lend.remote(*self.lent)
        except (UserError, OSError) as problem:
            self.forward(number, Received(Refused(0, first_line(problem))))

    def end(self, number: int, hold: bool) -> None:
        """End a seat; with `hold` its place stays taken, so that Ray grants another one."""
        actor = self.actors.pop(number, None)
        if actor is not None:
            what = (self._hold, (number, actor)) if hold else (self._end, (actor,))
            thread = threading.Thread(target=what[0], args=what[1], daemon=True)
            thread.start()
            self.ending += [] if hold else [thread]

    def close(self) -> None:
        for number in list(self.actors):
            self.end(number, hold=False)
        until = time.monotonic() + 1.25 * PATIENCE_S
        for thread in self.ending:
            thread.join(max(0.0, until - time.monotonic()))

    def _end(self, actor: Any) -> None:
        import ray

        if actor in self.granted:
            with suppress(Exception):  # it may have died
                ray.get(actor.end.remote(), timeout=PATIENCE_S)
        with suppress(Exception):
            ray.kill(actor)

    def _hold(self, number: int, actor: Any) -> None:
        """End a seat's worker, but not the actor, as long as its node is there."""
        import ray

        try:
            ray.get(actor.end.remote())
            while True:
                ray.get(actor.hold.remote())
        except Exception:
            self.forward(number, Received(None, ending="lost", lost=True))

    def _relay(self, number: int, actor: Any, new: bool) -> None:
        """Pass on what a seat says until it ends."""
        import ray

        try:
            if new:
                host, trouble = ray.get(actor.where.remote())
                self.granted.add(actor)
                self.forward(number, host)
                if trouble:
                    self.forward(number, Received(Broken(f"it {trouble}")))
                    return
            while number in self.actors:
                for received in ray.get(actor.receive.remote()):
                    self.forward(number, received)
                    if received.message is None:
                        return
        except ray.exceptions.OutOfMemoryError:
            self.forward(
                number, Received(None, ending="ended by Ray, for its node's memory was full")
            )
        except Exception as problem:  # RayError, and ConnectionError of a client
            why = f"lost with its node ({type(problem).__name__})"
            self.forward(number, Received(None, ending=why, lost=True))


def main(pipe: Connection, address: str, command: str) -> None:
    """Connect, then do what the conductor asks for, until its pipe closes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # Ray's own lines; what concerns a user comes as a message
        os.dup2(nowhere, stream)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    try:
        ray.init("auto" if address == "ray" else address, log_to_driver=False)
        bridge = Bridge(pipe, command)
        resources = ray.cluster_resources()
    except BaseException as problem:
        pipe.send((0, f"{type(problem).__name__}: {first_line(problem)}"))
        return
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # the conductor decides
    bridge.forward(0, resources)
    threading.Thread(target=_watch, args=(bridge,), daemon=True).start()
    try:
        while (order := pipe.recv()) is not None:
            name, *arguments = order
            getattr(bridge, name)(*arguments)
        bridge.close()
    except (EOFError, OSError):
        pass  # killed: what it hired goes with this process
    finally:
        with suppress(Exception):
            ray.shutdown()


def _watch(bridge: Bridge) -> None:
    import ray

    while True:
        time.sleep(POLL_S)
        with suppress(Exception):
            bridge.forward(0, ray.cluster_resources())
