"""optuna-dashboard on a search of 500 trials: it has to stay usable."""

from __future__ import annotations

import signal
import time
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
    begin = time.monotonic()
    tiny.wait_for(lambda: process.poll() is not None or answers("127.0.0.1", port), 300)
    print(f"mirror of {TRIALS} trials made in {time.monotonic() - begin:.1f} s")
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_five_hundred_trials_are_drawn_and_answer(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 1200})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/dashboard")
    page.get_by_text("tiny", exact=True).first.wait_for()
    begin = time.monotonic()
    page.get_by_text("tiny", exact=True).first.click()
    drawn = "document.querySelectorAll('.js-plotly-plot .plot-container').length"
    page.wait_for_function(f"{drawn} >= 3")
    page.get_by_text("Intermediate values").wait_for()
    opened = time.monotonic() - begin
    begin = time.monotonic()
    page.goto(f"{page.url.rstrip('/')}/analytics")
    page.wait_for_function(f"{drawn} >= 2")
    analysed = time.monotonic() - begin
    begin = time.monotonic()
    page.goto(page.url.replace("analytics", "trialList"))
    page.get_by_text("Trial 0").first.wait_for()
    listed = time.monotonic() - begin
    page.close()
    print(f"study {opened:.1f} s, analytics {analysed:.1f} s, trials {listed:.1f} s")
    assert max(opened, analysed, listed) < 60
