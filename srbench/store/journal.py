"""Which journal an SQLite file gets, and why.

WAL lets readers and writers work side by side, but SQLite 3.7.0 to 3.51.2 can corrupt such a
file when two connections write and checkpoint at once (fixed in 3.51.3, 3.50.7 and 3.44.6),
and WAL does not work across a network. Elsewhere TRUNCATE is used, which is slower and fast enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = (
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs",
    "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs",
)  # fmt: skip


@dataclass(frozen=True)
class Journal:
    """A journal mode with the reason it was chosen."""

    mode: Literal["wal", "truncate"]
    why: str


def is_wal_safe(version: Sequence[int]) -> bool:
    """Whether this SQLite has the fix of its write-ahead log."""
    numbers = tuple(version[:3])
    return (
        numbers >= (3, 51, 3)
        or (3, 50, 7) <= numbers < (3, 51, 0)
        or (3, 44, 6) <= numbers < (3, 45, 0)
    )


def choose(version: Sequence[int], disk: str) -> Journal:
    """WAL where both the SQLite version and the file system are known to be safe for it."""
    if disk in NETWORK:
        return Journal("truncate", f"the file lies on a network file system ({disk})")
    if not disk:
        return Journal("truncate", "this system does not report whether the disk is local")
    name = ".".join(map(str, version[:3]))
    if not is_wal_safe(version):
        return Journal("truncate", f"SQLite {name} can damage a database in WAL mode")
    return Journal("wal", f"SQLite {name} on a local disk ({disk})")


def disk_of(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of file system under a path, from Linux's list of mounts; empty elsewhere."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = path.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = Path(unescaped(fields[4]))
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind


def unescaped(text: str) -> str:
    """Mount points write space, tab, newline and backslash as three octal digits."""
    for plain in " \t\n\\":
        text = text.replace(f"\\{ord(plain):03o}", plain)
    return text
