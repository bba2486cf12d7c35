"""`srbench dashboard` in a real browser: curves, parameters, scores and pictures."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tiny
from planted_search import planted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1500, "height": 1200})
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@contextmanager
def served(folder: Path, seconds: float = 60) -> Iterator[str]:
    """The address of a folder's dashboard, served by the command itself."""
    port = free_port()
    process = tiny.start(folder, "dashboard", "--port", str(port))
    tiny.wait_for(lambda: process.poll() is not None or answers("127.0.0.1", port), seconds)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err, f"{out}\n{err}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard of the finished study."""
    done = tiny.finished(tmp_path_factory.getbasetemp())
    folder = shutil.copytree(done, tmp_path_factory.mktemp("dashboard") / "study")
    with served(folder) as address:
        yield address


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_it_listens_on_this_machine_only(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = [row.split()[1] for row in table if row.split()[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{port:04X}")] == [
        f"0100007F:{port:04X}"
    ]
    assert urllib.request.urlopen(f"{address}/dashboard", timeout=10).status == 200


def test_the_list_of_studies_names_the_study(page: Any, address: str) -> None:
    page.goto(f"{address}/dashboard")
    page.get_by_text("tiny", exact=False).first.wait_for()


def test_the_study_page_shows_curves_and_our_figures(page: Any, address: str) -> None:
    page.goto(f"{address}/dashboard/studies/1")
    titles = (
        "Array.from(document.querySelectorAll('.js-plotly-plot'),"
        " (p) => p.layout.xaxis?.title?.text ?? '')"
    )
    ours = ["epoch", "parameters", "effect on PSNR-Y, dB"]
    page.wait_for_function(f"{ours}.every((title) => {titles}.includes(title))")
    page.wait_for_function(f"{titles}.length >= 6")  # Optuna's own among them
    page.get_by_text("Intermediate values").wait_for()


def test_the_note_shows_the_effects(page: Any, address: str) -> None:
    page.goto(f"{address}/dashboard/studies/1/note")
    page.get_by_text("Does a bilinear residual help a tiny CARN?").first.wait_for()
    page.get_by_role("cell", name="residual").first.wait_for()


def test_a_trial_shows_its_parameters_scores_and_pictures(page: Any, address: str) -> None:
    page.goto(f"{address}/dashboard/studies/1/trials?numbers=0")
    page.wait_for_selector("img")
    loaded = "Array.from(document.images).some((i) => i.complete && i.naturalWidth > 100)"
    page.wait_for_function(loaded)
    text = page.inner_text("body")
    for word in ("variant", "plain", "skip", "seed", "psnr_y on folder", "Complete"):
        assert word in text


def test_a_search_of_500_trials_is_drawn_and_answers(browser: Any, tmp_path: Path) -> None:
    pruner = "pruner: {successive_halving: {epochs: 3, reduction: 2}}"
    planted(tmp_path, 500, (pruner, "pruner: none")).close()
    page = browser.new_page(viewport={"width": 1500, "height": 1200})
    page.set_default_timeout(120_000)  # it takes seconds on a quiet machine
    drawn = "document.querySelectorAll('.js-plotly-plot .plot-container').length"
    with served(tmp_path, 300) as address:
        with urllib.request.urlopen(f"{address}/api/studies", timeout=60) as answer:
            studies = json.load(answer)["study_summaries"]
        number = next(s["study_id"] for s in studies if s["study_name"] == "tiny")
        study = f"{address}/dashboard/studies/{number}"
        page.goto(study)
        page.wait_for_function(f"{drawn} >= 3")
        page.get_by_text("Intermediate values").wait_for()
        page.goto(f"{study}/analytics")
        page.wait_for_function(f"{drawn} >= 2")
        page.goto(f"{study}/trials")
        page.get_by_text("Trial 0").first.wait_for()
    page.close()
