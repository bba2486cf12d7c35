"""The machine around a measurement: clocks, heat, throttling, and who else uses it.

Read before and after a pass and never during it. What a system does not tell is None: a virtual
machine shows neither clock nor heat.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

CLOCK_DROP = 0.05  # a clock that has fallen by more is told
BUSY = 0.5  # runnable processes beside ours, on average over a minute, that are told
SMI = (
    "clocks.sm", "clocks.max.sm", "utilization.gpu",
    "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.hw_thermal_slowdown",
    "clocks_throttle_reasons.sw_thermal_slowdown", "clocks_throttle_reasons.sw_power_cap",
)  # fmt: skip
"""What nvidia-smi is asked for; it is where the driver is, and needs no package."""


@dataclass(frozen=True)
class Condition:
    """The device at one moment."""

    clock_mhz: float | None = None
    clock_max_mhz: float | None = None
    throttled: tuple[str, ...] = ()  # what holds the clock down now
    throttle_count: int | None = None  # how often the CPU was throttled since its start
    load: float | None = None  # of the host, processes that want to run, over a minute
    others: int | None = None  # other processes on the GPU


def condition(device: torch.device) -> Condition:
    """How the device is now."""
    load = os.getloadavg()[0]
    if device.type == "cpu":
        clocks = _clocks()
        return Condition(
            clock_mhz=sum(clocks) / len(clocks) if clocks else None,
            clock_max_mhz=max(_maxima(), default=None),
            throttle_count=_throttle_count(),
            load=load,
        )
    named = f"{torch.cuda.get_device_properties(device).uuid}"
    uuid = named if named.startswith("GPU-") else f"GPU-{named}"
    told = _smi("-i", uuid, f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits")
    users = _smi("-i", uuid, "--query-compute-apps=pid", "--format=csv,noheader")
    others = None if users is None else _others(users)
    return gpu_condition(told or "", load, others)


def gpu_condition(line: str, load: float | None, others: int | None) -> Condition:
    """What a line of nvidia-smi says, with what it is asked for above."""
    cells = [cell.strip() for cell in line.strip().split(",")]
    told = dict(zip(SMI, cells, strict=False)) if len(cells) == len(SMI) else {}
    return Condition(
        clock_mhz=_number(told.get("clocks.sm")),
        clock_max_mhz=_number(told.get("clocks.max.sm")),
        throttled=tuple(
            name.partition(".")[2].replace("_", " ")
            for name, value in told.items()
            if "throttle" in name and value == "Active"
        ),
        load=load,
        others=others,
    )


def complaints(before: Condition, after: Condition, threads: int) -> list[str]:
    """What is wrong with a machine for measuring, a sentence each."""
    return list(_complaints(before, after, threads))


def _complaints(before: Condition, after: Condition, threads: int) -> Iterator[str]:
    if before.load is not None and before.load > BUSY:
        cores = len(os.sched_getaffinity(0))
        yield (
            f"the machine was busy before the pass: {before.load:.1f} processes wanted to run "
            f"on {cores} core{'s' if cores > 1 else ''}"
        )
    if before.others:
        yield f"{before.others} other process{'es use' if before.others > 1 else ' uses'} the GPU"
    if (
        before.clock_mhz
        and after.clock_mhz
        and after.clock_mhz < before.clock_mhz * (1 - CLOCK_DROP)
    ):
        yield f"the clock fell from {before.clock_mhz:.0f} to {after.clock_mhz:.0f} MHz"
    held = sorted({*before.throttled, *after.throttled})
    if held:
        yield f"the clock was held down by {', '.join(held)}"
    counts = before.throttle_count, after.throttle_count
    if None not in counts and counts[1] > counts[0]:  # type: ignore[operator]
        yield "the processor was throttled for its heat during the pass"


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


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


CPUS = Path("/sys/devices/system/cpu")


def _read(paths: Iterator[Path], unit: float) -> list[float]:
    found = []
    for path in sorted(paths):
        with suppress(OSError, ValueError):
            found.append(float(path.read_text()) / unit)
    return found


def _clocks() -> list[float]:
    return _read(CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"), 1e3)


def _maxima() -> list[float]:
    return _read(CPUS.glob("cpu[0-9]*/cpufreq/cpuinfo_max_freq"), 1e3)


def _throttle_count() -> int | None:
    found = _read(CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"), 1)
    return int(sum(found)) if found else None
