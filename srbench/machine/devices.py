"""Which devices there are, what they are called, which worker gets which, and in what precision."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Literal

from srbench.machine.provenance import cpu_name
from srbench.registry import StudyError, first_line

Precision = Literal["fp32", "bf16"]


def choose_devices(asked: str, workers: int | None) -> tuple[str, ...]:
    """The device of each worker: every CUDA device of the first one's kind, or the CPU once a core.

    Raises:
        StudyError: the device is not there.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        asked = "cuda" if count else "cpu"
    if asked == "cpu":
        return ("cpu",) * (workers or len(os.sched_getaffinity(0)))
    known = [f"cuda:{i}" for i in range(count)]
    chosen = _of_one_kind(known) if asked == "cuda" else [asked]
    if not chosen or not set(chosen) <= set(known):
        found = ", ".join(["cpu", *known])
        raise StudyError(f"{asked!r} is not there (found: auto, {found})", place="--device")
    return tuple(chosen[i % len(chosen)] for i in range(workers or len(chosen)))


def choose_precision(asked: str, device: str) -> Precision:
    """The precision of training on a device: what was asked, or for `auto` the one that is proven.

    Raises:
        StudyError: not a precision.
    """
    if asked == "auto":
        return "fp32"
    if asked not in ("fp32", "bf16"):
        raise StudyError(f"{asked!r} is unknown (known: auto, fp32, bf16)", place="--precision")
    return asked  # type: ignore[return-value]


def device_name(device: str) -> str:
    """The hardware behind a device: "NVIDIA H100", or the processor's name."""
    if device == "cpu":
        return cpu_name()
    import torch

    try:
        return torch.cuda.get_device_name(device)
    except RuntimeError as problem:  # it is there, and does not work
        said = f"{device} cannot be used: {first_line(problem)}"
        raise StudyError(said, place="--device") from None


def _of_one_kind(devices: list[str]) -> list[str]:
    """Those that are what the first one is: another kind of device would give other bits."""
    return [one for one in devices if device_name(one) == device_name(devices[0])]


def driver(device: str) -> str | None:
    """The NVIDIA driver's version, where there is one."""
    if device == "cpu":
        return None
    try:
        words = Path("/proc/driver/nvidia/version").read_text().split()
    except OSError:
        return platform.system()
    return next((word for word in words if word[0].isdigit() and "." in word), None)
