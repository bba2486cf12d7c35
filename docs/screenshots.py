"""The screenshots of README and documentation: a report's first screen, and the dashboard.

    srbench run ablations/quickstart.yaml && python docs/screenshots.py [DATABASE]

It needs playwright and a Chromium (as `pytest` does: SRBENCH_CHROMIUM, else `chromium`). The same
rows give the same report; the dashboard counts the days since its runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import srbench

FOLDER = Path(__file__).parent
STUDY = "quickstart"
COLOURS = 256  # of a palette: enough for text and flat colours, a third of the bytes


def main(database: str | None) -> None:
    """Write report.png, report-dark.png and dashboard.png anew."""
    browser = os.environ.get("SRBENCH_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as scratch:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = srbench.report(STUDY, folder=scratch, db=database)
        for scheme, name in (("light", "report.png"), ("dark", "report-dark.png")):
            shown = chromium.new_page(viewport={"width": 1180, "height": 860}, color_scheme=scheme)
            shown.goto(page.as_uri())
            shot(shown, name)
        with dashboard(database) as address:
            shown = chromium.new_page(viewport={"width": 1180, "height": 860})
            shown.goto(f"{address}/dashboard/studies/1")
            shown.wait_for_function("document.querySelectorAll('.js-plotly-plot').length >= 6")
            shown.locator(".gtitle").first.evaluate("it => it.scrollIntoView()")  # srbench's own
            shown.mouse.wheel(0, -90)  # below the bar at the top
            shot(shown, "dashboard.png")
        chromium.close()


def shot(page: Any, name: str) -> None:
    """What the page shows, once it has settled."""
    page.wait_for_timeout(2000)
    page.screenshot(path=FOLDER / name, animations="disabled")
    picture = Image.open(FOLDER / name).convert("RGB").quantize(COLOURS, kmeans=4)
    picture.save(FOLDER / name, optimize=True)


@contextmanager
def dashboard(database: str | None) -> Iterator[str]:
    """The address of `srbench dashboard`, which ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "-m", "srbench", "dashboard", "--port", str(port)]
    process = subprocess.Popen(command + (["--db", database] if database else []))
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
