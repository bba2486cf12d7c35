"""`srbench` and `python -m srbench`: an interrupt while they still import is no traceback."""

import os
import signal


def main() -> None:
    """Run srbench. Before and after its command, Ctrl-C and SIGTERM end it with 130 and 143."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda found, _: os._exit(128 + found))
    from srbench.cli import main as run

    run()


if __name__ == "__main__":
    main()
