"""One training on the stand-in, with its counters after every step.

`standin.py one_training.py --device cuda:1 --model '{"carn": {"channels": 16}}' --twice`
"""

from __future__ import annotations

import argparse
import json
import warnings

import torch
import trainings
from trainings import COUNTERS

from srbench.core.streams import Streams
from srbench.measure.scores import full_precision
from srbench.train.fit import fit


def as_choice(text: str) -> object:
    """A part's name, or a choice in JSON."""
    return json.loads(text) if text.startswith("{") else text


def one(asked: argparse.Namespace, device: torch.device, seed: int) -> None:
    """Train, and print what was counted."""
    net = trainings.network(asked.model, 2, device, seed)
    data = trainings.patches(patch=asked.patch, count=asked.count, batch=asked.batch)
    settings = trainings.settings(asked.train, epochs=3)
    seen: list[dict[str, object]] = []

    def on_progress(now: object) -> None:
        launches = [COUNTERS.fake_launches(i) for i in range(torch.cuda.device_count())]
        seen.append({"replays": COUNTERS.fake_glaunches(), "launches": launches})

    with full_precision(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = fit(net, data, settings, Streams(seed), on_progress, precision=asked.precision)
    for warning in told:
        print(f"{warning.category.__name__}: {str(warning.message)[:200]}")
    for step, counts in enumerate(seen, 1):
        print(f"step {step}", json.dumps(counts))
    print("losses", done.losses)


def main() -> None:
    """Read the command line and train once or twice, as one worker does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--model", type=as_choice, default="carn")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--train", type=json.loads, default={}, help="settings, in JSON")
    parser.add_argument("--patch", type=int, default=48)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--count", type=int, default=14, help="patches of an epoch")
    parser.add_argument("--twice", action="store_true")
    asked = parser.parse_args()
    device = trainings.use(asked.device)
    for seed in (3, 4)[: 2 if asked.twice else 1]:
        one(asked, device, seed)
    print("current stream", torch.cuda.current_stream(device).cuda_stream,
          "of device", torch.cuda.current_device())  # fmt: skip
    contexts = [i for i in range(torch.cuda.device_count()) if COUNTERS.fake_ctx(i)]
    print("contexts on", contexts, "nodes", COUNTERS.fake_nodes(), "waits", COUNTERS.fake_syncs())


if __name__ == "__main__":
    main()
