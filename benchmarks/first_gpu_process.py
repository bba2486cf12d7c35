"""A process that takes one case after another, and is replaced once a case has gone wrong in it.

After a device-side assert nothing works any more in a process, and a hung one cannot be asked to
stop: so cases share a process (an import of torch takes seconds) only as long as all is well.
Requests and answers are lines of JSON. Imports nothing of srbench or torch.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

END_S = 10.0  # that a process may take to end


class Spoilt(Exception):
    """A case went wrong, and its process is trusted no more."""


class Overdue(Spoilt):
    """A case took too long."""


class Process:
    """A process in a session of its own, so that what it starts ends with it."""

    def __init__(self, command: Sequence[str], log: IO[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.heard: queue.Queue[str | None] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def answers(self, request: dict[str, Any], seconds: float) -> Iterator[Any]:
        """What the process answers, as it comes.

        Raises:
            Overdue: it has not finished within `seconds`.
            Spoilt: it raised an exception, or ended.
        """
        until = time.monotonic() + seconds
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, which is heard below
            self.process.stdin.write(json.dumps(request | {"seconds": seconds}) + "\n")
            self.process.stdin.flush()
        while True:
            try:
                line = self.heard.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise Overdue(f"it took longer than {seconds:.0f} s") from None
            if line is None:
                raise Spoilt(f"the process ended ({self._ending()})")
            message = json.loads(line)
            if "answer" in message:
                yield message["answer"]
            elif message["problem"]:
                raise Spoilt(message["problem"])
            else:
                return

    def end(self) -> None:
        """Kill the process and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # a driver that hangs may hold it
            self.process.wait(END_S)
        self.listener.join(END_S)
        if self.listener.is_alive():
            return
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not written can be no more
                pipe.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.put(line)
        self.heard.put(None)

    def _ending(self) -> str:
        try:
            code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "it only closed its output"
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def serve(answer: Callable[[dict[str, Any]], Iterator[Any]]) -> None:
    """Answer requests until standard input ends; whatever else is printed goes to the log."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def send(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    for line in sys.stdin:
        problem = ""
        try:
            for found in answer(json.loads(line)):
                send(answer=found)
        except Exception as raised:
            traceback.print_exc()
            first = next(iter(str(raised).strip().splitlines()), "")
            problem = f"{type(raised).__name__}: {first}"
        send(problem=problem)
