"""Published pages and claims are what their rows say: made anew, text and numbers agree."""

from __future__ import annotations

import re
import runpy
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from srbench.analysis.results import Results
from srbench.core import csv_text
from srbench.report import write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAKER = runpy.run_path(str(ROOT / "reports" / "make_reference.py"))
STUDIES = MAKER["published"]()


class Words(HTMLParser):
    """The words a reader sees: no scripts, no styles, no drawings (matplotlib may redraw those)."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("script", "style", "svg"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words += data.split()


def words(path: Path) -> list[str]:
    parser = Words()
    parser.feed(path.read_text("utf-8"))
    return parser.words


@dataclass
class Pages:
    """The page that is committed, and the same made anew from its rows."""

    committed: Path
    rebuilt: Path


@pytest.fixture(scope="module", params=STUDIES)
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    study = request.param
    committed = MAKER["page_of"](study)
    rebuilt = tmp_path_factory.mktemp(study)
    write([Results.from_folder(MAKER["rows_of"](study))], rebuilt, plotly="beside")
    return Pages(committed, rebuilt)


def test_the_readme_has_its_sample() -> None:
    assert "quickstart" in STUDIES


def test_a_page_says_what_its_rows_say(pages: Pages) -> None:
    assert words(pages.rebuilt / "index.html") == words(pages.committed / "index.html")


def test_tables_hold_the_numbers_of_their_rows(pages: Pages) -> None:
    for path in sorted(pages.committed.glob("*.csv")) + sorted(pages.committed.glob("*.tex")):
        assert (pages.rebuilt / path.name).read_text("utf-8") == path.read_text("utf-8"), path.name


def test_the_figures_are_all_there(pages: Pages) -> None:
    made, kept = (
        {path.name for path in (folder / "figures").iterdir()}
        for folder in (pages.rebuilt, pages.committed)
    )
    assert made == kept


def test_the_claims_are_what_the_rows_decide(tmp_path: Path) -> None:
    csv_text.write(tmp_path / "claims.csv", MAKER["claims"]())
    committed = ROOT / "db" / "reference" / "claims.csv"
    assert committed.read_text("utf-8") == (tmp_path / "claims.csv").read_text("utf-8")


def test_the_page_over_all_claims_and_the_table_are_made_from_claims_csv() -> None:
    assert MAKER["PAGE"].read_text("utf-8") == MAKER["answers_page"]()
    readme = MAKER["README"].read_text("utf-8")
    assert MAKER["readme"](readme) == readme


def test_no_page_names_a_path_of_the_machine_it_was_made_on(pages: Pages) -> None:
    page = (pages.committed / "index.html").read_text("utf-8")
    assert not re.search(r"/(home|root|Users|tmp|work)/", page)
