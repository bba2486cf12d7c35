"""Networks with several outputs, or of several scales.

A network returns one image, or images by their factor, `{2: middle, 4: large}`; then it lists the
factors in `factors`. The largest output is compared with HR, smaller ones with HR resized by
bicubic. The name of a score or loss of a smaller output ends in its factor: psnr_y/x2.

A network of several scales has one body with an upsampler for each. It lists its `scales` and
computes at its current `scale`; so do its modules that depend on the scale, such as its skip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from srbench.core.resized import resized

Answer = Tensor | Mapping[int, Tensor]


def by_factor(answer: Answer, lr: Tensor) -> dict[int, Tensor]:
    """The images of an answer to LR (N, 3, h, w), by their factor, smallest first."""
    if isinstance(answer, Tensor):
        return {answer.shape[-2] // lr.shape[-2]: answer}
    return {factor: answer[factor] for factor in sorted(answer)}


def largest(answer: Answer) -> Tensor:
    """The image of an answer that has the most pixels."""
    return answer if isinstance(answer, Tensor) else answer[max(answer)]


def factors_of(net: nn.Module) -> tuple[int, ...]:
    """The factors of a network that names its outputs; empty where it has one, at the scale."""
    return tuple(sorted(getattr(net, "factors", ())))


def output_name(name: str, factor: int, scale: int) -> str:
    """A score's or loss's name for the output of this factor."""
    return name if factor == scale else f"{name}/x{factor}"


def split_name(name: str, scale: int) -> tuple[str, int]:
    """A name without its factor, and the factor: ("psnr_y", 2) for psnr_y/x2.

    Raises:
        ValueError: the text after the slash is no factor of a smaller output.
    """
    base, slash, end = name.partition("/")
    if not slash:
        return base, scale
    digits = end.removeprefix("x")
    factor = int(digits) if digits.isdecimal() and end.startswith("x") else 0
    if not 1 < factor < scale or scale % factor:
        raise ValueError(f"{name}: /{end} is no output smaller than x{scale}")
    return base, factor


def shrunk(hr: Tensor, height: int, width: int) -> Tensor:
    """HR (N, C, H, W) resized to (N, C, height, width) by antialiased bicubic, not rounded."""
    if hr.shape[-2:] == (height, width):
        return hr
    return resized(hr, height, width)


def scales_of(net: nn.Module) -> tuple[int, ...]:
    """The scales of a network of several; empty for a network of one scale."""
    return tuple(getattr(net, "scales", ()))


@contextmanager
def computing_at(net: nn.Module, scale: int) -> Iterator[None]:
    """Inside, the network computes at another of its scales, with the same weights.

    Raises:
        ValueError: it has no such scale.
    """
    own = getattr(net, "scale", scale)
    if scale != own and scale not in scales_of(net):
        raise ValueError(f"the network is of x{own}, and x{scale} is not among its scales")
    inside: list[Any] = [m for m in (net, *net.children()) if getattr(m, "scale", None) == own]
    try:
        for module in inside:
            module.scale = scale
        yield
    finally:
        for module in inside:
            module.scale = own
