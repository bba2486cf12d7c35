"""What several rooms' tests share: the folder of real images, one browser, one thread."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

REAL = Path(os.environ.get("SRBENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))

torch.set_num_threads(1)  # processes of these tests share the cores
settings.register_profile("srbench", deadline=None)  # a busy machine is no failure
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where pytest runs behind `&`
settings.load_profile("srbench")


@pytest.fixture
def data_folder() -> Path:
    """The folder with Set5 and the others; SRBENCH_DATA names it."""
    if not (REAL / "Set5").is_dir():
        pytest.skip(f"no real images: {REAL} has no Set5 (SRBENCH_DATA names another folder)")
    return REAL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On the stand-in for CUDA (tests/fakecuda) what compares values is skipped."""
    if "libfakecuda" in os.environ.get("LD_PRELOAD", ""):
        for item in items:
            if "values" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs a real device: it compares values"))


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Devices are locked for these tests alone: other srbench on this machine do not count."""
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("locks"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, whatever the machine: for tests that compare bits or many digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests: Playwright allows only one driver in a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("SRBENCH_CHROMIUM") or shutil.which("chromium")
    options = {"executable_path": found} if found else {}
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        try:
            made = driver.chromium.launch(args=quiet, **options)
        except playwright.Error as error:
            pytest.skip(f"no Chromium to open pages with: {str(error).splitlines()[0]}")
        yield made
        made.close()
