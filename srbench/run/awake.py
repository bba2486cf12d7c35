"""A clock that stands still while this process is suspended.

The system's monotonic clock stops while the machine sleeps, but not while the process is stopped
(Ctrl-Z, `scontrol suspend`, `docker pause`) or its virtual machine is paused.
"""

from __future__ import annotations

import threading
import time

TICK_S = 0.25
GAP_S = 2.0  # between two ticks; shorter ones may be other processes
SHARE = 0.05  # of a gap in which the process computed: with less it was suspended


class AwakeClock:
    """Seconds since any moment, without those in which the process was suspended.

    Use it as a context: a thread inside notices when the process was not run.
    """

    def __init__(self) -> None:
        self.last, self.computed = time.monotonic(), time.process_time()
        self.suspended = 0.0
        self.lock, self.ended = threading.Lock(), threading.Event()

    def __enter__(self) -> AwakeClock:
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.ended.set()

    def __call__(self) -> float:
        with self.lock:
            now, computed = time.monotonic(), time.process_time()
            gap = now - self.last
            if gap > GAP_S and computed - self.computed < SHARE * gap:
                self.suspended += gap - TICK_S
            self.last, self.computed = now, computed
            return now - self.suspended

    def _tick(self) -> None:
        while not self.ended.wait(TICK_S):
            self()
