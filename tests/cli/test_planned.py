"""What `srbench plan` says of power and memory: the right numbers, in the unit of the metric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from srbench.analysis.power import detectable
from srbench.cli import planned
from srbench.core import memory
from srbench.core.memory import scratch
from srbench.run import memory as run_memory
from srbench.run.estimate import Forecast, Spread
from srbench.run.memory import PROCESS, Memory, needed, shortages
from srbench.study.plan import Numerics, make_plan
from srbench.study.read import read


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    return tmp_path


def forecast(
    change: tuple[str, str] = ("", ""), *, spread: Spread | None = None, workers: int = 1
) -> Forecast:
    file = Path("tiny.yaml")
    file.write_text(file.read_text().replace("seeds: 2", "seeds: 3").replace(*change))
    plan = make_plan(read(file), Numerics("cpu", 1))
    return Forecast(plan, workers, "cpu", None, spread)


def power(found: Forecast) -> str:
    [line] = planned._power(found)
    return line


def least(sd: float, seeds: int) -> str:
    """For one contrast, in the unit of the standard deviation."""
    return f"{detectable(seeds) * sd:.2g}"


@pytest.mark.usefixtures("here")
def test_effects_are_in_db_by_the_spread_of_stored_runs() -> None:
    said = power(forecast(spread=Spread(0.3, "runs of x have a standard deviation of 0.3")))
    assert said == (
        f"With 3 seeds and 1 contrast, effects above about {least(0.3, 3)} dB are found in 4 of 5 "
        f"studies, with one seed more above about {least(0.3, 4)} dB; "
        "runs of x have a standard deviation of 0.3."
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("change", "size", "basis"),
    [
        ("seeds: 5\n", f"{least(0.15, 5)} dB", "assumed: a standard deviation of 0.15 dB"),
        (
            "seeds: 5\nmetric: ssim_y\nmin_effect: 0.002\n",
            least(0.002, 5),
            "of min_effect over seeds, 0.002",
        ),
    ],
)
def test_an_assumed_spread_is_called_so(change: str, size: str, basis: str) -> None:
    text = Path("tiny.yaml").read_text().replace("min_effect: 0.3 dB\n", "")
    Path("tiny.yaml").write_text(text)
    said = power(forecast(("seeds: 3\n", change)))
    assert f"effects above about {size} are found" in said
    assert basis in said


@pytest.mark.usefixtures("here")
def test_where_nothing_can_be_assumed_effects_are_in_standard_deviations() -> None:
    said = power(forecast(("min_effect: 0.3 dB", "metric: ssim_y")))
    assert f"effects above {least(1, 3)} standard deviations of a run" in said


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("device", ["cpu", "NVIDIA H100"])
def test_memory_is_what_can_be_computed(device: str) -> None:
    """The folder's three photos of 48x48, trained, validated and evaluated on; LR made at x2."""
    found = forecast(workers=2)
    plan = replace(found.plan, numerics=Numerics(device, 1))
    images = 1.25 * 3 * 48 * 48 * 3
    weights = 8 * max(p.cost.parameters for p in plan.variants)
    need = needed(plan)
    assert (need.pixels, need.images, need.weights) == (3 * images, images, weights)
    assert need.worker - PROCESS == (weights if device == "cpu" else 0)
    said = planned._memory(replace(found, plan=plan, memory=replace(need, peak_mb=1234.5)))
    assert said[0].startswith("Memory: 0.1 MB of decoded images, once for all workers of a mach")
    assert said[0].endswith("each of 2 workers holds at least 320 MB besides.")
    assert ["1,234 MB at most" in line for line in said[1:]] == ([] if device == "cpu" else [True])


@pytest.mark.usefixtures("here")
def test_lr_that_is_drawn_for_each_patch_is_not_stored_nor_patches_cut_on_a_gpu() -> None:
    drawn = ("patches: 12", "patches: 12\n  degradation: {noise: {}}")
    need = needed(forecast(drawn).plan)
    assert (need.pixels, need.images) == (3.5 * 3 * 48 * 48 * 3, 0)


def test_what_a_machine_has_too_little_of_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    need = Memory(pixels=10**9, worker=5 * 10**8, images=0, weights=0)
    for free, disk, said in (
        (2 * 10**9, 10**9, []),
        (None, None, []),
        (
            990_000_000,
            10**9,
            ["2 workers need at least 1.0 GB of memory, and 1.0 GB are free: tak"],
        ),
        (1_400_000_000, 10**9, ["decoded images take 1.0 GB, and 0.4 GB of memory are free besid"]),
        (2 * 10**9, 9 * 10**8, [f"{scratch()} has 900 MB free, and decoded images take 1,000 MB"]),
    ):
        monkeypatch.setattr(run_memory, "free_memory", lambda free=free: free)
        monkeypatch.setattr(run_memory, "free_disk", lambda disk=disk: disk)
        found = list(shortages(need, 2))
        assert [line[: len(start)] for line, start in zip(found, said, strict=True)] == said


def test_free_memory_is_that_of_the_machine_or_of_a_job_within_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = tmp_path / "job" / "step"
    step.mkdir(parents=True)
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:  8 kB\n")
    (tmp_path / "own").write_text("0::/job/step\n")
    for name, path in (("MEMINFO", "meminfo"), ("CGROUP", "own"), ("CGROUPS", "")):
        monkeypatch.setattr(memory, name, tmp_path / path)
    (step / "memory.max").write_text("max\n")
    assert memory.free_memory() == 8192
    for name, text in (("max", "6000\n"), ("current", "5000\n"),
                       ("stat", "inactive_file 100\nactive_file 200\n")):  # fmt: skip
        (tmp_path / "job" / f"memory.{name}").write_text(text)
    assert memory.free_memory() == 1300
    (tmp_path / "meminfo").unlink()
    assert memory.free_memory() == 1300


@pytest.mark.parametrize(("kind", "chosen"), [("ext4", False), ("tmpfs", True)])
def test_large_temporary_files_are_on_a_disk(
    kind: str, chosen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mounts").write_text(
        f"a / ext4 rw 0 0\nb /tmp {kind} rw 0 0\nc /run tmpfs rw 0 0\n"
    )
    monkeypatch.setattr(memory, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(memory, "ON_DISK", str(tmp_path))
    monkeypatch.setattr(memory, "gettempdir", lambda: "/tmp")
    monkeypatch.delenv("TMPDIR", raising=False)
    assert memory.scratch() == (str(tmp_path) if chosen else "/tmp")
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert memory.scratch() == "/tmp"
