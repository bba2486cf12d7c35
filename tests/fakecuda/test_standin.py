"""The stand-in refuses what CUDA refuses, and torch raises what it raises on a GPU.

Slow: a process for each test, half a minute in all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import standin

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

START = """
import ctypes, json, warnings
import torch
warnings.simplefilter("ignore")
lib = ctypes.CDLL(None)
x = torch.ones(4, device="cuda:0")

def tried(work):
    try:
        work()
    except Exception as problem:
        return [type(problem).__name__, str(problem).splitlines()[0][:80]]
    return "fine"

def captured(work):
    graph = torch.cuda.CUDAGraph()
    def all_of_it():
        with torch.cuda.graph(graph):
            x.add_(1)
            work()
    return tried(all_of_it)

def often(work, times=600):
    return tried(lambda: [work() for _ in range(times)])

def show(**found):
    print(json.dumps(found))
"""
ECC = ["AcceleratorError", "CUDA error: uncorrectable ECC error encountered"]
ASSERT = ["AcceleratorError", "CUDA error: device-side assert triggered"]
SPOILT = [
    "AcceleratorError", "CUDA error: operation failed due to a previous error during capture",
]  # fmt: skip


def found(script: str, **options: Any) -> dict[str, Any]:
    done = standin.run("-c", START + script, **options)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_waits_for_the_device_spoils_a_capture() -> None:
    script = """
event = torch.cuda.Event()
show(
    item=captured(lambda: x.sum().item()), all=captured(torch.cuda.synchronize),
    event=captured(lambda: (event.record(), event.synchronize())),
    query=captured(lambda: torch.cuda.current_stream().query()),
    outside=captured(lambda: torch.cuda.current_stream().wait_event(before)),
    kernel=captured(lambda: x.mul_(2)), after=tried(lambda: x.add_(1)),
)
""".replace("event = torch", "before = torch.cuda.Event(); before.record()\nevent = torch")
    answer = found(script)
    assert [answer.pop(name) for name in ("kernel", "after")] == ["fine", "fine"]
    assert set(map(tuple, answer.values())) == {tuple(SPOILT)}


def test_a_side_stream_joins_a_capture_and_a_replay_is_one_launch() -> None:
    script = """
graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
with torch.cuda.graph(graph):
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        x.add_(1)
    torch.cuda.current_stream().wait_stream(side)
    x.add_(1)
before = lib.fake_launches(0)
graph.replay()
show(nodes=lib.fake_nodes(), replays=lib.fake_glaunches(), more=lib.fake_launches(0) - before)
"""
    assert found(script) == {"nodes": 2, "replays": 1, "more": 1}


def test_a_kernel_is_refused_on_a_stream_of_a_device_that_is_not_current() -> None:
    """Torch itself makes the device current, so it never does that."""
    script = """
with torch.cuda.stream(torch.cuda.Stream(1)):
    y = torch.ones(4, device="cuda:1") + x.to("cuda:1")
    x.add_(1)
strays = lib.fake_strays()
stream = ctypes.c_void_p(torch.cuda.Stream(1).cuda_stream)
three = (ctypes.c_uint * 3)(1, 1, 1)
handle = ctypes.c_void_p()
lib.cublasCreate_v2(ctypes.byref(handle))
lib.cublasSetStream_v2(handle, stream)
show(strays=strays, status=lib.cublasSgemm_v2(handle), after=lib.fake_strays())
"""
    assert found(script, devices=2) == {"strays": 0, "status": 13, "after": 1}


def test_a_device_breaks_at_its_launch_for_all_processes(tmp_path: Path) -> None:
    broken = {"breaks": "0:500", "broken_file": tmp_path / "broken", "devices": 2}
    script = """
y = torch.ones(1, device="cuda:1")
show(first=often(lambda: y.add_(1), 400), then=often(lambda: x.add_(1)),
     wait=tried(torch.cuda.synchronize), other=tried(lambda: y.add_(1)))
"""
    assert found(script, **broken) == {"first": "fine", "then": ECC, "wait": ECC, "other": "fine"}
    script = 'show(two=tried(lambda: torch.ones(1, device="cuda:0")))'
    done = standin.run("-c", START.replace("cuda:0", "cuda:1") + script, **broken)
    assert json.loads(done.stdout) == {"two": ECC}


def test_an_assert_stays_with_its_process(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    script = """
show(first=often(lambda: x.add_(1)), copy=tried(x.cpu), new=tried(lambda: torch.ones(1).cuda()))
"""
    well = found(script, assert_="0:500", assert_file=flag)
    flag.touch()
    ill = found(script, assert_="0:500", assert_file=flag)
    assert (set(well.values()), set(map(tuple, ill.values()))) == ({"fine"}, {tuple(ASSERT)})


def test_memory_ends_where_it_is_small_or_a_capture_is_under_way() -> None:
    script = """
much = lambda: torch.empty(2**24, device="cuda")
show(capture=captured(much), after=tried(much), large=tried(lambda: torch.empty(2**30).cuda()))
"""
    answer = found(script, mem=2**30, oom_capture=1)
    assert (answer["capture"][0], answer["large"][0]) == ("OutOfMemoryError", "OutOfMemoryError")
    assert answer["after"] == "fine"
    assert found("show(capture=captured(lambda: x.repeat(2**22)))") == {"capture": "fine"}
