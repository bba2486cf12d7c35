"""The latency pass on real networks: from a study file to rows, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from on_cuda import compares_values
from tiny import called, lay_out, rows

from srbench.analysis.results import Results
from srbench.core import slots
from srbench.core.device_locks import SharedLock
from srbench.core.errors import UserError
from srbench.measure.latency_passes import Effort, Entrant, Pass, measure
from srbench.measure.latency_setting import Setting
from srbench.run.timed import Wish, networks
from srbench.store import open_store
from srbench.study.read import read

FEW = Effort(rounds=24, budget_s=20, narrow=1e-9)
SMALL = Setting(lr_size=(16, 16))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(lay_out(tmp_path))
    return tmp_path


def entrants(folder: Path, *changes: str) -> tuple[list[Entrant], int]:
    study = read(folder / "tiny.yaml", set_=changes)
    return [Entrant(v.name, v.tree.model, v.tree.train) for v in study.variants[:2]], study.scale


def timed(folder: Path, setting: Setting = SMALL) -> Pass:
    given, scale = entrants(folder)
    return measure(given, "plain", scale, setting, FEW)


def test_a_pass_times_everything_in_every_round_and_the_baseline_twice(folder: Path) -> None:
    found = timed(folder)
    assert found.rounds == 24
    assert [(r.subject.name, r.subject.copy) for r in found.ready] == [
        ("plain", 0), ("plain", 1), ("residual", 0),
    ]  # fmt: skip
    assert {len(found.times(name, copy)) for name, copy in (("plain", 1), ("residual", 0))} == {24}
    assert found.ratio("plain").value == 1
    assert found.control.rounds == found.ratio("residual").rounds == 24


def test_a_network_eight_times_as_wide_takes_longer(folder: Path) -> None:
    given, scale = entrants(folder, "channels=4")
    model = slots.model.parse({"carn": {"channels": 32, "blocks": 3}})
    wide = replace(given[0], name="wide", model=model)
    found = measure([given[0], wide], "plain", scale, Setting(lr_size=(48, 48)), FEW)
    assert found.ratio("wide").low > 1.5


@pytest.mark.campaign
def test_a_quiet_machine_resolves_one_per_cent(folder: Path) -> None:
    """The control of a real pass; on a busy machine there is nothing to hold it to."""
    given, scale = entrants(folder, "channels=16")
    found = measure(given, "plain", scale, Setting(lr_size=(48, 48)), Effort(budget_s=40))
    if any("busy" in said or "other processes" in said for said in found.warnings):
        pytest.skip(f"the machine is not quiet: {'; '.join(found.warnings)}")
    assert abs(found.control.value - 1) <= 0.01


@pytest.mark.parametrize("mode", ["eager", pytest.param("compiled", marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("memory", ["contiguous", "channels_last"])
def test_settings_run(folder: Path, mode: str, precision: str, memory: str) -> None:
    found = timed(
        folder, Setting(lr_size=(16, 16), mode=mode, precision=precision, memory_format=memory)
    )
    assert found.ratio("residual").value > 0


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_step_takes_longer_than_a_forward_pass(folder: Path, precision: str) -> None:
    forward = timed(folder)
    step = timed(folder, Setting(lr_size=(16, 16), quantity="step_time", precision=precision))
    assert min(step.times("plain")) > min(forward.times("plain"))


def test_a_network_that_does_not_run_is_named(folder: Path) -> None:
    given, scale = entrants(folder)
    with pytest.raises(UserError, match=r"^plain: does not run with 1 thread, 1 of 16x16, fp16"):
        measure(
            [replace(given[0], model=slots.model.parse({"carn": {"rates": [999999]}}))],
            "plain", scale, Setting(lr_size=(16, 16), precision="fp16"), FEW,
        )  # fmt: skip


def test_a_pass_beside_a_training_is_refused(folder: Path) -> None:
    with SharedLock(["cpu"]), pytest.raises(UserError, match="another srbench trains or measures"):
        timed(folder)


def test_variants_that_are_one_network_are_timed_once(folder: Path) -> None:
    text = (folder / "tiny.yaml").read_text() + "  slow: {train.optimizer: {adam: {lr: 1.0e-5}}}\n"
    (folder / "tiny.yaml").write_text(text)
    found = networks(Wish(folder / "tiny.yaml"))
    assert [entrant.name for entrant in found.entrants] == ["plain", "residual"]
    assert found.timed_as["slow"] == "plain"
    steps = networks(Wish(folder / "tiny.yaml", quantity="step_time"))
    assert [entrant.name for entrant in steps.entrants] == ["plain", "residual", "slow"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Results, str]]:
    """A study that was planned and timed by the commands."""
    with pytest.MonkeyPatch.context() as patch:
        folder = lay_out(tmp_path_factory.mktemp("timed"))
        patch.chdir(folder)
        options = ("--size", "24x16", "--rounds", "20", "--db", "db/srbench.sqlite")
        assert called("latency", "tiny.yaml", *options) == 0
        again = ("run", "tiny.yaml", "--seeds", "1", "--db", "db/srbench.sqlite", "--latency")
        assert called(*again) == 0  # has its times already
        with open(folder / "said.json", "w") as file:
            patch.setattr("sys.stdout", file)
            assert called("latency", "tiny.yaml", *options, "--step", "--json") == 0
        store = open_store(folder / "db" / "srbench.sqlite")
        yield folder, store.reading.results("tiny"), (folder / "said.json").read_text()


@pytest.mark.slow
def test_a_pass_before_the_runs_makes_no_plan_and_is_found_after(
    stored: tuple[Path, Results, str],
) -> None:
    folder, results, _ = stored
    assert rows(folder, "SELECT count(*) FROM plans") == [(1,)]
    assert results.passes["quantity"].tolist() == ["latency", "step_time"]
    counts = results.latency.groupby(["pass_id", "variant", "copy"]).size()
    assert set(counts) == {20}
    assert len(counts) == 6  # two passes, two variants and the control
    assert set(results.latency["variant"]) == {"plain", "residual"}
    assert results.passes[["lr_height", "lr_width"]].iloc[0].tolist() == [16, 24]


@pytest.mark.slow
def test_json_says_what_was_measured_and_what_can_be_told(
    stored: tuple[Path, Results, str],
) -> None:
    (one,) = json.loads(stored[2])
    assert (one["quantity"], one["rounds"], one["baseline"]) == ("step_time", 20, "plain")
    names = [row["variant"] for row in one["variants"]]
    assert names == ["plain", "residual"]
    assert one["resolution"] == pytest.approx(
        max(abs(one["control"]["low"] - 1), abs(one["control"]["high"] - 1))
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--size", "7"), "--size: '7' is no size; write width x height such as 320x180"),
        (("--size", "wide"), "--size: 'wide' is no size"),
        (("--precision", "fp8"), "--precision: 'fp8' is unknown (known: fp32, tf32, bf16, fp16)"),
        (("--mode", "graph"), "--mode: graph is CUDA's"),
        (("--step", "--mode", "compiled"), "--mode: a training step is timed as it is taken"),
        (("--step", "--mode", "graph"), "--mode: graph is CUDA's"),
        (("--precision", "tf32"), "--precision: tf32 is CUDA's"),
        (("--memory-format", "auto"), "--memory-format: 'auto' is unknown (known: contiguous,"),
        (("--device", "cuda:9"), "--device: 'cuda:9' "),
        (("--only", "nothing"), "--only nothing: no variant fits"),
    ],
)
def test_mistakes_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert called("latency", "tiny.yaml", *options) == 2
    found = capsys.readouterr().err.splitlines()
    assert len(found) == 1
    assert found[0].startswith(f"srbench: error: {said}")


@compares_values
@pytest.mark.parametrize("mode", ["eager", "graph", "compiled"])
def test_cuda_modes_run_and_the_control_is_close(folder: Path, mode: str) -> None:
    found = timed(folder, Setting("cuda:0", lr_size=(256, 256), mode=mode))
    assert abs(found.control.value - 1) < 0.02
    assert found.ratio("residual").value > 0.5
