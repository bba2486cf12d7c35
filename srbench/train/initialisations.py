"""Initialisations: (module) -> None, one module's initial weights, drawn from torch's generator.

`initialise` decides which module draws from which seed. An initialisation that needs the whole
network has a function in `WHOLE`, which is called with the network and the same settings once all
modules have drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from torch import nn

from srbench.core.registry import Range
from srbench.core.slots import initialisation

WHOLE: dict[Callable[..., None], Callable[..., Any]] = {}
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


@initialisation.register("own")
def own(module: nn.Module) -> None:
    """As each layer draws its weights by itself: torch's layers uniformly, by their fan-in.

    He et al., Delving deep into rectifiers, 2015. https://arxiv.org/abs/1502.01852
    """
    module.reset_parameters()  # type: ignore[operator]


@initialisation.register("normal")
def normal(module: nn.Module, *, std: Annotated[float, Range(0.0)] = 0.05) -> None:
    """The weights of convolutions from a normal distribution; biases and the rest as `own`.

    std  standard deviation

    Krizhevsky et al., ImageNet classification with deep convolutional networks, 2012.
    https://doi.org/10.1145/3065386
    """
    own(module)
    if isinstance(module, CONVOLUTIONS):
        nn.init.normal_(module.weight, 0.0, std)
