"""SYNTHETIC runs with planted effects, from the database to the page.

Written by the store's own verbs, reported by the command. The numbers that are wanted are worked
out here from what was planted, by scipy alone.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from analysis.verdicts_oracle import judge
from planted import BASE, BASE_STEP, FIVE, planted
from through_the_store import stored

from srbench.analysis.answer import answer
from srbench.analysis.judgement import judgement
from srbench.analysis.results import Results
from srbench.cli.main import main

pytestmark = pytest.mark.slow

NAN = float("nan")


@dataclass(frozen=True)
class Said:
    """What `srbench report` wrote of a study: its words, and its tables by variant."""

    words: str
    first: str  # the answer, which is the first line below the question
    folder: Path

    def table(self, name: str) -> dict[str, dict[str, str]]:
        with (self.folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return {next(iter(row.values())): row for row in csv.DictReader(file)}

    def verdicts(self, name: str = "effects") -> dict[str, str]:
        return {variant: row["verdict"] for variant, row in self.table(name).items()}


def reported(made: Results, folder: Path) -> Said:
    """Through the store and the command line, to the files of a report."""
    stored(made, folder)
    database = str(folder / "db" / "srbench.sqlite")
    with pytest.raises(SystemExit) as end:
        main(["report", made.facts.name, "--db", database, "-o", str(folder / "report")])
    assert not end.value.code
    [page] = (folder / "report").rglob("index.html")
    html = page.read_text(encoding="utf-8")
    body = html[html.index("<main") : html.index("<script type=")]
    first = re.search(r'<p class="answer"[^>]*>(.*?)</p>', body, re.DOTALL)
    assert first is not None
    return Said(plain(body), plain(first[1]), page.parent)


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.replace("_<wbr>", "_"))).split())


def expected() -> dict[str, dict[str, float]]:
    """The numbers of every contrast, by an implementation that shares no code with srbench's."""
    base = [BASE + BASE_STEP * seed for seed in range(5)]
    rows = [base, *(np.add(base, row) for row in FIVE.values())]
    return dict(zip(FIVE, judge(rows, 0.1), strict=True))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return reported(planted(FIVE), tmp_path_factory.mktemp("five"))


def test_the_page_answers_as_the_planted_rows_do(five: Said) -> None:
    assert five.first == " ".join(answer(planted(FIVE)).split())
    assert "Against plain: 1 helps, 1 hurts, 1 is equivalent and 1 is unresolved" in five.words
    words = {"up": "helps", "down": "hurts", "same": "equivalent", "unclear": "unresolved"}
    assert five.verdicts() == words


def test_the_tables_hold_the_planted_numbers(five: Said) -> None:
    rows = five.table("effects")
    assert set(rows) == set(FIVE)
    for name, wanted in expected().items():
        found = [float(rows[name][key]) for key in ("effect_db", "low_db", "high_db")]
        assert found == pytest.approx([wanted[k] for k in ("effect", "low", "high")], abs=0.005)
        assert float(rows[name]["p_holm"]) == pytest.approx(wanted["p_holm"], rel=0.05)
        assert rows[name]["seeds"] == "5"


def test_what_is_judged_from_the_database_is_what_was_planted(tmp_path: Path) -> None:
    contrasts = judgement(stored(planted(FIVE), tmp_path)).contrasts
    assert {row.variant: list(row.differences) for row in contrasts} == {
        name: pytest.approx(row, abs=1e-12) for name, row in FIVE.items()
    }
    for row in contrasts:
        found = (row.mean, row.low, row.high, row.verdict.p)
        wanted = expected()[row.variant]
        assert found == pytest.approx([wanted[k] for k in ("effect", "low", "high", "p")])


def test_identical_and_diverged_and_stopped_runs_keep_their_names(tmp_path: Path) -> None:
    rows = {"up": FIVE["up"], "twin": [0.0] * 5, "wild": [NAN] * 5,
            "few": [*FIVE["up"][:3], None, NAN]}  # fmt: skip
    said = reported(planted(rows), tmp_path)
    found = said.verdicts()
    assert (found["twin"], found["wild"], found["few"]) == ("identical", "no verdict", "helps")
    notes = {name: row["note"] for name, row in said.table("effects").items()}
    assert notes["wild"] == "5 of 5 seeds missing: failed (diverged): seeds 0, 1, 2, 3, 4"
    assert notes["few"] == ("2 of 5 seeds missing: interrupted: seed 3; failed (diverged): seed 4")
    assert "Of 25 planned runs, 6 failed (diverged) and 1 is interrupted." in said.first
    assert said.table("failures")
