"""What notebook, script and command line call on trained networks: scores and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL.Image import Image

from srbench.apply.named import File, network
from srbench.apply.pictures import enlarged
from srbench.apply.scored import Asked, Scored, score, score_network
from srbench.apply.upscale import cut_for
from srbench.core.devices import choose_device
from srbench.core.errors import InputError
from srbench.measure.forward import self_ensemble, whole_outputs


def scores(
    data: str,
    *,
    run: str | int | None = None,
    model: str | None = None,
    weights: File | None = None,
    scale: int | None = None,
    lr: str = "",
    protocol: str = "sr-y-v1",
    device: str = "cpu",
    metrics: Sequence[str] = (),
    db: File | None = None,
    on_image: Callable[[str], None] = lambda name: None,
    say: Callable[[str], None] = lambda text: None,
) -> Scored:
    """Score a network on a set or folder of images, whole and in fp32, without a study.

    The network is that of a run (12, "study:variant"), or `model` at `scale` with `weights`. `lr`
    is a folder of LR files or a degradation; by default the set's own. `metrics` are scored
    besides PSNR, SSIM and L1. `say` is called with remarks on devices and weights.

    Raises:
        InputError: network, images, scale or protocol do not do.
    """
    chosen, more = choose_device(device, say), tuple(metrics)
    if run is not None:
        own = network(run, weights, model, 0, db, say)
        asked = Asked(own.name, None, data, scale or own.scale, lr, protocol, chosen, more)
        return score_network(own, asked, on_image)
    if model is None or scale is None:
        raise InputError("name a network: --run N, or --model with --scale")
    file = None if weights is None else Path(weights)
    return score(Asked(model, file, data, scale, lr, protocol, chosen, more), on_image)


def upscale(
    image: File,
    output: File | None = None,
    *,
    run: str | int | None = None,
    model: str | None = None,
    weights: File | None = None,
    scale: int = 2,
    tile: int | None = None,
    ensemble: bool = False,
    device: str = "auto",
    db: File | None = None,
) -> Image:
    """Enlarge a picture by a trained network; written to the file `output` if one is named.

    The network is that of a run, or `model` at `scale` with `weights`. `tile` is the side of a
    tile in pixels of the image, 0 the whole image; `ensemble` averages over flips and turns.

    Raises:
        InputError: network, image or output do not do.
    """
    chosen = choose_device(device)
    own = network(run, weights, model, scale, db)
    own.net.to(chosen)
    target = None if output is None else Path(output)
    cut = partial(cut_for, own, tile)
    forward = self_ensemble if ensemble else whole_outputs
    return enlarged(own, Path(image), target, cut, forward=forward, device=chosen)
