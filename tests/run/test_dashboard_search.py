"""optuna-dashboard on a search of 500 trials: it has to stay usable."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import tiny
from planted_search import planted
from test_dashboard import answers, free_port

pytestmark = pytest.mark.slow
TRIALS = 500


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("long")
    planted(
        folder, TRIALS, ("pruner: {successive_halving: {epochs: 3, reduction: 2}}", "pruner: none")
    ).close()
    port = free_port()
    process = tiny.start(folder, "dashboard", "--port", str(port))
    tiny.wait_for(lambda: process.poll() is not None or answers("127.0.0.1", port), 300)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_five_hundred_trials_are_drawn_and_answer(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 1200})
    page.set_default_timeout(120_000)  # it takes seconds on a quiet machine
    with urllib.request.urlopen(f"{address}/api/studies", timeout=60) as answer:
        studies = json.load(answer)["study_summaries"]
    number = next(s["study_id"] for s in studies if s["study_name"] == "tiny")
    drawn = "document.querySelectorAll('.js-plotly-plot .plot-container').length"
    study = f"{address}/dashboard/studies/{number}"
    page.goto(study)
    page.wait_for_function(f"{drawn} >= 3")
    page.get_by_text("Intermediate values").wait_for()
    page.goto(f"{study}/analytics")
    page.wait_for_function(f"{drawn} >= 2")
    page.goto(f"{study}/trials")
    page.get_by_text("Trial 0").first.wait_for()
    page.close()
