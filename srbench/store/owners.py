"""The owner of a run, and whether that process is still running.

A pid alone proves nothing: machines restart, pids are used again, and two containers count
theirs apart. So an owner is machine, its start (with the pid namespace), pid and process start.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from srbench.store.values import Owner

PROC = Path("/proc")


def this_process(label: str = "") -> Owner:
    """The owner that this process is."""
    pid = os.getpid()
    return Owner(socket.gethostname(), this_boot(), pid, start_of(pid) or 0.0, label)


def this_boot() -> str:
    """What pids here refer to: this start of this machine, seen from this container."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def start_of(pid: int) -> float | None:
    """When a process started, in seconds after boot; None where it has ended or is unknown."""
    state, *fields = _stat(pid) or ["X"]
    return None if state in ("Z", "X") else int(fields[18]) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty where the process has none."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()  # the name before it may hold anything


def is_at_work(owner: Owner) -> bool:
    """Whether the owner is certainly a process of this machine that runs and is not suspended."""
    return (
        _is_here(owner)
        and bool(owner.boot)
        and start_of(owner.pid) == owner.started
        and _stat(owner.pid)[:1] not in ([], ["T"], ["t"])
    )


def is_gone(owner: Owner) -> bool:
    """Whether the owner was a process of this machine and has certainly ended."""
    if not _is_here(owner):
        return False
    if owner.boot and (PROC / str(owner.pid)).exists():
        return start_of(owner.pid) != owner.started
    if sys.platform == "win32":  # os.kill would end the process
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _is_here(owner: Owner) -> bool:
    return (owner.host, owner.boot) == (socket.gethostname(), this_boot())
