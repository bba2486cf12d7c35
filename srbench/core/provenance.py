"""With what a run was made: commit, command, versions of packages."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from srbench.core.command_line import as_typed

PACKAGES = (
    "srbench", "torch", "torchvision", "numpy", "pillow", "piq", "scikit-image", "optuna",
    "sqlalchemy", "pandas",
)  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """The checkout and the command of a run, as the database stores them."""

    git_commit: str | None
    git_dirty: bool | None
    command: str


def surroundings() -> Surroundings:
    """Ask git and the command line."""
    commit = _git("rev-parse", "HEAD")
    status = _git("status", "--porcelain", "--untracked-files=no")
    return Surroundings(
        git_commit=commit,
        git_dirty=bool(status) if status is not None else None,
        command=as_typed([Path(sys.argv[0]).name, *sys.argv[1:]]),
    )


def versions() -> dict[str, str]:
    """Installed versions of what numbers depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if "torch" in found:
        found["torch"] = _torch_build() or found["torch"]
    return found


def _torch_build() -> str | None:
    """Torch's whole version, 2.14.1+cu130, from its file: metadata lack it, an import is slow."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    written = re.search(r"^__version__ = ['\"](.+)['\"]", text, re.MULTILINE)
    return written[1] if written else None


def cpu_name() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _git(*arguments: str) -> str | None:
    """Git's output for the folder of srbench's source, where that is a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, timeout=10, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
