"""The paths of a run's files below the database's folder, and how many pictures are among them."""

from __future__ import annotations

from pathlib import Path

MAX_PICTURES = 5  # of one evaluation set and run
STRIP = "strip.png"  # LR | SR | HR of one image, in the run's folder


def run_folder(root: Path, fingerprint: str, seed: int, attempt: int) -> Path:
    """The folder of one attempt at a run; names of variants and images never become paths."""
    name = str(seed) if attempt == 1 else f"{seed}-{attempt}"
    return root / "runs" / fingerprint / name
