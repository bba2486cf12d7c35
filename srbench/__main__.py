"""`srbench` and `python -m srbench`: an interrupt while they still import is no traceback."""

import os
import signal


def main() -> None:
    """Run srbench. Until it can say more, Ctrl-C and SIGTERM end it with 130 and 143."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in former:
        signal.signal(number, lambda found, _: os._exit(128 + found))
    from srbench.cli import main as run

    for number, handler in former.items():
        signal.signal(number, handler)
    run()


if __name__ == "__main__":
    main()
