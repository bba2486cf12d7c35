"""Is 1.00 told as 1.00? A network against its own copy, many times, by the pass and by peers.

    python benchmarks/latency.py                  # 60 trials, about ten minutes
    python benchmarks/latency.py --trials 10      # a glance
    python benchmarks/latency.py --load 2         # with two processes that keep the cores busy

The true ratio is 1. In each trial the same two networks get the same number of calls by every
method, in an order that changes: the pass (interleaved rounds, median of ratios, a control), a
plain loop around time.time() with the mean of each network after ten warm-up calls, and
torch.utils.benchmark (medians, one network after the other). Printed: how far each is off, how
often the pass's 95 % interval holds 1, how often its words call a difference where none is, and
its half width. Nothing is judged: a machine that is not quiet should come out as such.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.benchmark import Timer

from srbench.analysis.latency_ratios import is_quiet, word
from srbench.core import slots
from srbench.data.data_settings import data_settings
from srbench.measure.latency_passes import Effort, Entrant, measure
from srbench.measure.latency_setting import Setting
from srbench.measure.latency_work import work
from srbench.measure.stopwatch import steady_process
from srbench.study.tree import Tree
from srbench.train.settings import training

WARM_UPS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--channels", type=int, default=16, help="of CARN, at x2")
    parser.add_argument("--side", type=int, default=32, help="LR pixels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--load", type=int, default=0, help="processes that keep cores busy")
    given = parser.parse_args()
    slots.load()
    busy = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(given.load)]
    for process in busy:
        process.start()
    try:
        _report(given)
    finally:
        for process in busy:
            process.kill()


def _report(given: argparse.Namespace) -> None:
    tree = Tree(
        slots.model.parse({"carn": {"channels": given.channels}}),
        training.parse({"train": {}}),
        data_settings.parse({"data": {}}),
    )
    setting = Setting(given.device, lr_size=(given.side, given.side))
    calls = given.rounds * _calls_a_lap(tree, setting)
    print(f"{given.trials} trials; {given.rounds} rounds, {calls} calls of each network a trial; "
          f"{setting}; load {os.getloadavg()[0]:.1f}")  # fmt: skip
    off: dict[str, list[float]] = {"the pass": [], "time.time()": [], "torch.utils.benchmark": []}
    held, halves, words, quiet = [], [], [], []
    for trial in range(given.trials):
        effort = Effort(rounds=given.rounds, budget_s=1e9, narrow=0, seed=trial, patience_s=600)
        found = measure(entrants(tree), "one", 2, setting, effort)
        ratio, control = found.ratio("other"), found.control
        off["the pass"].append(ratio.value)
        held.append(ratio.low <= 1 <= ratio.high)
        halves.append(ratio.half)
        quiet.append(is_quiet(control))
        words.append(word(ratio, control))
        off["time.time()"].append(_peer(tree, setting, calls, _by_time, trial))
        off["torch.utils.benchmark"].append(_peer(tree, setting, calls, _by_timer, trial))
    _print(off, held, halves, words, quiet)


def _print(off: dict[str, list[float]], held: list[bool], halves: list[float], words: list[str],
           quiet: list[bool]) -> None:  # fmt: skip
    print(f"\n{'method':24}{'median |ratio - 1|':>20}{'95th percentile':>18}{'largest':>10}")
    for name, ratios in off.items():
        wrong = np.abs(np.array(ratios) - 1)
        middle, most = np.quantile(wrong, [0.5, 0.95])
        print(f"{name:24}{100 * middle:18.2f} %{100 * most:16.2f} %{100 * wrong.max():8.2f} %")
    n = len(held)
    share = float(np.mean(held))
    error = (share * (1 - share) / n) ** 0.5
    told = sum(word in ("slower", "faster") for word in words)
    print(f"\nthe pass: its 95 % interval holds 1 in {100 * share:.0f} % "
          f"(± {100 * error:.0f}) of {n} trials;")  # fmt: skip
    print(f"  half of the interval, median {100 * np.median(halves):.2f} %; "
          f"the control was within 1.00 ± 0.01 in {sum(quiet)} of {n};")  # fmt: skip
    print(f"  a difference was found in {told} of {n}, where there is none; "
          f"same in {words.count('same')}, unresolved in {words.count('unresolved')}.")  # fmt: skip


def _peer(
    tree: Tree, setting: Setting, calls: int, time_of: Callable[..., float], trial: int
) -> float:
    """One network after the other, as a user's script would; which is first alternates."""
    with torch.inference_mode(), steady_process(torch.device(setting.device), setting.threads):
        pair = [work(tree.model, tree.train, 2, setting) for _ in range(2)]
        order = (0, 1) if trial % 2 == 0 else (1, 0)
        taken = {i: time_of(pair[i], calls, setting) for i in order}
    return taken[1] / taken[0]


def _by_time(call: Callable[[], object], calls: int, setting: Setting) -> float:
    for _ in range(WARM_UPS):
        call()
    _wait(setting)
    start = time.time()
    for _ in range(calls):
        call()
    _wait(setting)
    return (time.time() - start) / calls


def _by_timer(call: Callable[[], object], calls: int, setting: Setting) -> float:
    timer = Timer("call()", globals={"call": call}, num_threads=setting.threads)
    timer.timeit(WARM_UPS)
    blocks = 20
    return float(np.median([timer.timeit(max(1, calls // blocks)).mean for _ in range(blocks)]))


def _wait(setting: Setting) -> None:
    if setting.device.startswith("cuda"):
        torch.cuda.synchronize()


def _calls_a_lap(tree: Tree, setting: Setting) -> int:
    effort = Effort(rounds=20, budget_s=0, patience_s=600)
    return measure(entrants(tree), "one", 2, setting, effort).ready[0].calls


def entrants(tree: Tree) -> list[Entrant]:
    """The same network under two names."""
    return [Entrant(name, tree.model, tree.train) for name in ("one", "other")]


def _spin() -> None:
    while True:
        sum(range(100_000))


if __name__ == "__main__":
    main()
