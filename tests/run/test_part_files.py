"""Parts without a package, through real workers: in a file, and in a script without a guard.

Slow: runs of seconds in processes of their own.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

BLOCK = '''\
from torch import nn
from srbench.core.slots import attention

@attention.register("mine")
class Mine(nn.Module):
    """A gain for each channel. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x * self.mix(x).sigmoid()
'''
STUDY = tiny.STUDY.replace("residual: {skip: bilinear}", "mine: {attention: mine}")
SCRIPT = (
    BLOCK
    + """
import srbench

seen = []
found = srbench.run("tiny.yaml", device="cpu", workers=2, on_progress=seen.append)
assert {one.state for one in seen} >= {"training", "done"}
assert len(found.verdicts) == 1
print(found.answer)
"""
)


def test_a_block_in_a_file_from_check_to_verdict(tmp_path: Path) -> None:
    """Then changed, and then gone: the report and the second run name the file."""
    folder = tiny.lay_out(tmp_path, f"parts: [mine.py]\n{STUDY.replace('seeds: 2', 'seeds: 3')}")
    (folder / "mine.py").write_text(BLOCK)
    assert "every law holds" in tiny.words(folder, "check", "mine.py")
    assert "mine " in tiny.words(folder, "run", "tiny.yaml")
    verdict = "select count(*) from runs where state = 'done'"
    before = tiny.rows(folder, verdict)
    assert "stale" not in tiny.words(folder, "report", "tiny").lower()
    (folder / "mine.py").write_text(f"# a remark\n{BLOCK}")
    assert "stale" not in tiny.words(folder, "run", "tiny.yaml").lower()
    (folder / "mine.py").write_text(BLOCK.replace("sigmoid", "tanh"))
    assert "mine.py has changed" in tiny.words(folder, "report", "tiny")
    assert "changed since (mine): they stand" in tiny.words(folder, "run", "tiny.yaml")
    (folder / "mine.py").unlink()
    assert "mine.py: cannot be read" in tiny.words(folder, "run", "tiny.yaml")
    assert "mine.py is gone" in tiny.words(folder, "report", "tiny")
    assert tiny.rows(folder, verdict) == before


def test_a_script_needs_no_guard_and_brings_its_parts(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, STUDY)
    (folder / "script.py").write_text(SCRIPT)
    out = tiny.ended(tiny.started(folder, sys.executable, "script.py"), 0)
    assert "mine differs from plain" in out
    assert out.count("mine differs") == 1, "a worker has executed the script"
    again = tiny.started(folder, sys.executable, "-c", SCRIPT)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 1
    assert "the source of Mine cannot be read in this session; write it to a file" in err


def test_an_interrupted_script_has_saved_its_runs(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, tiny.STUDY.replace("epochs: 3", "epochs: 4000"))
    call = "srbench.run('tiny.yaml', device='cpu', workers=1, checkpoint_s=0.5)"
    (folder / "script.py").write_text(f"import srbench\n{call}\nprint('not reached')\n")
    process = tiny.started(folder, sys.executable, "script.py")
    tiny.wait_for(lambda: list(folder.glob("db/runs/*/0/*")), 200)  # the first checkpoint
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert "not reached" not in out
    assert tiny.rows(folder, "select count(*) from runs where state = 'interrupted'") == [(1,)]
