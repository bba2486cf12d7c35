"""`srbench` and `python -m srbench`: an interrupt while they still import is no traceback."""

import gc
import io
import os
import signal
import sys
from functools import partial

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""As in `core.signals`, which takes too long to import: the last three count as SIGTERM."""


def main() -> None:
    """Run srbench. Before and after its command, a signal to stop ends it: 130, 143 or 129."""
    for name in STOPPING:
        number = getattr(signal, name, None)  # Windows has only the first two
        if number and (name in STOPPING[:2] or signal.getsignal(number) != signal.SIG_IGN):
            code = 128 + (signal.SIGTERM if name in STOPPING[3:] else number)
            signal.signal(number, partial(_end, code))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an encoding without ± is no reason to end
            stream.reconfigure(errors="backslashreplace")
    gc.set_threshold(100_000, 50, 100)  # else torch's import sets off hundreds of collections
    from srbench.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()  # nor is there anything to gain from one at the end: 0.4 s with torch


def _end(code: int, number: int, frame: object) -> None:
    os._exit(code)


if __name__ == "__main__":
    main()
