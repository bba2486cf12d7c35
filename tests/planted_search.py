"""A search of any length whose values follow a known rule: rows without training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import chdir
from math import log10
from pathlib import Path
from typing import Any

import tiny

from srbench.core.device_locks import SharedLock
from srbench.run.records import record
from srbench.run.search import Searcher
from srbench.run.session import Request, plan_study, read_study
from srbench.store import (
    Lease,
    Outcome,
    Point,
    Provenance,
    ScoreRow,
    Store,
    open_store,
    this_process,
)

TUNE = """\
tune:
  space:
    skip: [none, nearest, bilinear, bicubic]
    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}
    activation: [relu, leaky_relu, prelu, gelu]
    attention: [none, se]
    attention.reduction: [2, 4]
  sampler: random
  pruner: {successive_halving: {epochs: 3, reduction: 2}}
  budget: 30 trials
  confirm: 2
"""
GAIN = {"none": 0.0, "nearest": 3.0, "bilinear": 6.0, "bicubic": 5.0}
EPOCHS = 9


def planted(
    folder: Path,
    trials: int,
    *changes: tuple[str, str],
    diverges: Callable[[Any], bool] = lambda point: False,
) -> Store:
    """The store of a folder in which a search of so many trials has ended, and was confirmed.

    `diverges` says of which points the training diverges.
    """
    head = tiny.STUDY.partition("variants:")[0]
    text = head.replace("epochs: 3,", f"epochs: {EPOCHS},").replace(
        "validations: 3", f"validations: {EPOCHS}"
    )
    tune = TUNE.replace("30 trials", f"{trials} trials")
    for was, becomes in changes:
        assert was in tune
        tune = tune.replace(was, becomes)
    tiny.lay_out(folder, text + tune)
    with chdir(folder):  # relative paths of a study
        request = Request(Path("tiny.yaml"), device="cpu")
        plan = plan_study(request, read_study(request), lambda name: None)
        store = open_store(tiny.DB)
        number = store.plans.add(record(plan, "key", "tiny.yaml"))
        search = Searcher(plan, number, store, lambda text: None, SharedLock(["cpu"]))
        made = _provenance(store)
        while True:
            search.supply(1)
            claim = store.queue.claim(number, this_process())
            if claim is not None and not claim.judged and diverges(_point(search, claim)):
                store.queue.fail(claim, "diverged", "the loss is not finite", steps=2)
                search.ended(claim)
            elif claim is not None:
                _train(plan, number, store, search, claim, made)
            elif not search.goes_on() and not search.confirm():
                return store


def _train(plan: Any, number: int, store: Store, search: Searcher, claim: Any, made: int) -> None:
    steps = 27
    point = _point(search, claim)
    name = "validate/psnr_y"
    whole = [Point(name, 3 * e, e, value(point, e)) for e in range(1, EPOCHS + 1)]
    if search.search.pruner.name == "none":
        store.measurements.write_points(claim, whole, steps=steps)
    for epoch in range(1, EPOCHS + 1) if search.search.pruner.name != "none" else ():
        store.measurements.write_points(claim, [whole[epoch - 1]], steps=3 * epoch)
        gone = None if claim.judged else search.should_prune(claim, frozenset([name]))
        if gone is not None:
            search.prune(claim, *gone, steps=3 * epoch, seconds=epoch)
            return
    planned = search.planned(claim)
    scores = [
        ScoreRow(d.manifest, plan.study.protocol, image.name, metric, value(point, EPOCHS))
        for role, d in plan.datasets
        if role == "eval" and claim.judged
        for image in d.images
        for metric in plan.study.metrics
    ]
    left = Outcome(
        steps if planned.trained else 0, 9.0, 1.0, None, None, None, "cpu", made, tuple(scores)
    )
    store.measurements.finish(claim, left)
    if not claim.judged:
        search.ended(claim)


def _point(search: Searcher, claim: Lease) -> Any:
    return next((t.point for t in search.history() if t.fingerprint == claim.fingerprint), {})


def value(point: Any, epoch: int) -> float:
    """What a trial is worth after an epoch: the skip decides, the learning rate somewhat."""
    lr = float(point.get("train.optimizer.lr", 2e-3))
    gain = GAIN[str(point.get("skip", "none"))] - (log10(lr) + 2.5) ** 2
    return 20 + gain * (0.5 + 0.5 * epoch / EPOCHS)


def _provenance(store: Store) -> int:
    plain = Provenance(
        git_commit=None, git_dirty=None, versions={}, device="cpu", driver=None, host="here",
        command="test", python="3", platform="linux", threads=1,
    )  # fmt: skip
    return store.measurements.add_provenance(plain)
