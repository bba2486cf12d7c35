"""Where memory ends, images are scored in tiles: the numbers are those of the whole.

About 5 s; all models in tiles take 2 minutes, slow.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.slots import Image
from srbench.core.streams import Streams
from srbench.measure import forward, peak
from srbench.measure.forward import EQUAL, answers, local_field, raw_outputs, whole_outputs
from srbench.measure.peak import peak_bytes
from srbench.measure.scores import PROTOCOLS, metrics_named, score_outputs
from srbench.measure.tiles import Cut, cut_by, difference, joined, tiles
from srbench.train.initialise import initialise

slots.load()
SMALL = {"carn": {"channels": 4, "blocks": 1}}
WIDE = {"carn": {"channels": 8, "rates": [8, 8, 8]}}
GLOBAL = [{"carn": {"channels": 4, "attention": "se"}}, {"rlfn": {"channels": 8, "units": 1}}]
"""They depend on the whole image; on its size, to which features are resized."""


def network(written: Any, scale: int = 2) -> nn.Module:
    net: nn.Module = slots.model.parse(written).build()(scale)
    if any(True for _ in net.parameters()):
        initialise(net, Streams(0, ""))
    return net.eval()


def noise(*shape: int) -> Image:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)


def limited(net: nn.Module, most: int) -> nn.Module:
    """The network, for which memory ends where images have more pixels than `most`."""

    def check(module: nn.Module, args: tuple[Tensor]) -> None:
        if args[0].numel() > 3 * most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    net.register_forward_pre_hook(check)
    return net


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(slots.model.parts))
def test_every_model_is_equal_in_tiles_or_taken_whole(name: str) -> None:
    net = network(name)
    field = local_field(net)
    if field is not None:
        compute, lrs = partial(whole_outputs, net, device="cpu"), noise(1, 151, 140)
        whole, tiled = compute(lrs), joined(compute, lrs, cut_by(field, 64))
        assert list(whole) == list(tiled)
        assert all((whole[f] - tiled[f]).abs().max() <= EQUAL for f in whole)


def test_a_margin_that_is_too_small_is_noticed() -> None:
    compute = partial(whole_outputs, network(WIDE), device="cpu")
    assert difference(compute, Cut(64, 2)) > 100 * EQUAL


@pytest.mark.parametrize("written", GLOBAL, ids=str)
def test_tiles_that_would_differ_are_refused(written: Any) -> None:
    net = network(written)
    assert local_field(net) is None
    with pytest.raises(torch.OutOfMemoryError, match="200x120 pixels needs more memory"):
        answers(limited(net, 100 * 100), [noise(120, 200)])


def test_a_gain_that_starts_at_zero_hides_no_view_of_the_whole() -> None:
    class Gained(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.gain * x.mean((2, 3), keepdim=True)

    assert local_field(Gained()) is None


def test_scores_in_tiles_are_those_of_the_whole(caplog: pytest.LogCaptureFixture) -> None:
    net, lrs, hr = network(SMALL), noise(2, 400, 100), noise(800, 200)
    metrics, _ = metrics_named(["psnr_y", "ssim_y"], 2)

    def scores() -> list[dict[str, float]]:
        with caplog.at_level(logging.WARNING):
            found = answers(net, list(lrs))
        return [score_outputs(one, hr, PROTOCOLS["sr-y-v1"], 2, metrics) for one in found]

    whole = scores()
    assert not caplog.records
    limited(net, 300 * 100)
    assert scores() == scores() == whole
    assert [r.message for r in caplog.records] == [
        "srbench: memory is too small for whole images, so tiles are scored: equal, but slower"
    ]


def test_images_are_computed_one_by_one_before_they_are_cut() -> None:
    net, lrs = network(SMALL), noise(3, 40, 50)
    whole = raw_outputs(net, lrs)[2]
    assert torch.allclose(raw_outputs(limited(net, 2000), lrs)[2], whole, rtol=0, atol=EQUAL)
    assert net not in forward._fields


def test_on_the_cpu_memory_is_estimated_before(monkeypatch: pytest.MonkeyPatch) -> None:
    net, lrs = network(SMALL), noise(1, 270, 280)
    need = peak.COPIES * peak_bytes(net, (1, 3, 270, 280))
    for free, cut in ((need * 1.05, False), (need * 0.95, True), (None, False)):
        monkeypatch.setattr(peak, "free_memory", lambda free=free: free)
        forward._fields.pop(net, None)
        raw_outputs(net, lrs)
        assert (net in forward._fields) == cut


def test_the_peak_counts_what_is_alive_at_one_time() -> None:
    net = nn.Sequential(*(nn.Conv2d(c, k, 1) for c, k in ((3, 8), (8, 16), (16, 4), (4, 4))))
    assert peak_bytes(net, (1, 3, 10, 20)) == 4 * 200 * (3 + 8 + 16)  # the caller's image too


def test_tiles_cover_every_pixel_once() -> None:
    seen = np.zeros((130, 70), int)
    for tile in tiles(130, 70, Cut(32, 8)):
        seen[tile.placed(1)[1:]] += 1
        assert tile.read[0] <= tile.core[0] < tile.core[2] <= tile.read[2]
    assert (seen == 1).all()
