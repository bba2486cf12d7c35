"""The devices of this machine, their names, the device of each worker, and its precision.

Nothing here opens a context on a device, which would take its memory: only workers do.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from srbench.core.errors import DeviceError, UserError, first_line, unknown
from srbench.core.provenance import cpu_name, versions

Precision = Literal["fp32", "tf32", "bf16"]
MemoryOrder = Literal["auto", "contiguous", "channels_last"]

CAPABILITY = "instructions"  # of the CPU, among the versions
CUDA = re.compile(r"cuda(:\d{1,3}(,\d{1,3})*)?")
DRIVER = Path("/proc/driver/nvidia/version")
NODES = Path("/dev")


@dataclass(frozen=True)
class Cuda:
    """The CUDA devices of this machine: those that can be used, and why others cannot."""

    names: dict[str, str] = field(default_factory=dict)  # usable: "cuda:0" -> its name
    unusable: dict[str, str] = field(default_factory=dict)  # device -> "cuda:1 cannot be used: …"
    problem: str = ""  # why there is no usable device
    expected: bool = False  # no usable device, although the machine has an NVIDIA driver or GPU


@dataclass(frozen=True)
class Machine:
    """What computes: a computer, its software and one of its devices."""

    host: str
    device: str  # the hardware's name
    driver: str | None
    versions: dict[str, str]  # of packages, CUDA and cuDNN; on the CPU, of its instruction set
    python: str
    platform: str

    def __str__(self) -> str:
        shown = ("torch", "cuda", "cudnn", CAPABILITY)
        named = [f"{name} {self.versions[name]}" for name in shown if name in self.versions]
        return ", ".join([self.device, *named])

    def differences(self, other: Machine) -> list[str]:
        """What may give another machine other bits: the accelerator and the versions."""
        mine, others = (
            m.versions | ({} if CAPABILITY in m.versions else {"device": m.device})
            for m in (self, other)
        )
        return [
            f"{name} {others.get(name, 'none')} for {mine.get(name, 'none')}"
            for name in sorted(mine.keys() | others.keys())
            if mine.get(name) != others.get(name)
        ]


def machine(device: str) -> Machine:
    """This machine with one of its devices, for a process that computes there."""
    return Machine(
        host=socket.gethostname(),
        device=device_name(device),
        driver=driver(device),
        versions=versions() | device_versions(device),
        python=platform.python_version(),
        platform=platform.platform(),
    )


def choose_devices(
    asked: str, workers: int | None, say: Callable[[str], None] = lambda text: None
) -> tuple[str, ...]:
    """The device of each worker: `workers` on each CUDA device (1), or on the CPU (one a core).

    `cuda` takes all devices of the first one's kind, `auto` the same or the CPU. `say` receives a
    line about each device that is left out.

    Raises:
        DeviceError: the device is missing, or cannot be used.
    """
    if asked not in ("auto", "cpu") and not CUDA.fullmatch(asked):
        known = ("auto", "cpu", "cuda", "cuda:0", "cuda:0,2")
        raise DeviceError(unknown("", asked, known), place="--device")
    warnings.filterwarnings("ignore", "CUDA initialization")  # training on the CPU warns too
    found = Cuda() if asked == "cpu" else cuda_devices()
    if not found.names:
        if asked not in ("auto", "cpu"):
            raise DeviceError(f"{asked!r} cannot be used: {found.problem}", place="--device")
        if found.expected:
            say(f"--device auto uses the CPU: {found.problem}")
        return ("cpu",) * (workers or len(os.sched_getaffinity(0)))
    if ":" in asked:
        chosen = _listed(asked, found)
    else:
        for problem in found.unusable.values():
            say(f"{problem}; other devices are used")
        kind = next(iter(found.names.values()))  # another kind would compute other bits
        chosen = [device for device, name in found.names.items() if name == kind]
        for device, name in found.names.items():
            if name != kind:
                say(f"{device} ({name}) is not used: a study runs on one kind, here {kind}")
    return tuple(chosen * (workers or 1))  # in turn, so that each device has its first one early


def choose_device(asked: str, say: Callable[[str], None] = lambda text: None) -> str:
    """The device of a command that uses only one: the first that `asked` allows.

    Raises:
        DeviceError: the device is missing or cannot be used, or `asked` is a list.
    """
    if "," in asked and CUDA.fullmatch(asked):
        raise DeviceError(f"{asked!r} names several devices; this command uses one",
                          place="--device")  # fmt: skip
    return choose_devices(asked, None, say)[0]


def cuda_devices() -> Cuda:
    """The CUDA devices that torch can use; its warnings become reasons."""
    import torch

    if not (torch.version.cuda or torch.version.hip):
        problem = f"this torch ({torch.__version__}) is built without CUDA"
        return Cuda(problem=problem, expected=_has_nvidia())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.is_available()  # warns once a process, so it must be here
            torch.cuda.init()  # type: ignore[no-untyped-call]
    except Exception as refusal:  # RuntimeError, AssertionError, DeferredCudaCallError
        return _failed_start(str(refusal))
    names, unusable = dict[str, str](), dict[str, str]()
    for device in (f"cuda:{i}" for i in range(torch.cuda.device_count())):
        try:
            names[device] = _usable_name(device)
        except UserError as error:
            unusable[device] = error.problem
    return Cuda(names, unusable, "" if names else "; ".join(unusable.values()), not names)


def choose_precision(asked: str, device: str) -> Precision:
    """The precision of training on a device: `asked`, or fp32 for `auto`.

    Raises:
        DeviceError: not a precision.
    """
    if asked == "auto":
        return "fp32"
    known = ("fp32", "bf16") if device == "cpu" else get_args(Precision)
    if asked not in known:
        raise DeviceError(
            f"{asked!r} is unknown on {device} (known: auto, {', '.join(known)})",
            place="--precision",
        )
    return asked  # type: ignore[return-value]


def device_name(device: str) -> str:
    """The hardware behind a device: "NVIDIA H100", or the processor's name."""
    if device == "cpu":
        return cpu_name()
    import torch

    try:
        return torch.cuda.get_device_name(device)
    except Exception as problem:  # RuntimeError, AssertionError, DeferredCudaCallError
        reason = f"{device} cannot be used: {first_line(problem)}"
        raise DeviceError(reason, place="--device") from None


def device_versions(device: str) -> dict[str, str]:
    """The versions of CUDA and cuDNN that torch uses; of the CPU, the instructions it uses."""
    import torch

    if device == "cpu":
        return {CAPABILITY: torch.backends.cpu.get_cpu_capability()}

    found = {"cuda": torch.version.cuda}
    with suppress(RuntimeError):  # cuDNN is not the one that torch was built with
        if n := torch.backends.cudnn.version():  # type: ignore[no-untyped-call]
            found["cudnn"] = f"{n // 10_000}.{n // 100 % 100}.{n % 100}"
    return {name: version for name, version in found.items() if version}


def driver(device: str) -> str | None:
    """The NVIDIA driver's version, where it is known."""
    if device == "cpu":
        return None
    with suppress(OSError):
        words = DRIVER.read_text().split()
        return next((word for word in words if word[0].isdigit() and "." in word), None)
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    with suppress(OSError, subprocess.SubprocessError):  # the only source under WSL
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
        return next(iter(done.stdout.split()), None)
    return None


def _listed(asked: str, found: Cuda) -> list[str]:
    """The devices of a list such as cuda:0,2."""
    devices = [f"cuda:{int(number)}" for number in asked.removeprefix("cuda:").split(",")]
    for device in devices:
        if devices.count(device) > 1:
            raise DeviceError(
                f"{asked!r} names {device} twice; --workers 2 starts two workers on each GPU",
                place="--device",
            )
        if device in found.unusable:
            raise DeviceError(found.unusable[device], place="--device")
        if device not in found.names:
            there = ", ".join(found.names)
            raise DeviceError(f"{device!r} is missing (found: {there})", place="--device")
    if len({found.names[device] for device in devices}) > 1:
        kinds = ", ".join(f"{device} {found.names[device]}" for device in devices)
        raise DeviceError(
            f"{asked!r} names several kinds ({kinds}); a study runs on one kind", place="--device"
        )
    return devices


def _usable_name(device: str) -> str:
    """A device's name; DeviceError where it fails or this torch has no code for it."""
    import torch

    name = device_name(device)
    major, minor = torch.cuda.get_device_capability(device)
    built = torch.cuda.get_arch_list() if torch.version.cuda else []  # ROCm names them otherwise
    if built and not any(_runs_on(code, major, minor) for code in built):
        raise DeviceError(
            f"{device} cannot be used: {name} has compute capability {major}.{minor}, and this "
            f"torch ({torch.__version__}) is built for {', '.join(built)}",
            place="--device",
        )
    return name


def _runs_on(code: str, major: int, minor: int) -> bool:
    """Whether code runs: sm_86 within its major version from 8.6 on, compute_86 (PTX) on all."""
    kind, _, number = code.partition("_")
    built = divmod(int(number.rstrip("af")), 10)
    return built <= (major, minor) and (kind == "compute" or built[0] == major)


def _failed_start(message: str) -> Cuda:
    """Why torch cannot start CUDA, from its message."""
    import torch

    here = _has_nvidia()
    if old := re.search(r"too old \(found version (\d+)\)", message):
        supported = f"{int(old[1]) // 1000}.{int(old[1]) % 1000 // 10}"
        problem = (
            f"the NVIDIA driver is too old (it supports CUDA {supported}; this torch was built "
            f"for CUDA {torch.version.cuda}); update the driver, or install a torch built for an "
            "older CUDA"
        )
        return Cuda(problem=problem, expected=True)
    if error := re.search(r"Error (\d+: .*)", message):
        return Cuda(problem=f"CUDA does not start: error {error[1]}", expected=True)
    problem = f"CUDA does not start: {message.partition(chr(10))[0][:200]}"
    if "no NVIDIA driver" in message:
        problem = "no NVIDIA driver is installed"
        if here:
            problem = "libcuda.so.1 of the NVIDIA driver is not found; a container needs --gpus all"
    elif "No CUDA GPUs" in message:
        problem = "the NVIDIA driver finds no GPU"
        if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
            problem = f"CUDA_VISIBLE_DEVICES={visible!r} leaves no GPU visible"
            here = here and visible not in ("", "-1")  # users ask for the CPU so
    return Cuda(problem=problem, expected=here)


def _has_nvidia() -> bool:
    return DRIVER.exists() or any(NODES.glob("nvidia[0-9]*"))
