"""`srbench doctor`: what this machine and database are like, and what is missing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from srbench.core.devices import cuda_devices, device_versions, driver
from srbench.core.errors import UserError
from srbench.core.numbers import plural
from srbench.core.places import DATABASE, PUT_BACK
from srbench.core.provenance import cpu_name, surroundings, versions
from srbench.store import open_store
from srbench.store.doctor import database_facts

LITTLE = 500e6  # bytes free on the database's disk; a checkpoint and its pictures take some


@dataclass(frozen=True)
class Probe:
    """What was probed, what was found, and whether it is in order."""

    what: str
    found: str
    ok: bool = True


def checkup(db: str | None) -> list[Probe]:
    """Probe the machine and the database; what is not in order says what to do."""
    here = surroundings()
    checks = [
        Probe("srbench", _commit(here.git_commit, here.git_dirty)),
        Probe("python", f"{platform.python_version()} on {platform.platform()}"),
        Probe("packages", ", ".join(f"{name} {v}" for name, v in versions().items())),
        Probe("cpu", f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores, {platform.machine()}"),
        _cuda(),
        _photos(),
        _data(),
    ]
    return [*checks, *_plug_ins(), *_database(db)]


def _commit(commit: str | None, dirty: bool | None) -> str:
    if commit is None:
        return "installed, not a git checkout"
    return f"commit {commit[:12]}" + (", with uncommitted changes" if dirty else "")


def _cuda() -> Probe:
    try:
        import torch
        import torchvision  # noqa: F401  the two come in pairs, and fail here when mixed
    except (ImportError, RuntimeError, OSError) as problem:
        first = str(problem).splitlines()[0]
        return Probe("torch", f"{first}; install torch and torchvision from one index", False)
    found = cuda_devices()
    if not found.names:
        fallback = "runs use the CPU, one worker a core"
        return Probe("cuda", f"{found.problem}; {fallback}", not found.expected)
    devices = ", ".join(f"{device} {name}" for device, name in found.names.items())
    with_what = {"driver": driver("cuda"), **device_versions("cuda"), "torch": torch.__version__}
    versions_found = ", ".join(f"{name} {v or 'unknown'}" for name, v in with_what.items())
    text = "; ".join([devices, versions_found, *found.unusable.values()])
    return Probe("cuda", text, not found.unusable)


def _photos() -> Probe:
    spec = find_spec("skimage")
    folder = Path(spec.origin).parent / "data" if spec and spec.origin else None
    ok = folder is not None and (folder / "astronaut.png").exists()
    return Probe("photos", "scikit-image's are here" if ok else "scikit-image has no photos", ok)


def _plug_ins() -> list[Probe]:
    """Each installed plug-in with its version, and whether it can be imported."""
    found = list(entry_points(group="srbench.parts"))
    if not found:
        return [Probe("plug-ins", "none installed")]
    from srbench.core import slots

    probes = []
    for plugin in found:
        about = f"{plugin.dist.name} {plugin.dist.version}" if plugin.dist else plugin.name
        try:
            slots.load_plug_in(plugin)
            probes.append(Probe("plug-in", f"{about}, module {plugin.module}"))
        except UserError as error:
            probes.append(Probe("plug-in", f"{about}: {error}", False))
    return probes


def _data() -> Probe:
    root = os.environ.get("SRBENCH_DATA")
    if root is None:
        places = "data/ and ../shared/data/"
        return Probe("datasets", f"SRBENCH_DATA is not set; known sets are looked for in {places}")
    return Probe("datasets", f"SRBENCH_DATA is {root}", Path(root).is_dir())


def _database(db: str | None) -> list[Probe]:
    store = None
    if db is None and "SRBENCH_DB" not in os.environ and not DATABASE.exists():
        return [Probe("database", f"{DATABASE}: none here yet; `srbench run STUDY` makes it")]
    try:
        store = open_store(db, create=False)
        facts = database_facts(store)
    except UserError as error:
        return [Probe("database", str(error), False)]
    finally:
        if store is not None:
            store.close()
    network, links = facts["network_file_system"], facts["hard_links"]
    disk = f"{facts['file_system'] or 'a server'}"
    if network:
        disk += ": a network file system, where locks may fail; use PostgreSQL"
    if links > 1:
        disk += f"; the file has {links} names (hard links), which can damage it: copy it instead"
    disk += f", {facts['free_bytes'] / 1e9:.1f} GB free"
    full = facts["free_bytes"] < LITTLE
    if full:
        disk += ": free some space"
    left = facts["left"] + facts["expired"]
    lost = f", {left} without an owner; the next srbench run resumes them" if left else ""
    return [
        Probe("database", f"{facts['url']}, schema {facts['schema']}, {facts['kind']} "
                          f"{facts['version']}"),
        Probe("journal", f"{facts['journal']}: {facts['journal_why']}"),
        Probe("integrity", f"{facts['integrity']}, {facts['size_bytes'] / 1e6:.1f} MB",
              facts["integrity"] == "ok"),
        Probe("disk", disk, not network and links == 1 and not full),
        _files(facts),
        Probe("leases", f"{facts['running']} running{lost}"),
        Probe("copies", ", ".join(facts["copies"]) or "none; migrations make one first"),
    ]  # fmt: skip


def _files(facts: dict[str, Any]) -> Probe:
    count, missing = facts["weights"], facts["missing"]
    if not missing:
        return Probe("weights", f"{plural(count, 'file')} of finished runs, in {facts['root']}")
    return Probe(
        "weights",
        f"{missing} of {plural(count, 'file')} missing below {facts['root']}; scores are intact. "
        + PUT_BACK,
        False,
    )
