"""A call of `srbench run` or `srbench plan` as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from srbench.core.command_line import command
from srbench.core.devices import MemoryOrder


@dataclass(frozen=True)
class RunProgress:
    """How far a run is: what `on_progress` is given, about once a second and at a run's end.

    `points` are the new points of its curves: (name, step, epoch, value).
    """

    variant: str
    seed: int
    run: int
    step: int
    steps: int
    state: Literal["training", "done", "failed", "pruned"]
    points: tuple[tuple[str, int, float, float], ...] = ()


def ignore(seen: RunProgress) -> None:
    """The `on_progress` of those who log nothing themselves."""


@dataclass(frozen=True)
class Request:
    """A study file with the options of the command."""

    study: Path
    db: str | None = None
    device: str = "auto"
    workers: int | None = None
    seeds: int | None = None
    only: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    fresh: bool = False
    checkpoint_s: float | None = None  # None: what suits the seats
    precision: str = "auto"
    memory_order: MemoryOrder = "auto"
    rerun_stale: bool = False
    on: str | None = None  # a Ray cluster: "ray", or its address
    parts: tuple[Path, ...] = ()
    files: Path | None = None  # the folder of run files of a PostgreSQL database
    on_progress: Callable[[RunProgress], None] = ignore

    def options(self) -> list[str]:
        """What decides the plan besides the file."""
        numerics = [self.device, self.precision, self.memory_order, str(self.on)]
        parts = map(str, self.parts)
        return [*numerics, str(self.seeds), *self.only, "--set", *self.set, "--parts", *parts]

    def rerun(self) -> str:
        """The command that trains this request's stale runs again."""
        seeds = ["--seeds", str(self.seeds)] if self.seeds is not None else []
        only = [word for glob in self.only for word in ("--only", glob)]
        changes = [word for change in self.set for word in ("--set", change)]
        changes += [word for file in self.parts for word in ("--parts", str(file))]
        return command("run", self.study, [*seeds, *only, *changes, "--rerun", "stale"], self.db)
