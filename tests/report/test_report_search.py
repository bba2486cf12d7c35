"""A search on the page: beside its confirmation, never mixed with it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from planted_search import planted
from rich.console import Console

from srbench.analysis.results import Results
from srbench.analysis.search_results import best_so_far, best_trial, counted, search_failure, trials
from srbench.report import write
from srbench.report.search import trials_shown
from srbench.report.terminal import summary
from srbench.run.importance import weighed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Results:
    store = planted(tmp_path_factory.mktemp("planted"), 40)
    results = weighed(store.reading.results("tiny"), store, "tiny")
    store.close()
    return results


@pytest.fixture(scope="module")
def page(found: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write([found], tmp_path_factory.mktemp("report"))


def test_the_best_so_far_never_falls_and_ends_at_the_best(found: Results) -> None:
    stair = [value for _, value in best_so_far(found)]
    best = best_trial(found)
    assert best is not None
    assert stair == sorted(stair)
    assert stair[-1] == best.values[0]
    assert best.point["skip"] == "bilinear"


def test_what_was_given_up_ends_where_it_was(found: Results) -> None:
    pruned = [t for t in trials(found) if t.state == "pruned" and t.repeats is None]
    assert len(pruned) >= 10
    assert all(max(t.reports) == t.ended_at < 9 for t in pruned)


def test_what_decided_is_told(found: Results) -> None:
    shares = dict(zip(found.importances["parameter"], found.importances["share"], strict=True))
    assert max(shares, key=lambda place: shares[place]) in ("skip", "train.optimizer.lr")
    assert shares["activation"] < 0.2


def test_the_search_stands_beside_its_confirmation_and_in_no_verdict(
    found: Results, page: Path
) -> None:
    html = page.read_text("utf-8")
    assert html.index('id="search"') < html.index('id="effects"')
    assert '<a href="#effects">Confirmation</a>' in html
    effects = (page.parent / "effects.csv").read_text()
    assert "best_1" in effects
    says = "best on validate in the search, trained again on fresh seeds"
    assert says in html
    assert [word for word in ("best_1 (skip: bilinear", "best_2 (") if word not in html] == []
    out = io.StringIO()
    Console(file=out, width=5000).print(summary(found))
    assert says in out.getvalue()
    assert "\ntrial" not in effects
    assert (page.parent / "figures" / "search-parallel.svg").exists()


def test_every_trial_is_a_row(found: Results, page: Path) -> None:
    assert len(trials_shown(found).rows) == len(found.trials) >= 40
    assert (page.parent / "trials.csv").read_text().count("\n") == len(found.trials) + 1


def test_a_search_survives_a_folder_of_csv(found: Results, tmp_path: Path) -> None:
    found.to_folder(tmp_path)
    again = Results.from_folder(tmp_path)
    assert trials_shown(again) == trials_shown(found)


SMALL = "    skip: [none, nearest]\n"
NARROW = (
    ("    skip: [none, nearest, bilinear, bicubic]\n", SMALL),
    ("    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}\n", ""),
    ("    activation: [relu, leaky_relu, prelu, gelu]\n", ""),
    ("    attention: [none, se]\n    attention.reduction: [2, 4]\n", ""),
    ("sampler: random", "sampler: grid"),
)
WIDE = (SMALL, "    channels: [32, 64]\n    skip: [none, nearest]\n")
BOUND = ("confirm: 2", "confirm: 2\n  constraints: macs <= 1.5 x baseline")


@pytest.mark.parametrize(
    ("changes", "diverges", "why"),
    [
        ((), lambda point: True, "all 2 trials diverged"),
        ((WIDE, BOUND), lambda point: True, "all 4 trials are infeasible (the first: not trained"),
        (((SMALL, WIDE[1].replace("32", "4")), BOUND), lambda point: True,
         "no trial is complete (2 diverged, 2 infeasible)"),
        (((SMALL, "    skip: [nearest]\n"),), lambda point: True, "the only trial diverged"),
    ],
)  # fmt: skip
def test_a_search_that_found_nothing_says_so_first(
    tmp_path: Path, changes: Any, diverges: Any, why: str
) -> None:
    store = planted(tmp_path, 9, *NARROW, *changes, diverges=diverges)
    results = store.reading.results("tiny")
    store.close()
    out = io.StringIO()
    Console(file=out, width=500).print(summary(results))
    question, first, *rest = out.getvalue().splitlines()
    assert question == results.facts.question
    assert first.startswith(f"Search failed: {why}")
    assert first.endswith("so nothing was confirmed; narrow the space and run the study again.")
    assert any(line.startswith(f"No answer: {why}") for line in rest)
    page = write([results], tmp_path / "report").read_text("utf-8")
    body = page[page.index("<h1") :]
    assert body.index("search failed") < body.index('class="answer"')
    assert f"Nothing to confirm: {why[:20]}" in body


def test_one_complete_trial_is_no_failed_search(tmp_path: Path) -> None:
    store = planted(tmp_path, 9, *NARROW, diverges=lambda point: point["skip"] == "none")
    results = store.reading.results("tiny")
    store.close()
    assert search_failure(results) == ""
    assert counted(results) == "2 trials: 1 complete, 1 diverged"


def test_with_two_objectives_the_front_is_drawn(tmp_path: Path) -> None:
    store = planted(
        tmp_path,
        15,
        ("pruner: {successive_halving: {epochs: 3, reduction: 2}}", "objective: [psnr_y, macs]"),
    )
    html = write([store.reading.results("tiny")], tmp_path / "report").read_text("utf-8")
    store.close()
    assert "Pareto front" in html
    assert "search-front" in html


def test_the_section_passes_axe(browser: Any, page: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    opened = browser.new_page()
    opened.goto(page.as_uri())
    report = axe.Axe().run(opened, context="#search")
    opened.close()
    assert report.violations_count == 0, report.generate_report()
