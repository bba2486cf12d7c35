"""A worker does what was planned, with the weights that were stored, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from srbench.core import slots
from srbench.run import worker, worker_images, worker_scores
from srbench.run.assignments import task_of
from srbench.run.messages import (
    Broken,
    Done,
    Failed,
    Message,
    Progress,
    Ready,
    Refused,
    Task,
    Trained,
)
from srbench.study.identity import code_digest
from srbench.study.plan import Numerics, make_plan
from srbench.study.read import read
from srbench.train import checkpoint

slots.load()
pytestmark = pytest.mark.usefixtures("one_thread")
Serve = Callable[[Task], list[Message]]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """The first run of the tiny study, planned with the images as they are."""
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    plan = make_plan(read(Path("tiny.yaml")), Numerics("cpu", 1))
    sets = [d.manifest for role, d in plan.datasets if role == "eval"]
    choices = plan.study.base.data["eval"]
    return task_of(
        plan.variants[0], run=1, seed=0, scale=2, folder=str(tmp_path / "run"),
        protocol=plan.study.protocol, metrics=plan.study.metrics,
        evaluate=tuple((m, c.to_json()) for m, c in zip(sets, choices, strict=True)),
    )  # fmt: skip


@pytest.fixture
def serve() -> Serve:
    """Have a worker do a task in this process; all that it says."""

    def said(task: Task) -> list[Message]:
        worker_images.release()  # a new worker
        ours, theirs = Pipe()
        last = worker._finished(task, theirs, torch.device("cpu"))
        found = []
        while ours.poll():
            found.append(ours.recv())
        return [*found, last]

    return said


def test_what_was_planned_is_done(task: Task, serve: Serve) -> None:
    *before, last = serve(task)
    assert any(isinstance(message, Trained) for message in before)
    assert isinstance(last, Done)
    assert (last.steps, last.weights) == (9, "weights.safetensors")


def test_an_image_that_has_changed_since_is_not_trained_on(task: Task, serve: Serve) -> None:
    tiny.save_crop("coffee", Path("photos/chelsea.png"))
    *_, last = serve(task)
    assert isinstance(last, Refused)
    assert "photos} have changed since the runs were planned; the same command" in last.message
    assert not Path(task.folder).exists()


def test_nor_are_other_images_judged_on(task: Task, serve: Serve) -> None:
    *_, last = serve(replace(task, evaluate=(("0" * 64, task.evaluate[0][1]),)))
    assert isinstance(last, Refused)


def test_code_that_has_changed_since_is_not_run(task: Task, serve: Serve) -> None:
    *_, last = serve(replace(task, code="0" * 64))
    assert isinstance(last, Refused)
    assert "srbench's sources or a plug-in's have changed" in last.message


@pytest.mark.slow
def test_only_the_weights_that_were_stored_are_scored(task: Task, serve: Serve) -> None:
    done = serve(task)[-1]
    assert isinstance(done, Done)
    assert done.weights is not None
    file = Path(task.folder, done.weights)
    again = replace(task, weights=str(file), weights_sha256=done.weights_sha256)
    scored = serve(again)[-1]
    assert isinstance(scored, Done)
    assert scored.scores == done.scores
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    failed = serve(again)[-1]
    assert isinstance(failed, Failed)
    assert failed.message == f"{file}: was changed after the run: its SHA-256 differs"
    file.unlink()
    gone = serve(again)[-1]
    assert isinstance(gone, Failed)
    assert gone.message.startswith(
        f"{file}: is not there; was the database moved without its folder runs? Put the folder "
        "back, or train anew: srbench run STUDY --fresh"
    )


def test_a_worker_whose_device_is_broken_ends(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED")

    monkeypatch.setattr(worker, "fit", broken)
    monkeypatch.setattr(worker, "touch", broken)
    ours, theirs = Pipe()
    ours.send(task)
    worker._serve(theirs, torch.device("cpu"))
    assert isinstance(ours.recv(), Ready)
    assert ours.recv() == Broken("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED")
    assert not ours.poll()


def test_a_worker_says_how_it_goes_once_a_second_but_of_a_candidate_at_each_validation(
    task: Task, serve: Serve
) -> None:
    told = [m for m in serve(task) if isinstance(m, Progress)]
    assert len(told) <= 2  # of three epochs
    candidate = replace(task, evaluate=(), folder=f"{task.folder}-candidate")
    reports = [m for m in serve(candidate) if isinstance(m, Progress)]
    assert [sum(p[0] == "validate/psnr_y" for p in m.points) for m in reports] == [1, 1, 1]


@pytest.mark.parametrize("problem", [torch.OutOfMemoryError("CUDA out of memory"), KeyError("x")])
def test_weights_are_kept_where_scoring_them_fails(
    task: Task, serve: Serve, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fails(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(worker.Scorer, "score", fails)
    done = serve(task)[-1]
    assert isinstance(done, Done)
    assert (done.steps, done.scores) == (9, ())
    assert type(problem).__name__ in done.unscored or str(problem) in done.unscored
    assert done.weights is not None
    assert Path(task.folder, done.weights).exists()


def test_a_metric_that_fails_costs_its_own_scores_only(
    task: Task, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails on the second of three images: its score of the first one is not stored either."""
    calls: list[int] = []

    def unsteady() -> Callable[[Any, Any], float]:
        def score(sr: Any, hr: Any) -> float:
            calls.append(0)
            if len(calls) > 1:
                raise IndexError("out of range")
            return 1.0

        return score

    monkeypatch.setitem(slots.metric.parts, "unsteady", unsteady)
    done = serve(replace(task, metrics=("psnr_y", "unsteady"), code=code_digest()))[-1]
    assert isinstance(done, Done)
    assert [row[2] for row in done.scores] == ["psnr_y"] * 3
    assert done.unscored.startswith("unsteady on folder: {path: photos}, chelsea: IndexError")


def test_a_set_that_fails_costs_its_own_scores_only(
    task: Task, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker_scores.evaluation_images

    def full(task: Task, manifest: str, chosen: Any) -> Any:
        if manifest == "other":
            raise MemoryError
        return real(task, manifest, chosen)

    monkeypatch.setattr(worker_scores, "evaluation_images", full)
    [(manifest, chosen)] = task.evaluate
    done = serve(replace(task, evaluate=(("other", "photos"), (manifest, chosen))))[-1]
    assert isinstance(done, Done)
    assert {row[0] for row in done.scores} == {manifest}
    assert done.unscored == "photos: the computer's memory is full"


def test_the_memory_of_a_run_that_was_stopped_is_kept(
    task: Task, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.RunUnderWay, "_note_memory", lambda run: setattr(run, "peak", 7))
    assert isinstance(serve(task)[-1], Done)
    state = checkpoint.load_newest(Path(task.folder), torch.device("cpu"))
    assert state is not None
    assert state["peak"] == 7
    monkeypatch.setattr(worker.RunUnderWay, "_note_memory", lambda run: None)
    kept: list[int] = []
    score = worker.Scorer.score
    monkeypatch.setattr(
        worker.Scorer,
        "score",
        lambda scorer: (kept.append(scorer.listen.__self__.peak), score(scorer))[1],
    )
    said = serve(task)  # goes on from its last step, as after a kill while it scored
    assert isinstance(said[-1], Done)
    assert sum(isinstance(message, Progress) for message in said) <= 1
    assert kept == [7]


class Device:
    """Stands for `torch.cuda`, where what is held is told by hand."""

    most = 0

    def max_memory_allocated(self, device: torch.device) -> int:
        return self.most

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.most = 0


def run_on(device: str) -> worker.RunUnderWay:
    run = object.__new__(worker.RunUnderWay)
    run.device, run.peak = torch.device(device), 0
    return run


def test_validation_is_left_out_of_the_peak_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, run = Device(), run_on("cuda")
    monkeypatch.setattr(worker.torch, "cuda", cuda)
    cuda.most = 3_000_000  # steps
    run._note_memory()
    cuda.most = 90_000_000  # whole images
    run._reset_memory()
    cuda.most = 2_000_000  # steps again
    assert run._peak_memory() == 3.0
    assert run_on("cpu")._peak_memory() is None  # not measured
