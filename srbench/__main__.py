"""`srbench` and `python -m srbench`: an interrupt while they still import is no traceback."""

import gc
import io
import os
import signal
import sys


def main() -> None:
    """Run srbench. Before and after its command, a signal to stop ends it: 130, 143 or 129."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows knows no SIGHUP; nohup has it ignored
        if number and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, lambda found, _: os._exit(128 + found))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an encoding without ± is no reason to end
            stream.reconfigure(errors="backslashreplace")
    gc.set_threshold(100_000, 50, 100)  # else torch's import sets off hundreds of collections
    from srbench.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()  # nor is there anything to gain from one at the end: 0.4 s with torch


if __name__ == "__main__":
    main()
