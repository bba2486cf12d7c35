"""Trainings share a device and a pass has it alone, across processes and after a kill."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from srbench.core.device_locks import SharedLock, exclusive_lock
from srbench.core.errors import UserError

HOLD = """
import sys, time
from srbench.core.device_locks import SharedLock, exclusive_lock
with {how}:
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holding(how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a device; killed in the end."""
    command = [sys.executable, "-c", HOLD.format(how=how)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refused() -> bool:
    try:
        with exclusive_lock("cpu"):
            return False
    except UserError:
        return True


def test_trainings_share_a_device_and_a_pass_does_not() -> None:
    with SharedLock(["cpu", "cpu"]):
        with holding("SharedLock(['cpu'])"):
            assert refused()
        assert refused()  # this process trains too
    assert not refused()


def test_a_training_waits_for_a_pass_and_reports_it() -> None:
    said = []
    with holding("exclusive_lock('cpu')") as other:

        def told(device: str) -> None:
            said.append(device)
            other.kill()

        with SharedLock(["cpu"], told):
            assert said == ["cpu"]


def test_patience_outlasts_a_training_that_is_killed() -> None:
    with holding("SharedLock(['cpu'])") as other:
        start = time.monotonic()
        says = "another srbench trains or measures on cpu"
        with pytest.raises(UserError, match=says), exclusive_lock("cpu", patience_s=0.2):
            pass
        assert time.monotonic() - start >= 0.2
        other.kill()
        with exclusive_lock("cpu", patience_s=30):
            assert other.wait() < 0


def test_a_runtime_folder_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "a file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SharedLock(["cpu"]):
        assert refused()
    assert [f.name for f in tmp_path.glob("srbench-*/*")] == ["cpu.lock"]
