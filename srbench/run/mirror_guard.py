"""A mirror that is never in the way: trouble with it is told once, and ends the mirroring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from srbench.core.errors import StudyError, first_line


class Guarded:
    """Holds a mirror; what goes wrong inside `with guarded() as mirror` is told, not raised."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.told = False  # that there is trouble with it
        self.mirror: Any = _Absent()

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        try:
            yield self.mirror
        except Exception as problem:
            first = first_line(problem)
            if not self.told:
                self.say(
                    f"the Optuna mirror stays behind ({type(problem).__name__}: {first}); "
                    "results are safe, and srbench dashboard makes it anew"
                )
            self.told = True
            self.mirror = _Absent()


class _Absent:
    """Stands where there is no mirror: takes every call and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


@contextmanager
def told(root: Path) -> Iterator[None]:
    """What a full disk or a damaged file does to Optuna, told in one line."""
    try:
        yield
    except Exception as problem:
        said = str(problem).splitlines() or [""]
        raise StudyError(
            f"the Optuna mirror cannot be made ({type(problem).__name__}: {said[0]}); results are "
            "safe. See that the disk has space, delete this file if it is damaged, then run the "
            "same command again",
            place=str(root / "optuna.sqlite"),
        ) from problem


def mirror_url(root: Path) -> str:
    """Where Optuna's own database lies: a file of its own, so that it can lock nothing of ours."""
    return f"sqlite:///{root / 'optuna.sqlite'}"
