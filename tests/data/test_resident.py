"""Patches cut on a device are those cut on the host, byte for byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pictures import noise

from srbench.core.streams import Streams
from srbench.data.augmentations import hflip, rot90, vflip
from srbench.data.decoded import Dataset, Image
from srbench.data.degradations import noise as noisy
from srbench.data.patches import Patches
from srbench.data.resident import release, resident
from srbench.data.resizers import matlab_bicubic

CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.values,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    ],
)


def patches(**changes: Any) -> Patches:
    sizes = ((42, 30), (24, 36), (60, 27))
    found = tuple(Image(f"i{n}", noise(h // 3 * 3, w // 3 * 3, n), None, "", 1.0 + n)
                  for n, (h, w) in enumerate(sizes))  # fmt: skip
    chosen = {
        "dataset": Dataset("set", "train", found, ""), "degrade": matlab_bicubic(3),
        "augmentations": (), "scale": 3, "patch": 12, "count": 11, "batch_size": 4,
        "fixed": False, "streams": Streams(5),
    }  # fmt: skip
    return Patches(**(chosen | changes))


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    "turns", [(), (hflip(),), (vflip(p=1.0),), (rot90(),), (hflip(), rot90(), vflip(), rot90())]
)
def test_every_batch_is_the_same_on_host_and_device(turns: Any, fixed: bool, device: str) -> None:
    host = patches(augmentations=turns, fixed=fixed)
    there = host.on_device(torch.device(device))
    assert there is not None
    for epoch in (0, 1, 7):
        table = torch.from_numpy(there.table(epoch)).to(device)
        for step in range(host.steps_per_epoch):
            rows = table[step * 4 : step * 4 + 4]
            for ours, theirs in zip(there.cut(rows), host.batch(epoch, step), strict=True):
                assert np.array_equal(ours.cpu().numpy(), theirs)


def test_what_only_the_host_can_do_stays_there() -> None:
    device = torch.device("cpu")
    assert patches(degrade=noisy(3)).on_device(device) is None
    assert patches(augmentations=(lambda lr, hr, _: (lr, hr),)).on_device(device) is None


def test_runs_of_a_process_share_the_pixels() -> None:
    images = patches()._images
    own = Dataset("set", "train", images, "")
    one, other = (resident(own, 3, side, torch.device("cpu")) for side in (4, 6))
    assert one is not None
    assert other is not None
    assert one.hr is other.hr
    release()
    later = resident(own, 3, 4, torch.device("cpu"))
    assert later is not None
    assert later.hr is not one.hr
