"""Where study files are found: at a path, or by name in ablations/."""

from __future__ import annotations

from pathlib import Path

from srbench.core.errors import InputError, did_you_mean

FOLDER = Path("ablations")
SUFFIXES = (".yaml", ".yml")


def study_files() -> list[str]:
    """The study files in ablations/."""
    return [str(p) for p in sorted(FOLDER.glob("*.yaml"))]


def study_file(given: Path) -> Path:
    """The file at this path, its suffix left out or not, or the study of that name in ablations/.

    Raises:
        InputError: there is neither.
    """
    written = [Path(f"{given}{suffix}") for suffix in ("", *SUFFIXES)]
    for path in (*written, FOLDER / f"{given}.yaml"):
        if path.exists() and not path.is_dir():
            return path
    known = [Path(file).stem for file in study_files()]
    files = [str(path) for suffix in SUFFIXES for path in given.parent.glob(f"*{suffix}")]
    hint = did_you_mean(given, [*files, *known])
    if given.is_dir():
        raise InputError(f"is a folder; name a study file{hint}", place=str(given))
    listed = f" (in ablations: {', '.join(known)})" if known else ""
    raise InputError(f"there is no such study file{hint}{listed}", place=str(given))


def is_study_file(given: str) -> bool:
    """Whether this is the path of a study file, or the name of one in ablations/."""
    path = Path(given)
    return (given.endswith(SUFFIXES) and path.is_file()) or (
        path.name == given and (FOLDER / f"{given}.yaml").is_file()
    )


def study_name(given: str) -> str:
    """A study's name in the database: the stem of its file if a file was given."""
    return Path(given).stem if given.endswith(SUFFIXES) else given
