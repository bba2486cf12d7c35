"""The shim as Python meets it: compiled once, armed through a mapped file, its list read."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SOURCE = Path(__file__).with_name("shim.c")
MODES = ("off", "list", "kill", "torn", "once", "ever")
KINDS = {"write": 1, "sync": 2, "cut": 4, "name": 8, "remove": 16, "make": 32}
LAYOUT = struct.Struct("=6q464s")

Mode = Literal["off", "list", "kill", "torn", "once", "ever"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the call that is chosen."""

    name: str
    mode: Mode
    error: int = 0
    kinds: tuple[str, ...] = tuple(KINDS)

    @property
    def kills(self) -> bool:
        return self.mode in ("kill", "torn")


FAULTS = (
    Fault("kill before", "kill"),
    Fault("torn, then kill", "torn"),
    Fault("ENOSPC once", "once", errno.ENOSPC),
    Fault("ENOSPC from then on", "ever", errno.ENOSPC),
    Fault("EIO once", "once", errno.EIO),
    Fault("EIO from then on", "ever", errno.EIO),
    Fault("fsync fails once", "once", errno.EIO, ("sync",)),
)


WRITES = {"write", "pwrite", "writev", "sendfile", "copy_file_range"}
SYNCS = {"fsync", "fdatasync"}
REMOVES = {"unlink"}


def can_meet(fault: Fault, number: int, calls: Sequence[tuple[str, str]]) -> bool:
    """Whether the fault can come at the call of this number, and is not another case's twin.

    What is no write cannot be torn: killed after it is killed before the next call. A full disk
    lets files be removed. Failing flushes are counted among flushes alone.
    """
    name = calls[number - 1][0]
    if fault.mode == "torn":
        return name in WRITES or number == len(calls)
    if fault.error == errno.ENOSPC:
        return name not in REMOVES
    if fault.kinds == ("sync",):
        return number <= sum(call in SYNCS for call, _ in calls)
    return True


def is_within(number: int, calls: Sequence[tuple[str, str]]) -> bool:
    """Whether the call stands inside a row of like calls on one file, neither first nor last.

    A kill or a torn write leaves another file at each of them; an error takes the program the same
    way as at the ends of the row: one transaction that is rolled back.
    """
    near = calls[max(number - 2, 0) : number + 1]
    return len(near) == 3 and len(set(near)) == 1


class Shim:
    """Arms the shim of every process that was started with `environment`."""

    def __init__(self, control: Path) -> None:
        if not control.exists():
            control.write_bytes(bytes(LAYOUT.size))
        self.path = control
        with control.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)

    def environment(self, library: Path) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "SHIM_CONTROL": str(self.path)}

    def arm(self, folder: Path, fault: Fault, number: int) -> None:
        """From now on the fault waits for the call of this number below the folder."""
        kinds = sum(KINDS[kind] for kind in fault.kinds)
        values = (MODES.index(fault.mode), number, fault.error, kinds, 0, 0)
        self.map[:] = LAYOUT.pack(*values, os.fsencode(folder.resolve()))

    def disarm(self) -> bool:
        """Nothing goes wrong any more; whether something had."""
        fired = bool(LAYOUT.unpack(self.map[:])[5])
        self.map[:] = bytes(LAYOUT.size)
        return fired

    def calls(self) -> list[tuple[str, str]]:
        """Name and path of each call since the last time, in order."""
        log = Path(f"{self.path}.list")
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        os.truncate(log, 0)
        return [(name, path) for _, name, path in (line.split("\t", 2) for line in lines)]


def compiled(folder: Path) -> Path | None:
    """The shim as a library in this folder; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not Path("/proc/self/fd").is_dir():
        return None
    made = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True)
    return made
