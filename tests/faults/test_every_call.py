"""A kill, a torn write, a full disk or a disk error at the calls of a run's life.

Here at some calls of each; `python tests/faults/shim_server.py LIFE` does all of a life.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from shim import FAULTS, SYNCS, WRITES, Fault, Shim, compiled

SERVER = Path(__file__).with_name("shim_server.py")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = compiled(tmp_path_factory.mktemp("shim"))
    if found is None:
        pytest.skip("no C compiler, or no /proc, for the shim")
    return found


def disturbed(*words: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, str(SERVER), *words],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ran.stdout, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert found["wrong"] == []
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("life", "calls"), [("train", 3), ("migrate", 2), ("export", 2)])
def test_nothing_is_lost_and_every_fault_reported_whatever_call_fails(
    life: str, calls: int
) -> None:
    found = disturbed(life, str(calls))
    assert found["cases"] >= calls * 3  # what another case is already is not tried again
    assert set(found["faults"]) == {fault.name for fault in FAULTS}


@pytest.mark.campaign
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("life", "calls"), [("mirror", 12), ("report", 6), ("export study", 6)])
def test_what_is_made_from_rows_is_made_again(life: str, calls: int) -> None:
    assert disturbed(life, str(calls))["cases"] >= calls * 3


SAVE = """
import sys
from pathlib import Path
from srbench.train import checkpoint
checkpoint.save(Path(sys.argv[1]), 1, {"step": 1})
"""


@pytest.mark.slow
def test_a_checkpoint_reaches_the_disk_before_its_name_does(tmp_path: Path, library: Path) -> None:
    home = tmp_path / "runs" / "0"
    home.mkdir(parents=True)
    shim = Shim(tmp_path / "control")
    shim.arm(home.parent, Fault("list", "list"), 0)
    environment = os.environ | shim.environment(library)
    subprocess.run([sys.executable, "-c", SAVE, str(home)], env=environment, check=True)
    calls = [(name, Path(path).name) for name, path in shim.calls()]
    part = "0000000001.checkpoint.part"
    written = [n for n, (name, file) in enumerate(calls) if name in WRITES and file == part]
    flushed = [n for n, (name, file) in enumerate(calls) if name in SYNCS and file == part]
    [renamed] = [n for n, (name, _) in enumerate(calls) if name.startswith("rename")]
    [entered] = [n for n, call in enumerate(calls) if call == ("fsync", home.name) and n > renamed]
    assert max(written) < max(flushed) < renamed < entered


def run(folder: Path, library: Path, fault: Fault, number: int) -> tuple[int, str, bool]:
    """`srbench run` with real workers under the shim; exit code, error stream, whether it fired."""
    shim = Shim(folder.with_name("control"))
    shim.arm(folder / "db", fault, number)
    ran = subprocess.run(
        [sys.executable, "-m", "srbench", "run", "tiny.yaml", "--checkpoint-s", "0"],
        cwd=folder,
        env=tiny.environment(folder) | shim.environment(library),
        capture_output=True,
        text=True,
        timeout=180,
    )
    return ran.returncode, ran.stderr, shim.disarm()


@pytest.mark.campaign
@pytest.mark.parametrize("number", [300, 1000])
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.mode != "once"], ids=lambda f: f.name)
def test_a_real_run_meets_the_fault_and_the_next_gets_done(
    tmp_path: Path, library: Path, fault: Fault, number: int
) -> None:
    folder = tiny.lay_out(tmp_path / "study")
    code, said, fired = run(folder, library, fault, number)
    assert fired
    assert "Traceback" not in said
    if fault.mode == "ever":
        lines = [line for line in said.splitlines() if line.startswith("srbench: error: ")]
        assert (code, len(lines)) == (2, 1), said
        assert "same command" in lines[0]
    tiny.srbench(folder, "run", "tiny.yaml")
    states = tiny.rows(folder, "select state, reason, count(*) from v_runs group by 1, 2")
    assert states == [("done", None, 5)]
    assert tiny.rows(folder, "pragma integrity_check") == [("ok",)]
