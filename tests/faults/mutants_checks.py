"""Quick checks that a sound package passes, each a function of an empty folder.

    python mutants_checks.py NAME FOLDER

They are run against copies of the package with one bug planted in each, and have to fail there.
An exception is a finding too.
"""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Clock:
    """Time as the check wants it."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def claims_race(folder: Path) -> None:
    """Eight processes open a fresh store at once, then claim and finish until none is left."""
    from store_samples import outcome, plan

    from srbench.store import Point, open_store, this_process

    begin, seeds = time.time() + 1.5, tuple(range(40))

    def child() -> None:
        store = open_store(folder / "db.sqlite")
        time.sleep(max(0.0, begin - time.time()))
        number = store.plans.add(plan("tiny", ("plain",), seeds=seeds))
        while (claim := store.queue.claim(number, this_process())) is not None:
            store.measurements.write_points(claim, [Point("loss", 1, 0.1, 1.0)])
            store.measurements.finish(claim, outcome(store, claim))

    at_once([child] * 8)
    with closing(sqlite3.connect(folder / "db.sqlite")) as connection:
        found = connection.execute("select state, fence, count(*) from runs group by 1, 2")
        assert found.fetchall() == [("done", 1, len(seeds))]


def first_opening(folder: Path) -> None:
    """Twelve processes open a fresh store at once, again and again."""
    from srbench.store import open_store

    for turn in range(4):
        begin = time.time() + 0.3

        def child(turn: int = turn, begin: float = begin) -> None:
            time.sleep(max(0.0, begin - time.time()))
            open_store(folder / f"{turn}.sqlite").close()

        at_once([child] * 12)


def at_once(children: list[Callable[[], None]]) -> None:
    pids = []
    for child in children:
        if not (pid := os.fork()):
            try:
                child()
            except BaseException as problem:
                print(f"{type(problem).__name__}: {problem}")
                sys.stdout.flush()
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    assert codes == [0] * len(codes), codes


def leases(folder: Path) -> None:
    """A claim stands while its lease does, is lost after it, and a lost one writes nothing."""
    from store_samples import ELSEWHERE, outcome, plan

    from srbench.store import LeaseLost, Point, open_store, this_process

    clock = Clock()
    store = open_store(folder / "db.sqlite", clock=clock)
    number = store.plans.add(plan("tiny", ("plain",), seeds=(0,)))
    former = store.queue.claim(number, ELSEWHERE)
    assert former is not None
    clock.now += 60
    assert store.queue.claim(number, this_process()) is None, "taken while its lease stood"
    assert store.queue.heartbeat(former)
    clock.now += 100
    assert store.queue.claim(number, this_process()) is None, "a heartbeat prolongs the lease"
    clock.now += 60
    claim = store.queue.claim(number, this_process())
    assert claim is not None, "a lease that has run out holds for ever"
    writes: tuple[Callable[[], object], ...] = (
        lambda: store.measurements.write_points(former, [Point("loss", 1, 0.1, 1.0)]),
        lambda: store.measurements.forget_points(former, 0),
        lambda: store.queue.interrupt(former, 3),
        lambda: store.queue.fail(former, "error", "late", steps=3),
        lambda: store.measurements.finish(former, outcome(store, former)),
    )
    for write in writes:
        try:
            write()
        except LeaseLost:
            continue
        raise AssertionError("a write under an older fence was taken")
    store.measurements.finish(claim, outcome(store, claim))


def the_dead(folder: Path) -> None:
    """What a dead process of this machine held is free at once; what a living one holds is not."""
    from store_samples import plan

    from srbench.store import open_store, this_process

    store = open_store(folder / "db.sqlite")
    number = store.plans.add(plan("tiny", ("plain",), seeds=(0, 1)))
    store.close()

    def child() -> None:
        mine = open_store(folder / "db.sqlite")
        assert mine.queue.claim(number, this_process()) is not None

    at_once([child])
    store = open_store(folder / "db.sqlite")
    assert store.queue.claimable(number) == 2
    assert store.queue.claim(number, this_process()) is not None
    assert store.queue.claimable(number) == 1, "what this living process holds is free"


def rows(folder: Path) -> None:
    """Numbers come back as they went in, a later point replaces, what is forgotten is gone."""
    from store_samples import outcome, plan

    from srbench.store import Point, open_store, this_process

    store = open_store(folder / "db.sqlite")
    number = store.plans.add(plan("tiny", ("plain", "se"), seeds=(0,)))
    claim = store.queue.claim(number, this_process())
    assert claim is not None
    values = [math.nan, math.inf, -math.inf, 5e-324, 1e308, 0.1 + 0.2]
    store.measurements.write_points(claim, [Point("loss", n, n, v) for n, v in enumerate(values)])
    store.measurements.write_points(claim, [Point("loss", 5, 5, 0.7)])
    curves = store.reading.results(number).curves
    found = dict(zip(curves["step"], curves["value"], strict=True))
    assert [found[n].hex() for n in range(5)] == [v.hex() for v in values[:5]]
    assert found[5] == 0.7, "the later of two points is kept"
    store.measurements.forget_points(claim, 2)
    assert sorted(store.reading.results(number).curves["step"]) == [0, 1, 2]
    store.measurements.finish(claim, outcome(store, claim))
    claim = store.queue.claim(number, this_process())
    assert claim is not None
    store.queue.fail(claim, "diverged", "at step 2", steps=2)
    assert store.queue.retry_failed(number) == 0, "divergence is a result"


def half_a_result(folder: Path) -> None:
    """A run is done with all its scores, or it is not done."""
    from dataclasses import replace

    from store_samples import outcome, plan, scores

    from srbench.store import open_store, this_process

    store = open_store(folder / "db.sqlite")
    number = store.plans.add(plan("tiny", ("plain",), seeds=(0,)))
    claim = store.queue.claim(number, this_process())
    assert claim is not None
    whole = outcome(store, claim)
    unknown = replace(scores()[0], image="no such image")
    try:
        store.measurements.finish(claim, replace(whole, scores=(*scores(), unknown)))
    except ValueError:
        assert store.queue.states(number) == {"running": 1}
    else:
        raise AssertionError("a score of no image was taken")
    with closing(sqlite3.connect(folder / "db.sqlite")) as connection:
        assert connection.execute("select count(*) from scores").fetchone() == (0,)


def durable(folder: Path) -> None:
    """What SQLite is told, and in which order a checkpoint reaches the disk."""
    from sqlalchemy import text

    from srbench.store import open_store

    store = open_store(folder / "db.sqlite")
    with store.engine.connect() as connection:
        asked = ("synchronous", "foreign_keys")
        said = [connection.execute(text(f"pragma {name}")).scalar_one() for name in asked]
    assert said == [2, 1], said
    store.close()

    from shim import Fault, Shim, compiled

    library = compiled(folder)
    if library is None:
        print("no C compiler: the order of calls is not seen")
        sys.exit(77)
    shim = Shim(folder / "control")
    home = folder / "runs" / "0"
    home.mkdir(parents=True)
    shim.arm(home.parent, Fault("list", "list"), 0)
    code = (
        "from pathlib import Path; from srbench.train import checkpoint; import sys;"
        "checkpoint.save(Path(sys.argv[1]), 1, {'step': 1})"
    )
    environment = os.environ | shim.environment(library)
    subprocess.run([sys.executable, "-c", code, str(home)], env=environment, check=True, cwd=folder)
    calls = [(name, Path(path).name) for name, path in shim.calls()]
    part, folder_name = "0000000001.checkpoint.part", home.name
    writes = [n for n, (name, at) in enumerate(calls) if "write" in name and at == part]
    synced = [n for n, (name, at) in enumerate(calls) if "sync" in name and at == part]
    renamed = [n for n, (name, _) in enumerate(calls) if name.startswith("rename")]
    folder_synced = [n for n, call in enumerate(calls) if call == ("fsync", folder_name)]
    assert writes, calls
    assert synced, calls
    assert renamed, calls
    assert folder_synced, calls
    assert max(writes) < max(synced) < renamed[0] < max(folder_synced), calls


def checkpoints(folder: Path) -> None:
    """Two are kept, and the older one serves where the newer is damaged in any byte."""
    import torch

    from srbench.train import checkpoint

    cpu = torch.device("cpu")
    for step in (1, 2, 3):
        state = {"step": step, "net": {"w": torch.arange(64.0) * step}}
        newest = checkpoint.save(folder, step, state)
    assert len(list(folder.glob("*.checkpoint"))) == 2
    raw = bytearray(newest.read_bytes())
    where = raw.find(torch.arange(64.0).mul(3).numpy().tobytes())
    assert where > 0
    raw[where + 100] ^= 4
    newest.write_bytes(bytes(raw))
    found = checkpoint.load_newest(folder, cpu)
    assert found is not None
    assert found["step"] == 2


def resumes(folder: Path) -> None:
    """A training that is saved and taken up at any step goes on to the same bits."""
    import io

    import numpy as np
    import torch
    from torch import nn

    from srbench.core import slots
    from srbench.core.streams import Streams
    from srbench.data.decoded import Dataset, Image
    from srbench.data.patches import Patches, _order
    from srbench.train.fit import Diverged, Training, fit
    from srbench.train.settings import training

    slots.load()
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    image = Image("noise", pixels, pixels[::2, ::2].copy(), "")
    streams = Streams(3)
    patches = Patches(
        Dataset("noise", "train", (image,), ""), None, (), scale=2, patch=16, count=12,
        batch_size=4, fixed=False, streams=streams,
    )  # fmt: skip
    chosen = {"epochs": 3, "batch": 4, "optimizer": {"adam": {"lr": 1e-2}}}
    settings = training.parse({"train": chosen}).build()()

    def net() -> nn.Module:
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(3, 12, 3, padding=1), nn.Dropout(0.2), nn.ReLU(), nn.PixelShuffle(2)
        )

    saved: list[bytes] = []

    def keep(now: Training) -> None:
        buffer = io.BytesIO()
        torch.save(now.state(), buffer)
        saved.append(buffer.getvalue())

    whole = net()
    losses = fit(whole, patches, settings, streams, keep).losses
    for step in range(len(saved) - 1):
        torch.manual_seed(step)
        np.random.seed(step)
        _order.cache_clear()  # as a new process
        state = torch.load(io.BytesIO(saved[step]), weights_only=True)
        again = net()
        assert fit(again, patches, settings, streams, lambda n: None, resume=state).losses == losses
        for a, b in zip(whole.parameters(), again.parameters(), strict=True):
            assert torch.equal(a, b)
    broken = net()
    next(broken.parameters()).data[0] = math.nan
    try:
        fit(broken, patches, settings, streams, lambda now: None)
    except Diverged as problem:
        found = problem.step
    else:
        raise AssertionError("a loss that is no number went unnoticed")
    assert found == 1


def is_there(home: Path, child: Any, phase: str) -> bool:
    import test_signals as see

    own = see.phase(home, child) == phase
    return own or bool(see.in_phase(home, child, phase)) or child.poll() is not None


def are_gone(workers: list[int]) -> bool:
    import kills

    return not any(map(kills.alive, workers))


def study(folder: Path) -> None:
    """A study stopped by a signal, killed in chosen phases, and orphaned: judged at its end."""
    import history
    import kills
    import test_signals as see
    import tiny
    from kills_nursery import Nursery

    nursery = Nursery(Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]))
    try:
        expected = kills.undisturbed(nursery, folder / "undisturbed")
        home = tiny.lay_out(folder / "study", kills.STUDY)

        child = see.start(nursery, home)
        tiny.wait_for(lambda: see.in_phase(home, child, "step"))
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(30) == 143, child.said()
        assert "Go on with:" in child.said()

        for phase in ("tell", "step"):
            child = see.start(nursery, home)
            tiny.wait_for(partial(is_there, home, child, phase))
            workers = see.workers(home, child)
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
            tiny.wait_for(partial(are_gone, workers), 15)

        child = see.start(nursery, home)
        code = child.wait()
        assert code == 0, child.said()
        assert history.check(home, expected) == []
    finally:
        nursery.close()


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "store")]
    chosen = {f.__name__: f for f in (
        claims_race, first_opening, leases, the_dead, rows, half_a_result, durable, checkpoints,
        resumes, study,
    )}[sys.argv[1]]  # fmt: skip
    chosen(Path(sys.argv[2]))
    print("sound")
