"""A network's outputs for LR images, in fp32: of the whole image, or in tiles where memory ends.

Tiles give what the whole gives, so scores do not depend on the memory of a machine. On a CUDA
device SR stays there for the metrics that can be taken there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import partial
from itertools import product
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srbench.core.arithmetic import full_precision
from srbench.core.outputs import by_factor
from srbench.core.slots import Image
from srbench.measure.cost import reach
from srbench.measure.peak import fits
from srbench.measure.tiles import cut_by, difference, joined

Pixels = Image | Tensor
"""uint8 (H, W, 3): an array, or a tensor that is left on its device."""

Forward = Callable[..., dict[int, Tensor]]
"""Network, LR images and device to outputs by factor, as `whole_outputs`."""

EQUAL = 1e-6  # of the range of values, to which tiles have to equal the whole
_fields: WeakKeyDictionary[nn.Module, int | None] = WeakKeyDictionary()
"""What `local_field` has found, in seconds."""


def super_resolve(net: nn.Module, lr: Image, device: torch.device | str = "cpu") -> Image:
    """The SR image, uint8 (H, W, 3), of one LR image: the largest of `resolved`."""
    return quantise(raw_output(net, lr, device))


def resolved(net: nn.Module, lr: Image, device: torch.device | str = "cpu") -> dict[int, Image]:
    """Every output of a network for one LR image, uint8 (H, W, 3), by its factor.

    `net` is on `device`; it is put into eval mode for the call.

    Raises:
        FloatingPointError: the network's output has a NaN.
        OutOfMemoryError: as `raw_outputs`.
    """
    found = raw_outputs(net, lr[None], device)
    return {factor: quantise(images[0]) for factor, images in found.items()}


def raw_output(net: nn.Module, lr: Image, device: torch.device | str = "cpu") -> Tensor:
    """The network's output (H, W, 3) of one LR image, in about 0..1 and not yet rounded."""
    found = raw_outputs(net, lr[None], device)
    return found[max(found)][0]


def answers(
    net: nn.Module, lrs: Sequence[Image], device: torch.device | str = "cpu"
) -> list[dict[int, Pixels]]:
    """Every output for each of some LR images of one size, uint8, where it is to be scored.

    That is on the device itself, if it is a CUDA device, and else as `resolved` gives it.

    Raises:
        FloatingPointError: the network's output has a NaN.
        OutOfMemoryError: as `raw_outputs`.
    """
    found = {f: rounded(y) for f, y in raw_outputs(net, np.stack(lrs), device).items()}
    stay = torch.device(device).type == "cuda"
    return [
        {factor: images[n] if stay else on_host(images[n]) for factor, images in found.items()}
        for n in range(len(lrs))
    ]


def raw_outputs(
    net: nn.Module, lrs: Image, device: torch.device | str = "cpu"
) -> dict[int, Tensor]:
    """Every output (N, H, W, 3), not yet rounded, for LR images (N, h, w, 3), by its factor.

    Images are computed whole and at once; one by one, and then in tiles, where memory ends.

    Raises:
        OutOfMemoryError: memory is too small, and tiles would give other values.
    """
    device = torch.device(device)
    if device.type != "cpu" or fits(net, lrs):
        with suppress(torch.OutOfMemoryError):
            return whole_outputs(net, lrs, device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if len(lrs) == 1:
        return _in_tiles(net, lrs, device)
    each = [raw_outputs(net, lr[None], device) for lr in lrs]
    return {factor: torch.cat([found[factor] for found in each]) for factor in each[0]}


def whole_outputs(
    net: nn.Module, lrs: Image, device: torch.device | str = "cpu"
) -> dict[int, Tensor]:
    """As `raw_outputs`, of whole images whatever memory they take: no TF32, no autocast."""
    device = torch.device(device)
    x = torch.tensor(lrs, device=device).permute(0, 3, 1, 2).float() / 255  # (N, 3, h, w)
    with _evaluating(net), full_precision(), torch.inference_mode():
        with torch.autocast(device.type, enabled=False):
            answer = by_factor(net(x), x)
        return {factor: y.permute(0, 2, 3, 1) for factor, y in answer.items()}


def self_ensemble(
    net: nn.Module, lrs: Image, device: torch.device | str = "cpu"
) -> dict[int, Tensor]:
    """As `whole_outputs`, averaged over flips and quarter turns.

    Timofte et al., Seven ways to improve example-based single image super resolution, 2016.
    https://arxiv.org/abs/1511.02228
    """
    total: dict[int, Tensor] = {}
    for turn, step in product(range(4), (1, -1)):
        turned = np.ascontiguousarray(np.rot90(lrs, turn, (1, 2))[:, :, ::step])
        for factor, y in whole_outputs(net, turned, device).items():
            back = torch.rot90(y if step == 1 else y.flip(2), -turn, (1, 2)) / 8
            total[factor] = total[factor] + back if factor in total else back
    return total


def _in_tiles(net: nn.Module, lrs: Image, device: torch.device) -> dict[int, Tensor]:
    """As `raw_outputs`, in tiles; the first time for a network is logged."""
    first, field = net not in _fields, local_field(net)
    if field is None:
        height, width = lrs.shape[1:3]
        raise torch.OutOfMemoryError(
            f"an LR image of {width}x{height} pixels needs more memory than is free, and tiles "
            "would give other scores, for each pixel depends on the whole image or on its size"
        )
    if first:
        logging.getLogger("srbench").warning(
            "srbench: memory is too small for whole images, so tiles are scored: equal, but slower"
        )
    return joined(partial(whole_outputs, net, device=device), lrs, cut_by(field))


def local_field(net: nn.Module) -> int | None:
    """The receptive field if tiles that overlap by it equal the whole image, else None.

    Tried on the CPU, on a copy of the network. Parameters that are constant there are drawn at
    random, since a gain that starts at zero hides what it multiplies.
    """
    if net not in _fields:
        probe = deepcopy(net).cpu()
        _draw_constants(probe)
        field = reach(probe)
        compute = partial(whole_outputs, probe, device="cpu")
        exact = field is not None and difference(compute, cut_by(field)) <= EQUAL
        _fields[net] = field if exact else None
    return _fields[net]


def _draw_constants(net: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            if not p.is_meta and p.numel() and p.min() == p.max():
                fan_in = p[0].numel() if p.dim() > 1 else 1
                p.copy_((0.5 + torch.rand(p.shape, generator=generator)) / fan_in)


def together(lrs: Sequence[Image], most: int) -> Iterator[list[int]]:
    """Numbers of LR images to be answered at once: of one size, in all at most so many pixels."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, lr in enumerate(lrs):
        alike.setdefault(lr.shape, []).append(number)
    for (height, width, *_), numbers in alike.items():
        count = max(1, most // (height * width))
        for first in range(0, len(numbers), count):
            yield numbers[first : first + count]


def rounded(values: Tensor) -> Tensor:
    """0..1 to uint8: clamped, then floor(255x + 0.5). Truncation would cost 0.03 to 0.1 dB.

    Raises:
        FloatingPointError: an image has a NaN.
    """
    if values.isnan().any():
        raise FloatingPointError("the image has a NaN")
    return (values.clamp(0, 1) * 255 + 0.5).floor().to(torch.uint8)


def quantise(image: Tensor | NDArray[np.floating]) -> Image:
    """`rounded`, as an array on the host."""
    return on_host(rounded(image if isinstance(image, Tensor) else torch.from_numpy(image)))


def on_host(image: Pixels) -> Image:
    """The image as an array, wherever it is."""
    return image.cpu().numpy() if isinstance(image, Tensor) else image


@contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    training = [module for module in net.modules() if module.training]
    net.eval()
    try:
        yield
    finally:
        for module in training:  # one by one: a part may have been frozen in eval mode
            module.training = True
