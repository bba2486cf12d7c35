"""Where the database is, and a run's files below its folder: paths, and how many pictures."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE = Path("db") / "srbench.sqlite"
MAX_PICTURES = 5  # of one evaluation set and run
PUT_BACK = (
    "Put the folder back, or train anew: srbench run STUDY --fresh (a PostgreSQL database "
    "takes another folder: --files FOLDER)"
)
STRIP = "strip.png"  # LR | SR | HR of one image, in the run's folder


def database_named(typed: str | os.PathLike[str] | None) -> str:
    """The database of `--db`, else that of SRBENCH_DB, else db/srbench.sqlite in this folder."""
    return str(typed) if typed is not None else os.environ.get("SRBENCH_DB") or str(DATABASE)


def database_file(typed: str | os.PathLike[str] | None) -> Path | None:
    """The file of an SQLite database that is named by its path; None where a URL is given."""
    text = database_named(typed)
    return None if "://" in text else Path(os.path.realpath(os.path.expanduser(text)))


def run_folder(root: Path, fingerprint: str, seed: int, attempt: int) -> Path:
    """The folder of one attempt at a run; names of variants and images never become paths."""
    name = str(seed) if attempt == 1 else f"{seed}-{attempt}"
    return root / "runs" / fingerprint / name
