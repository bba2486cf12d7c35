"""A worker process: trains and scores one run after another, and reports to its conductor.

It knows no database. Its measurements go to the conductor through a pipe, and it ends when that
pipe closes: a worker never outlives the process that may write.
"""

from __future__ import annotations

import gc
import hashlib
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from srbench.analysis.metric_names import FOLLOWED, VALIDATE
from srbench.analysis.stopping_rule import has_converged
from srbench.core import part_files, slots
from srbench.core.arithmetic import full_precision
from srbench.core.devices import machine
from srbench.core.errors import DiskError, UserError, first_line
from srbench.core.files import write_atomically
from srbench.core.signals import STOPPING
from srbench.core.streams import Streams
from srbench.core.weights import stored_weights
from srbench.data import resident
from srbench.run import worker_images
from srbench.run.awake import AwakeClock
from srbench.run.messages import (
    Broken,
    CurvePoint,
    Done,
    Failed,
    Message,
    Progress,
    Ready,
    Refused,
    Resumed,
    Scoring,
    Stopped,
    Task,
    Trained,
)
from srbench.run.worker_images import Changed, ImagesChanged, borrow, training_images
from srbench.run.worker_scores import Scorer
from srbench.study.batches import patches_of
from srbench.study.identity import code_digest
from srbench.train import checkpoint
from srbench.train.device import clear, settle, touch
from srbench.train.fit import Diverged, Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import TrainSettings

REPORT_S = 1.0  # between two messages, each of which costs the conductor 2 to 12 ms
Clock = Callable[[], float]  # seconds, without those in which the process was suspended


class Stop(Exception):
    """The conductor wants the run to stop after the step under way."""


def main(pipe: Connection, device_name: str) -> None:
    """Serve tasks until the pipe closes or None arrives."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # the conductor decides, and sends a message
    device = torch.device(device_name)
    warnings.filterwarnings("ignore", "CUDA initialization")  # the conductor has shown the reason
    try:
        settle(device, 1)
        touch(device)
    except RuntimeError as problem:
        pipe.send(Broken(first_line(problem)))
        return
    code_digest()  # as it is now, while it is imported
    slots.load()
    gc.freeze()  # what was imported stays: no collection need visit it
    code = 0
    try:
        with full_precision(), AwakeClock() as clock:
            _serve(pipe, device, clock)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        code = 1
    resident.release()
    worker_images.release()
    sys.exit(code)


def _serve(pipe: Connection, device: torch.device, clock: Clock = time.monotonic) -> None:
    pipe.send(Ready(machine(str(device))))
    data: Any = None  # settings of the run before
    while True:
        task = pipe.recv()
        if task is not None and not isinstance(task, Task):
            continue  # a stop that came too late
        if task is None:
            return
        borrow(task.borrowed)
        if task.data != data:
            resident.release()  # memory that an earlier run held is not this run's
        data = task.data
        message = _finished(task, pipe, device, clock)
        pipe.send(message)
        if isinstance(message, Broken):
            return


def _finished(
    task: Task, pipe: Connection, device: torch.device, clock: Clock = time.monotonic
) -> Message:
    """Do a task; whatever goes wrong in it becomes a message."""
    try:
        run = RunUnderWay(task, pipe, device, clock)
    except UserError as problem:
        return Failed(task.run, "error", str(problem), 0)
    try:
        return run.do()
    except Stop:
        return Stopped(task.run, run.step, run.spent_s())
    except Diverged as problem:
        return Failed(task.run, "diverged", str(problem), problem.step)
    except FloatingPointError as problem:
        return Failed(task.run, "diverged", f"{problem}, at step {run.step}", run.step)
    except torch.OutOfMemoryError as problem:
        return run.without_result("oom", first_line(problem))
    except MemoryError:
        return run.without_result("oom", "the computer's memory is full")
    except (DiskError, Changed) as problem:
        return Refused(task.run, str(problem), isinstance(problem, ImagesChanged))
    except UserError as problem:
        return run.without_result("error", str(problem))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as problem:
        if not _works(device):  # torch, cuBLAS and cuDNN each have their own words for it
            return Broken(first_line(problem))
        message = f"{type(problem).__name__}: {first_line(problem)}\n{traceback.format_exc()}"
        return run.without_result("error", message)


def _works(device: torch.device) -> bool:
    try:
        touch(device)
    except torch.OutOfMemoryError:
        return True
    except RuntimeError:
        return False
    return True


class RunUnderWay:
    """One task under way."""

    def __init__(self, task: Task, pipe: Connection, device: torch.device, clock: Clock) -> None:
        part_files.use(task.parts)
        self.task, self.pipe, self.device, self.clock = task, pipe, device, clock
        self.tree = task.tree
        self.folder = Path(task.folder)
        self.streams = Streams(task.seed, task.salt)
        self.points: list[CurvePoint] = []
        self.sent = 0
        self.step = 0
        self.trained_s = 0.0  # before the last resume
        self.peak = 0  # bytes of the device that training has held
        self.trained: Done | None = None  # once there are weights to be scored
        self.begin = self.last_sent = self.last_saved = self.clock()

    def do(self) -> Message:
        clear(self.device)
        net: nn.Module = self.tree.model.build()(self.task.scale)
        trained = any(p.requires_grad for p in net.parameters())
        if self.task.weights is None and code_digest() != self.task.code:
            raise Changed("srbench's sources or a plug-in's")
        if self.task.weights is not None:
            net.load_state_dict(stored_weights(Path(self.task.weights), self.task.weights_sha256))
        elif trained:
            settings: TrainSettings = self.tree.train.build()()
            initialise(net, self.streams, settings.initial)
        net.to(self.device)
        self._reset_memory()
        train_s, weights, sha256 = 0.0, None, None
        if trained and self.task.weights is None:
            train_s = self._train(net)
            weights, sha256 = self._save_weights(net)
        done = Done(self.task.run, self.step, train_s, 0.0, self._peak_memory(), weights, sha256)
        if self.task.weights is None:
            self.trained = done
            self.pipe.send(Trained(done))
        clear(self.device)
        start = self.clock()
        scorer = self._scorer(net)
        scored = scorer.score()
        if not self.task.evaluate:  # a candidate of a search, which never sees `eval`
            scorer.save_validation_strip()
        return replace(
            done, score_s=self.clock() - start, scores=tuple(scored.scores),
            pictures=tuple(scored.pictures), missing=tuple(scored.missing),
            unscored="; ".join(scored.failed),
        )  # fmt: skip

    def _scorer(self, net: nn.Module) -> Scorer:
        return Scorer(net, self.task, self.tree, self.device, self._listen)

    def without_result(self, reason: str, message: str) -> Done | Failed:
        """The result after a failure: the trained weights if only scoring failed, else none."""
        if self.trained is not None:
            return replace(self.trained, unscored=message)
        return Failed(self.task.run, reason, message, self.step)

    def spent_s(self) -> float:
        """Seconds of training so far, those before a resume too."""
        return self.trained_s + self.clock() - self.begin

    def _train(self, net: nn.Module) -> float:
        settings: TrainSettings = self.tree.train.build()()
        tree = self.tree
        patches = patches_of(
            tree, lambda scale: training_images(self.task, tree, scale), self.task.scale,
            self.streams,
        )  # fmt: skip
        saved = checkpoint.load_newest(self.folder, self.device)
        if saved is not None:
            self.step = saved["step"]
            self.points = [tuple(point) for point in saved["points"]]
            self.trained_s, self.peak = saved["seconds"], saved.get("peak", 0)
            self.pipe.send(Resumed(self.task.run, self.step))
        self.begin = self.clock()
        validate = settings.validation_epochs()
        candidate = not self.task.evaluate  # whose pruner reads validations one by one

        def on_progress(now: Training) -> None:
            self.step = now.step
            validated = now.at_epoch_end and now.epoch in validate
            if now.at_epoch_end:
                self._end_epoch(now, validated)
                if validated and self._has_converged(settings):
                    now.end()
            if self.clock() - self.last_sent > REPORT_S or (validated and candidate):
                self._report(now)
            if self.pipe.poll():
                self.pipe.recv()
                self._checkpoint(now)
                raise Stop
            due = self.clock() - self.last_saved >= self.task.checkpoint_s
            if due or now.step == now.steps:  # a run killed while it is scored is not trained again
                self._checkpoint(now)

        now = fit(
            net, patches, settings, self.streams, on_progress, precision=self.task.precision,
            memory_order=self.task.memory_order, resume=saved,
        )  # fmt: skip
        if self.sent < len(self.points):  # saved after the last step, and perhaps not yet sent
            self._report(now)
        return self.spent_s()

    def _end_epoch(self, now: Training, validate: bool) -> None:
        losses = now.losses[-now.per_epoch :]
        first = now.step - len(losses) + 1
        self.points += [
            ("loss_step", first + i, (first + i) / now.per_epoch, loss)
            for i, loss in enumerate(losses)
        ]
        self.points.append(("loss", now.step, now.epoch, float(np.mean(losses))))
        for name, values in now.terms.items():
            mean = float(np.mean(values[-now.per_epoch :]))
            self.points.append((name, now.step, now.epoch, mean))
        self.points.append(("lr", now.step, now.epoch, now.lr))
        if validate:
            paused = self.clock()
            self._note_memory()
            for name, value in self._scorer(now.net).validate().items():
                self.points.append((f"{VALIDATE}{name}", now.step, now.epoch, value))
            self.begin += self.clock() - paused  # not training time
            self._reset_memory()  # nor training memory
            now.net.train()

    def _has_converged(self, settings: TrainSettings) -> bool:
        """Whether the run is to end because PSNR on `validate` no longer changes."""
        if settings.until != "converged":
            return False
        curve = [value for name, _, _, value in self.points if name == FOLLOWED]
        return has_converged(curve, settings.tolerance)

    def _report(self, now: Training) -> None:
        new = tuple(self.points[self.sent :])
        self.sent = len(self.points)
        loss = now.read_losses()[-1]  # waits for the device, once a second at most
        self.pipe.send(Progress(self.task.run, now.step, now.steps, loss, new))
        self.last_sent = self.clock()

    def _checkpoint(self, now: Training) -> None:
        state = now.state()
        state["points"] = [list(point) for point in self.points]
        state["seconds"] = self.spent_s()
        self._note_memory()
        state["peak"] = self.peak
        checkpoint.save(self.folder, now.step, state)
        self.last_saved = self.clock()

    def _save_weights(self, net: nn.Module) -> tuple[str, str]:
        tensors = {k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()}
        payload = save(tensors)
        write_atomically(self.folder / "weights.safetensors", payload)
        return "weights.safetensors", hashlib.sha256(payload).hexdigest()

    def _listen(self, images: int) -> None:
        """Between two images: stop if the conductor asks for it, end if it has ended."""
        if self.pipe.poll():
            if self.pipe.recv() is None:
                raise EOFError
            raise Stop
        if self.clock() - self.last_sent > REPORT_S:
            self.pipe.send(Scoring(self.task.run, images))
            self.last_sent = self.clock()

    def _reset_memory(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def _note_memory(self) -> None:
        """Keep the most memory that was held since the last reset."""
        if self.device.type == "cuda":
            self.peak = max(self.peak, torch.cuda.max_memory_allocated(self.device))

    def _peak_memory(self) -> float | None:
        """Of the training, in MB (10**6 bytes), validation left out; not measured on the CPU."""
        self._note_memory()
        return self.peak / 1e6 if self.device.type == "cuda" else None
