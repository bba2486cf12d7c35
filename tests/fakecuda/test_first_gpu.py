"""`benchmarks/first_gpu.py` comes to its end whatever happens, and says something of every check.

On the stand-in values are garbage, so that checks which compare them fail there, as they should.
Slow ones take two to four minutes; the others, whose processes do not import torch, 10 s in all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import standin

BENCHMARKS = standin.ROOT / "benchmarks"
SCRIPT = BENCHMARKS / "first_gpu.py"
ENDS = {"passed", "failed", "measured", "skipped", "not reached"}
CHILD = """
import os, signal, sys, time
sys.path.insert(0, {benchmarks!r})
from first_gpu_process import serve

def answer(request):
    print("noise that is no answer", flush=True)
    yield {{"what": str(os.getpid()), "outcome": "measured"}}
    if request["name"] == "raises":
        raise ValueError("first\\nsecond")
    if request["name"] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if request["name"] == "hangs":
        time.sleep(60)

serve(answer)
"""


COMMAND = [sys.executable, "-c", CHILD.format(benchmarks=str(BENCHMARKS))]


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCHMARKS)
    made = import_module("first_gpu_process")
    with (tmp_path / "log").open("w") as log:
        started = made.Process(COMMAND, log)
        yield started
        started.end()
        assert started.process.returncode is not None


def asked(process: Any, name: str, seconds: float = 30) -> tuple[list[int], str]:
    """What a process answers, and how that ends."""
    answers: list[int] = []
    try:
        for one in process.answers({"name": name}, seconds):
            answers.append(int(one["what"]))
    except import_module("first_gpu_process").Spoilt as why:
        return answers, f"{type(why).__name__}: {why}"
    return answers, ""


def test_cases_share_a_process_while_all_is_well(process: Any) -> None:
    one, other = asked(process, "works"), asked(process, "works")
    assert one == other == ([process.process.pid], "")


@pytest.mark.parametrize(
    ("name", "seconds", "said"),
    [
        ("raises", 30, "Spoilt: ValueError: first"),
        ("dies", 30, "Spoilt: the process ended (killed by signal 9)"),
        ("hangs", 2, "Overdue: it took longer than 2 s"),
    ],
)
def test_a_case_that_goes_wrong_is_its_reason(
    name: str, seconds: float, said: str, process: Any
) -> None:
    answers, why = asked(process, name, seconds)
    assert (len(answers), why) == (1, said)


@pytest.mark.slow
def test_a_case_goes_on_after_another_and_the_time_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process dies, the next one hangs until the whole time is over."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    script, made = import_module("first_gpu"), import_module("first_gpu_checks")
    dies, hangs, works = (
        made.Check(name, lambda given, case: iter(()), 30) for name in ("dies", "hangs", "works")
    )
    monkeypatch.setattr(script, "LEAST_S", 0.5)
    with (tmp_path / "log").open("w") as log:
        runner = script.Runner(COMMAND, log, time.monotonic() + 4)
        found = [[one.outcome for one in runner.findings(c)] for c in (dies, works, hangs, works)]
        runner.end()
    reached = ["measured", "not reached"]
    assert found == [["measured", "failed"], ["measured"], reached, ["not reached"]]


def test_nothing_passes_without_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    checks = import_module("first_gpu_checks")
    assert checks.compared("", 0, "tensors", []).outcome == "failed"
    assert checks.compared("", 2, "tensors", ["a differs"]).outcome == "failed"
    assert checks.compared("", 2, "tensors", []).outcome == "passed"
    assert checks.outcome_of([]) == "failed"


@pytest.mark.slow
@pytest.mark.usefixtures("fakecuda")
def test_every_check_has_its_line_on_the_stand_in(tmp_path: Path) -> None:
    listed = standin.run(SCRIPT, "--list", folder=tmp_path)
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    done = standin.run(
        SCRIPT, "--small", "--minutes", "4", "--out", "out.json", folder=tmp_path, timeout=400
    )
    first, *lines, last = done.stdout.splitlines()
    assert first.startswith("cuda:0: NVIDIA"), done.stderr
    assert last.startswith(f"{len(names)} checks in ")
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == names
    found = json.loads((tmp_path / "out.json").read_text())
    assert {"name", "driver", "cuda", "cudnn", "torch", "host"} <= found["facts"].keys()
    assert [check["name"] for check in found["checks"]] == names
    assert all(check["lines"] and check["shows"] for check in found["checks"])
    outcomes = {check["name"]: check["outcome"] for check in found["checks"]}
    assert set(outcomes.values()) <= ENDS
    assert (outcomes["doctor"], outcomes["held"]) == ("passed", "failed")  # no weight has changed
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.usefixtures("fakecuda")
def test_without_a_gpu_the_reason_is_one_line(tmp_path: Path) -> None:
    done = standin.run(SCRIPT, devices=0, folder=tmp_path)
    said = "first_gpu: --device: 'cuda:0' cannot be used: the NVIDIA driver finds no GPU\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, said, "")
