"""What disturbs a measurement: load of the host, other processes on the GPU, throttling.

Read before and after a pass, never during it. What a system does not report is None.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import torch

BUSY = 0.5  # other runnable processes, averaged over a minute, above which a pass warns
SMI = (
    "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.hw_thermal_slowdown",
    "clocks_throttle_reasons.sw_thermal_slowdown", "clocks_throttle_reasons.sw_power_cap",
)  # fmt: skip
"""What nvidia-smi is asked for; it comes with the driver and needs no package."""


@dataclass(frozen=True)
class Condition:
    """The machine at one moment."""

    throttled: tuple[str, ...] = ()  # why the GPU lowers its clock now
    load: float | None = None  # runnable processes on the host, averaged over a minute
    others: int | None = None  # other processes on the GPU


def condition(device: torch.device) -> Condition:
    """The machine now."""
    load = os.getloadavg()[0]
    if device.type == "cpu":
        return Condition(load=load)
    named = f"{torch.cuda.get_device_properties(device).uuid}"
    uuid = named if named.startswith("GPU-") else f"GPU-{named}"
    reasons = _smi("-i", uuid, f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits")
    users = _smi("-i", uuid, "--query-compute-apps=pid", "--format=csv,noheader")
    return Condition(throttled(reasons or ""), load, None if users is None else _others(users))


def throttled(line: str) -> tuple[str, ...]:
    """The reasons for a lower clock that a line of nvidia-smi reports as active."""
    cells = [cell.strip() for cell in line.strip().split(",")]
    return tuple(
        name.partition(".")[2].replace("_", " ")
        for name, value in zip(SMI, cells, strict=False)
        if value == "Active"
    )


def warnings_of(before: Condition, after: Condition) -> Iterator[str]:
    """What makes the machine unfit for measuring, a sentence each."""
    if before.load is not None and before.load > BUSY:
        cores = len(os.sched_getaffinity(0))
        yield (
            f"the machine was busy before the pass: {before.load:.1f} processes wanted to run "
            f"on {cores} core{'s' if cores > 1 else ''}"
        )
    if before.others:
        yield f"{before.others} other process{'es use' if before.others > 1 else ' uses'} the GPU"
    reasons = sorted({*before.throttled, *after.throttled})
    if reasons:
        yield f"the GPU lowered its clock: {', '.join(reasons)}"


def _smi(*arguments: str) -> str | None:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["nvidia-smi", *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout
    return None


def _others(listed: str) -> int:
    pids = {int(word) for word in listed.split() if word.isdigit()}
    return len(pids - {os.getpid()})
