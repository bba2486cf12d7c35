"""Trainings share a device, a pass has it alone: between processes, and after a kill."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from srbench.core.device_locks import Share, alone
from srbench.core.errors import UserError

HOLD = """
import sys, time
from srbench.core.device_locks import Share, alone
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
        with alone("cpu"):
            return False
    except UserError:
        return True


def test_trainings_share_a_device_and_a_pass_does_not() -> None:
    with Share(["cpu", "cpu"]):
        with holding("Share(['cpu'])"):
            assert refused()
        assert refused()  # this process trains too
    assert not refused()


def test_a_killed_pass_holds_nothing() -> None:
    with (
        holding("alone('cpu')"),
        pytest.raises(UserError, match="another srbench trains or measures on cpu"),
        alone("cpu"),
    ):
        pass
    with alone("cpu"):
        pass


def test_a_training_waits_for_a_pass_and_says_so() -> None:
    said = []
    with holding("alone('cpu')") as other:

        def told(device: str) -> None:
            said.append(device)
            other.kill()

        with Share(["cpu"], told):
            assert said == ["cpu"]


def test_patience_outlasts_a_training() -> None:
    with holding("Share(['cpu'])") as other:
        start = time.monotonic()
        with pytest.raises(UserError), alone("cpu", patience_s=0.2):
            pass
        assert time.monotonic() - start >= 0.2
        other.kill()
        with alone("cpu", patience_s=30):
            assert other.wait() < 0


def test_a_runtime_folder_of_another_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "a file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Share(["cpu"]):
        assert refused()
    assert [f.name for f in tmp_path.glob("srbench-*/*")] == ["cpu.lock"]
