"""`srbench` and `python -m srbench`: an interrupt while they still import is no traceback."""

import os
import signal


def main() -> None:
    """Run srbench. Before and after its command, a signal to stop ends it: 130, 143 or 129."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows knows no SIGHUP; nohup has it ignored
        if number and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, lambda found, _: os._exit(128 + found))
    from srbench.cli import main as run

    run()


if __name__ == "__main__":
    main()
