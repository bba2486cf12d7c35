"""The chapter on SLURM of docs/machines.md, done on a SLURM of its own.

pytest -m campaign tests/run/test_slurm.py    (5 minutes; it says what it does not find)
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_cluster
import test_ray
import tiny

pytestmark = pytest.mark.campaign
pytest.importorskip("ray")

DOCS = Path(__file__).parents[2] / "docs"
CHAPTER = (DOCS / "machines.md").read_text().split("## SLURM")[1].split("\n## ")[0]
LINES = re.findall(r"^    (\w.*?)(?:  +#.*)?$", CHAPTER, re.M)
TOKEN, EXPORT, HEAD, NODES, RUN, STOP, IN_A_JOB = LINES
SLOW = test_ray.SLOW.replace("ms: 150", "ms: 400")


@pytest.fixture
def slurm() -> Iterator[slurm_cluster.Slurm]:
    made = slurm_cluster.Slurm()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, run without a cluster."""
    folder = test_ray.slow_study(tmp_path_factory.mktemp("there"), SLOW)
    tiny.srbench(folder, "run", "tiny.yaml")
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    shutil.copytree(DOCS / "slurm", tmp_path / "docs" / "slurm")
    return test_ray.slow_study(tmp_path, SLOW)


def small(line: str, array: str) -> str:
    """A line of the chapter for this study, and for nodes without a GPU."""
    line = line.replace("STUDY", "tiny.yaml --checkpoint-s 0").replace(" --gpus=1", "")
    return line.replace("--array=1-40%8", f"--array={array}")


def saved(folder: Path) -> set[str]:
    return {path.name for path in test_ray.checkpoints(folder)}


def wait_for_a_step(command: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a checkpoint has come home that was not there."""
    before = saved(folder)
    tiny.wait_for(lambda: saved(folder) - before or command.poll() is not None, 240)
    assert command.poll() is None, command.communicate()


def test_jobs_come_and_go_while_a_study_runs(
    slurm: slurm_cluster.Slurm, here: Path, there: Path
) -> None:
    """One is cancelled, one gets its signal, two are added; the bits are those of a local run."""
    slurm.ask("\n".join([TOKEN, EXPORT, HEAD, small(NODES, "1")]), here)
    command = slurm.start(here, f"{EXPORT}\nexec {small(RUN, '')}")
    wait_for_a_step(command, here)
    slurm.ask("scancel --name srbench-node")
    slurm.ask(f"{EXPORT}\n{small(NODES, '1')}", here)
    wait_for_a_step(command, here)
    slurm.ask("scancel --batch --signal=TERM --name srbench-node")
    slurm.ask(f"{EXPORT}\n{small(NODES, '1-2')}", here)
    said = tiny.ended(command, 0)
    assert said.count("lost with its node (") == 1
    assert said.count(", saved") == 1
    test_ray.assert_equal(here, there)
    slurm.ask(f"{EXPORT}\n{STOP}\nscancel --name srbench-node")
    tiny.wait_for(lambda: not slurm.ask("squeue -h"), 120)


def test_a_command_in_a_job_saves_at_the_warning_and_goes_on_when_it_is_requeued(
    slurm: slurm_cluster.Slurm, here: Path, there: Path
) -> None:
    slurm.ask(f"{TOKEN}\n{small(IN_A_JOB, '1')}", here)
    tiny.wait_for(lambda: saved(here), 240)
    slurm.ask("scancel --batch --signal=USR1 1")
    tiny.wait_for(lambda: "1 PENDING" in slurm.ask("squeue -h -o '%i %T'"), 180)
    assert {path.parent for path in test_ray.checkpoints(here)}
    slurm.ask("scontrol update jobid=1 starttime=now")
    tiny.wait_for(lambda: not slurm.ask("squeue -h"), 400)
    said = (here / "study-1.log").read_text()
    assert "continues at step" in said
    test_ray.assert_equal(here, there)
