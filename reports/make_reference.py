"""Publish a finished study: its rows as `db/reference/STUDY`, its page beside this file.

    srbench run ablations/quickstart.yaml && python reports/make_reference.py quickstart [DATABASE]
    python reports/make_reference.py --pages     # all pages anew, from the rows that are committed
    python reports/make_reference.py --claims    # claims.csv, reports/index.html, README's table
    python reports/make_reference.py --plan carn_2019    # rows of a plan; nothing is trained
    python reports/make_reference.py --compare quickstart [DATABASE]    # your rows with these

Curves are thinned, and pictures of one image and seed are kept, of two studies only; nothing else
is left out. `db/reference/claims.csv` has a row for each claim of each published study; the page
over all claims (`answers.py`) and README's table are made from it whenever a study is. A study that
is only planned has rows without a page, and those claims that counts and published figures decide.
tests/report/test_reference.py checks that pages and claims say what the rows say.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from answers import PAGE, README, answers_page, readme
from claims_table import CLAIMS, ROOT, claims, committed, rows_of, trained

from srbench.analysis.results import Results
from srbench.core import csv_text
from srbench.report import write
from srbench.store import open_store

PICTURED = {"quickstart": "chelsea", "classic_291": "butterfly"}
"""The image whose pictures are kept."""


def page_of(study: str) -> Path:
    """The folder of a study's page: apart from where `srbench report` writes."""
    return ROOT / "reports" / ("sample" if study == "quickstart" else f"reference/{study}")


def main(study: str, database: str | None) -> None:
    """Write both folders anew."""
    measured = open_store(database, create=False).reading.results(study, points=100)
    shutil.rmtree(rows_of(study), ignore_errors=True)
    _published(measured, rows_of(study), PICTURED.get(study)).to_folder(rows_of(study))
    make_page(study)
    write_answers()


def plan(study: str) -> None:
    """Write the rows of a study that is planned and not trained: costs and published figures."""
    from srbench.core import slots
    from srbench.run.records import record
    from srbench.run.session import Request, plan_study, read_study

    slots.load()
    request = Request(ROOT / "ablations" / f"{study}.yaml", device="cpu")
    planned = plan_study(request, read_study(request), lambda name: None, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "plan.sqlite"))
        store.plans.add(record(planned, "", f"{study}.yaml"))
        for figures in planned.study.published:
            store.published.write(study, figures)
        rows = store.reading.results(study)
        store.close()
    shutil.rmtree(rows_of(study), ignore_errors=True)
    rows.to_folder(rows_of(study))
    write_answers()


def compare(study: str, database: str | None) -> None:
    """Print how far a database's runs of a study are from the committed ones, run by run."""
    theirs = Results.from_folder(rows_of(study))
    ours = open_store(database, create=False).reading.results(study)
    scored = ["variant", "seed", "dataset", "protocol", "metric", "image"]
    scores = theirs.scores.merge(ours.scores, on=scored, suffixes=("", "_here"))
    scores["difference"] = (scores["value"] - scores["value_here"]).abs()
    found = scores.groupby(["variant", "seed"])["difference"].agg(["size", "max"])
    runs = theirs.runs.merge(ours.runs, on=["variant", "seed"], suffixes=("", "_here"))
    same = runs["weights_sha256"] == runs["weights_sha256_here"]
    runs["weights"] = same.map({True: "equal", False: "differ"}).where(
        runs["weights_sha256"].notna(), "none"
    )
    found = found.join(runs.set_index(["variant", "seed"])["weights"])
    print(found.rename(columns={"size": "scores", "max": "largest difference"}).to_string())


def make_page(study: str) -> None:
    """Write the page anew from the rows that are committed."""
    shutil.rmtree(page_of(study), ignore_errors=True)
    print(write([Results.from_folder(rows_of(study))], page_of(study), plotly="beside"))


def published() -> list[str]:
    """The studies whose rows are committed and that have a page: something was trained."""
    return [study for study in committed() if trained(study)]


def write_answers() -> None:
    """Write claims.csv from the committed rows; from it, the page over all claims and the table."""
    csv_text.write(CLAIMS, claims())
    PAGE.write_text(answers_page(), "utf-8")
    README.write_text(readme(README.read_text("utf-8")), "utf-8")


def _published(measured: Results, folder: Path, image: str | None) -> Results:
    """The same rows, with the pictures of one image and seed, copied to the folder."""
    frame = measured.pictures
    kept = frame[(frame["image"] == image) & (frame["seed"] == 0)].reset_index(drop=True)
    (folder / "pictures").mkdir(parents=True)
    names: dict[str, str] = {}
    for path in sorted(set(kept["path"])):
        names[path] = f"pictures/{len(names):02}.png"
        shutil.copyfile(measured.root / path, folder / names[path])
    kept["path"] = [names[path] for path in kept["path"]]
    return replace(measured, pictures=kept, root=folder)


if __name__ == "__main__":
    if sys.argv[1:] == ["--pages"]:
        for name in published():
            make_page(name)
    elif sys.argv[1:] == ["--claims"]:
        write_answers()
    elif sys.argv[1:2] == ["--plan"] and len(sys.argv) == 3:
        plan(sys.argv[2])
    elif sys.argv[1:2] == ["--compare"] and len(sys.argv) in (3, 4):
        compare(sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None)
    elif len(sys.argv) in (2, 3) and not sys.argv[1].startswith("-"):
        main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    else:
        sys.exit(__doc__)
