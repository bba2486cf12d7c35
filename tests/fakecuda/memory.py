"""Peak memory of the same training as the first, third and fifth run of one worker, as JSON."""

from __future__ import annotations

import json

import torch
import trainings

from srbench.core.streams import Streams
from srbench.train.device import clear
from srbench.train.fit import fit

OURS = {"carn": {"channels": 8, "blocks": 1, "units": 1, "skip": "bicubic"}}
OTHERS = ["espcn", {"srresnet": {"channels": 8, "blocks": 1}}]


def peak(model: object, data: object, device: torch.device) -> int:
    """Bytes that a training holds at the most, as a worker measures it."""
    clear(device)
    net = trainings.network(model, 2, device)
    torch.cuda.reset_peak_memory_stats(device)
    fit(net, data, trainings.settings(), Streams(3), lambda now: None)
    return torch.cuda.max_memory_allocated(device)


def main() -> None:
    device, data = trainings.use("cuda:0"), trainings.patches(count=3)
    runs = [OURS, OTHERS[0], OURS, OTHERS[1], OURS]
    print(json.dumps([peak(model, data, device) for model in runs][::2]))


if __name__ == "__main__":
    main()
