"""Memory that is free for new processes, and the folder for large temporary files."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
MOUNTS = Path("/proc/self/mounts")
ON_DISK = "/var/tmp"  # where the Filesystem Hierarchy Standard has large temporary files


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


def scratch() -> str:
    """The folder for large temporary files: TMPDIR, else /tmp, or /var/tmp if /tmp is in memory."""
    folder = gettempdir()
    if os.environ.get("TMPDIR") or not os.access(ON_DISK, os.W_OK):
        return folder
    with suppress(OSError, ValueError):
        mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
        kinds = {len(at): kind for at, kind in mounts if Path(folder).is_relative_to(at)}
        return ON_DISK if kinds[max(kinds)] in ("tmpfs", "ramfs") else folder
    return folder


def free_disk() -> int | None:
    """Bytes that are free for large temporary files; None where there is no folder for them."""
    try:
        return shutil.disk_usage(scratch()).free
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
