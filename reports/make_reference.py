"""Publish a finished study: its rows as `db/reference/STUDY`, its page beside this file.

    srbench run ablations/quickstart.yaml && python reports/make_reference.py quickstart [DATABASE]
    python reports/make_reference.py --pages     # all pages anew, from the rows that are committed

Curves are thinned, and pictures of one image and seed only are kept; nothing else is left out.
tests/report/test_reference.py checks that the pages say what the rows say.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from srbench.analysis.results import Results
from srbench.report import write
from srbench.store import open_store

ROOT = Path(__file__).resolve().parent.parent
PICTURED = {"quickstart": "chelsea", "classic_291": "butterfly"}
"""The studies that are published, and the image whose pictures are kept."""


def rows_of(study: str) -> Path:
    """The folder of a study's rows."""
    return ROOT / "db" / "reference" / study


def page_of(study: str) -> Path:
    """The folder of a study's page: apart from where `srbench report` writes."""
    return ROOT / "reports" / ("sample" if study == "quickstart" else f"reference/{study}")


def main(study: str, database: str | None) -> None:
    """Write both folders anew."""
    measured = open_store(database, create=False).reading.results(study, points=100)
    shutil.rmtree(rows_of(study), ignore_errors=True)
    _published(measured, rows_of(study), PICTURED[study]).to_folder(rows_of(study))
    make_page(study)


def make_page(study: str) -> None:
    """Write the page anew from the rows that are committed."""
    shutil.rmtree(page_of(study), ignore_errors=True)
    print(write([Results.from_folder(rows_of(study))], page_of(study), plotly="beside"))


def _published(measured: Results, folder: Path, image: str) -> Results:
    """The same rows, with the pictures of one image and seed, copied to the folder."""
    frame = measured.pictures
    kept = frame[(frame["image"] == image) & (frame["seed"] == 0)].reset_index(drop=True)
    (folder / "pictures").mkdir(parents=True)
    names = {}
    for path in sorted(set(kept["path"])):
        names[path] = f"pictures/{len(names):02}.png"
        shutil.copyfile(measured.root / path, folder / names[path])
    kept["path"] = [names[path] for path in kept["path"]]
    return replace(measured, pictures=kept, root=folder)


if __name__ == "__main__":
    if sys.argv[1:] == ["--pages"]:
        for name in PICTURED:
            make_page(name)
    elif sys.argv[1:] and sys.argv[1] in PICTURED:
        main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    else:
        sys.exit(f"{__doc__}\nSTUDY is one of: {', '.join(PICTURED)}")
