"""A study of more variants than anybody looks at: figures show both ends, tables are paged."""

from __future__ import annotations

import json
import re

import pytest
from synthetic_study import study

from srbench.analysis.ranking import MOST_DRAWN, drawn_names, drawn_text
from srbench.analysis.results import Results
from srbench.report.page import PAGE_ROWS, page
from srbench.report.section import figures_of
from srbench.report.sections import sections_of

VARIANTS, SEEDS = 251, 3
GAINS = {"plain": 0.0} | {f"v{i:03d}": 0.05 * (i * 97 % VARIANTS - 125) for i in range(1, VARIANTS)}


@pytest.fixture(scope="module")
def results() -> Results:
    return study(GAINS, seeds=SEEDS, epochs=4, images=2)


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return page(results, sections_of(results), {}, plotly_js="beside")


def test_a_page_of_many_variants_stays_small(html: str) -> None:
    assert len(html) < 1_500_000
    assert max(table.count("<tr") for table in re.split("<table", html)) < PAGE_ROWS + 20


def test_figures_show_the_best_and_the_worst(results: Results, html: str) -> None:
    by_gain = sorted(GAINS, key=lambda name: GAINS[name])
    best, worst = by_gain[-MOST_DRAWN // 2 :], by_gain[: MOST_DRAWN // 2]
    assert set(drawn_names(results)) == {"plain", *best, *worst}
    assert html.count(drawn_text(results)) == 4
    for figure in figures_of(sections_of(results)).values():
        assert len({m.variant for m in figure.marks if getattr(m, "variant", "")}) < 90


def test_a_long_table_has_every_row_for_its_script(html: str) -> None:
    source = re.search(r'data-table="runs".*?class="rows">(.*?)</script>', html, re.DOTALL)
    assert source is not None
    rows = json.loads(source.group(1))["rows"]
    assert len(rows) == VARIANTS * SEEDS
    assert {row[0] for row in rows} == {"plain", *(f"v{i:03d}" for i in range(1, VARIANTS))}


def test_few_variants_are_all_shown() -> None:
    few = study()
    assert (len(drawn_names(few)), drawn_text(few)) == (4, "")
