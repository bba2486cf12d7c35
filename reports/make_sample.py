"""Make `db/reference/quickstart` and `reports/sample` from a database that holds `quickstart`.

    srbench run ablations/quickstart.yaml && python reports/make_sample.py [DATABASE]
    python reports/make_sample.py --page     # the page alone, from the rows that are committed

Curves are thinned, and pictures of one image only are kept; nothing else is left out.
tests/report/test_sample.py checks that the sample says what the reference rows say.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from srbench.report import write
from srbench.results import Results
from srbench.store import open_store

ROOT = Path(__file__).resolve().parent.parent
REFERENCE, SAMPLE = ROOT / "db" / "reference" / "quickstart", ROOT / "reports" / "sample"
IMAGE = "chelsea"


def main(database: str | None) -> None:
    """Write both folders anew."""
    measured = open_store(database, create=False).results("quickstart", points=100)
    shutil.rmtree(REFERENCE, ignore_errors=True)
    _published(measured).to_folder(REFERENCE)
    page()


def page() -> None:
    """Write the sample anew from the reference rows."""
    shutil.rmtree(SAMPLE, ignore_errors=True)
    print(write([Results.from_folder(REFERENCE)], SAMPLE, plotly="beside"))


def _published(measured: Results) -> Results:
    """The same rows, with the pictures of one image and seed, copied to the reference folder."""
    frame = measured.pictures
    kept = frame[(frame["image"] == IMAGE) & (frame["seed"] == 0)].reset_index(drop=True)
    (REFERENCE / "pictures").mkdir(parents=True)
    names = {}
    for path in sorted(set(kept["path"])):
        names[path] = f"pictures/{len(names):02}.png"
        shutil.copyfile(measured.root / path, REFERENCE / names[path])
    kept["path"] = [names[path] for path in kept["path"]]
    return replace(measured, pictures=kept, root=REFERENCE)


if __name__ == "__main__":
    if sys.argv[1:] == ["--page"]:
        page()
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
