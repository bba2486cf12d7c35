"""Memory that is free for new processes, and room in the temporary folder."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Bytes that new processes may take: of the machine, or of a container or batch job.

    Pages of files count as free, since the system can drop them. None where it is not known.
    """
    found = list[int]()
    with suppress(OSError, ValueError, KeyError):
        rows = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
        found.append(1024 * int(rows["MemAvailable"].split()[0]))
    with suppress(OSError, ValueError, KeyError):
        name = CGROUP.read_text().strip().rpartition("::/")[2]
        own = CGROUPS / name
        for folder in (own, *own.parents):
            if folder.is_relative_to(CGROUPS):
                found += _left(folder)
    return min(found, default=None)


def free_disk() -> int | None:
    """Bytes that are free in the temporary folder; None where there is none."""
    try:
        return shutil.disk_usage(gettempdir()).free
    except OSError:
        return None


def _left(cgroup: Path) -> list[int]:
    """What a cgroup (version 2) leaves of its limit, if it has one."""
    with suppress(OSError, ValueError, KeyError):
        limit = int((cgroup / "memory.max").read_text())  # "max" where there is none
        rows = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        files = int(rows["inactive_file"]) + int(rows["active_file"])
        return [limit - int((cgroup / "memory.current").read_text()) + files]
    return []
