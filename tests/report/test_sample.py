"""The published sample is what its rows say: rebuilt from them, text and numbers agree."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from srbench.report import write
from srbench.results import Results

ROOT = Path(__file__).parents[2]
ROWS, SAMPLE = ROOT / "db" / "reference" / "quickstart", ROOT / "reports" / "sample"


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


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROWS / "study.json").is_file() or not (SAMPLE / "index.html").is_file():
        pytest.skip("no published sample: db/reference/quickstart or reports/sample is absent")
    folder = tmp_path_factory.mktemp("sample")
    write([Results.from_folder(ROWS)], folder, plotly="beside")
    return folder


def test_the_sample_page_says_what_its_rows_say(rebuilt: Path) -> None:
    assert words(rebuilt / "index.html") == words(SAMPLE / "index.html")


def test_the_sample_tables_hold_the_numbers_of_its_rows(rebuilt: Path) -> None:
    for path in sorted(SAMPLE.glob("*.csv")) + sorted(SAMPLE.glob("*.tex")):
        assert (rebuilt / path.name).read_text("utf-8") == path.read_text("utf-8"), path.name


def test_the_sample_figures_are_all_there(rebuilt: Path) -> None:
    made = {path.name for path in (rebuilt / "figures").iterdir()}
    assert made == {path.name for path in (SAMPLE / "figures").iterdir()}


def test_the_sample_names_no_path_of_the_machine_it_was_made_on() -> None:
    page = SAMPLE / "index.html"
    if not page.is_file():
        pytest.skip("no published sample")
    assert not re.search(r"/(home|root|Users|tmp|work)/", page.read_text("utf-8"))
