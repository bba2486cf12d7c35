"""Peak memory of a run does not depend on what its worker ran before. About 10 s."""

from __future__ import annotations

import json

import pytest
import standin

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

PEAKS = """
import json
import torch
import trainings
from srbench.core.streams import Streams
from srbench.train.device import clear
from srbench.train.fit import fit

OURS = {"carn": {"channels": 8, "blocks": 1, "units": 1, "skip": "bicubic"}}
device, data, peaks = trainings.use("cuda:0"), trainings.patches(count=3), []
for model in (OURS, "espcn", OURS, {"srresnet": {"channels": 8, "blocks": 1}}, OURS):
    clear(device)
    net = trainings.network(model, 2, device)
    torch.cuda.reset_peak_memory_stats(device)
    fit(net, data, trainings.settings(), Streams(3), lambda now: None)
    peaks.append(torch.cuda.max_memory_allocated(device))
print(json.dumps(peaks[::2]))
"""


def test_the_peak_of_a_run_is_its_own() -> None:
    done = standin.run("-c", PEAKS, paths=[standin.HERE])
    assert done.returncode == 0, done.stderr
    first, third, fifth = json.loads(done.stdout)
    assert first == third == fifth > 0
