"""A database that may only be read: a finished study is shown. Some seconds: two commands each."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tiny
from sqlalchemy import Engine, event

from srbench.core.errors import UserError
from srbench.run.mirror import Refresher
from srbench.store import open_store

CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def obey_modes() -> None:
    """Let root, too, write only what file modes allow."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def sealed(copy: Path) -> Iterator[Path]:
    """The finished study; database and its folder may not be written."""
    shutil.rmtree(copy / "db" / "runs" / "plans")  # else the summary is the stored one
    for path in (copy / "db" / "srbench.sqlite", copy / "db"):
        path.chmod(path.stat().st_mode & ~0o222)
    yield copy
    (copy / "db").chmod(0o755)


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "srbench", *arguments], cwd=folder, env=tiny.environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=obey_modes,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="root is bound by modes through prctl")
def test_a_run_shows_what_is_finished_and_names_what_it_may_not_write(sealed: Path) -> None:
    before = (sealed / "db" / "srbench.sqlite").read_bytes()
    shown = tiny.ended(started(sealed, "run", "tiny.yaml"), 0)
    assert "runs 4 of 4 done" in shown
    refused = tiny.ended(started(sealed, "run", "tiny.yaml", "--seeds", "3"), 2)
    assert "srbench.sqlite: " in refused.splitlines()[-1]
    assert "may not be written" in refused.splitlines()[-1]
    assert (sealed / "db" / "srbench.sqlite").read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="root is bound by modes through prctl")
def test_a_dashboard_is_served_of_what_may_only_be_read(sealed: Path) -> None:
    (sealed / "db" / "optuna.sqlite").chmod(0o444)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = started(sealed, "dashboard", "--port", str(port))

    def served() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies") as page:
                return b"tiny" in page.read()
        except OSError:
            return process.poll() is not None

    tiny.wait_for(served)
    process.terminate()
    tiny.ended(process, 143)


def test_results_are_called_safe_only_where_they_are(copy: Path) -> None:
    lines: list[str] = []
    with closing(open_store(copy / tiny.DB)) as store:
        refresher = Refresher(store, "tiny", lines.append)
        (copy / tiny.DB).unlink()
        refresher.refresh()
        with pytest.raises(UserError, match="was deleted or moved"):
            store.plans.latest("tiny")
    assert len(lines) == 1
    assert "was deleted or moved" in lines[0]
    assert "results are safe" not in lines[0]


def test_a_full_disk_is_named_where_optuna_s_file_stays_behind(copy: Path) -> None:
    def full(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    lines: list[str] = []
    (copy / "db" / "optuna.sqlite").unlink()
    event.listen(Engine, "connect", full)
    try:
        with closing(open_store(copy / tiny.DB)) as store:
            Refresher(store, "tiny", lines.append).refresh()
    finally:
        event.remove(Engine, "connect", full)
    assert len(lines) == 1
    assert "the disk is full; free some space" in lines[0]
    assert "results are safe" in lines[0]
