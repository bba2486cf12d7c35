"""Memory of a GPU: what a run holds does not depend on those before it, nor scores on its size.

About 20 s.
"""

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


SCORED = """
import json
import numpy as np
import torch
import trainings
from srbench.measure.forward import answers

device = trainings.use("cuda:0")
net = trainings.network({"carn": {"channels": 16, "blocks": 1}}, 2, device)
(answer,) = answers(net, [np.zeros((700, 600, 3), np.uint8)], device)
shapes = {factor: [y.device.type, *y.shape] for factor, y in answer.items()}
print(json.dumps([shapes, torch.cuda.max_memory_allocated(device)]))
"""


def test_a_large_image_is_scored_in_tiles_where_memory_ends() -> None:
    large, small = (
        standin.run("-c", SCORED, paths=[standin.HERE], mem=mem) for mem in (2**32, 2**29)
    )
    assert (large.returncode, small.returncode) == (0, 0), small.stderr
    (whole, most), (tiled, less) = (json.loads(done.stdout) for done in (large, small))
    assert whole == tiled == {"2": ["cuda", 1400, 1200, 3]}
    assert less < 2**29 < most
    assert "memory is too small for whole images, so tiles are scored" in small.stderr
    assert "tiles" not in large.stderr
