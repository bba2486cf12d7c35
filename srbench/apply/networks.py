"""A network with the weights of a file in it: one of ours, or one that spandrel knows.

spandrel is a library of others' networks that tells an architecture by the names and sizes of its
tensors. https://github.com/chaiNNer-org/spandrel
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from srbench.core.errors import InputError, first_line
from srbench.core.fused import fused
from srbench.core.registry import Choice
from srbench.core.weights import load_weights
from srbench.core.weights_fill import Tensors, fill, fits, key_views

SCALES = (2, 3, 4, 8)
VIEWS = 20  # keys of a file that spandrel is asked about


def network(model: Choice, scale: int, file: Path | None) -> tuple[nn.Module, str]:
    """A registered network at one scale with the weights of a file, and which of them were taken.

    A network without parameters needs no file. A file may hold the fused form of a network that
    is trained with branches.

    Raises:
        InputError: the network cannot be built, or the file does not fit it.
    """
    what = f"{model} at x{scale}"
    net = _built(model, scale, what)
    if file is None:
        if net.state_dict():
            raise InputError(f"{model} has weights; name a file of them", place="--weights")
        return net, ""
    found = load_weights(file)
    forms = (net, fused(net))
    net = next((form for form in forms if fits(form, found)), net)
    if not fits(net, found):
        others = [s for s in SCALES if s != scale and _fits_at(model, s, found)]
        if others:
            raise InputError(f"is for {model} at x{others[0]}, not at x{scale}", place=str(file))
    return net, fill(net, found, file, what)


def _built(model: Choice, scale: int, what: str) -> nn.Module:
    try:
        net: nn.Module = model.build()(scale)
    except (ValueError, RuntimeError, TypeError) as problem:
        reason = str(problem).splitlines()[0]
        raise InputError(f"{what} cannot be built: {reason}", place="--model") from problem
    return net


def _fits_at(model: Choice, scale: int, found: Mapping[str, Tensor]) -> bool:
    try:
        with torch.device("meta"):
            net = model.build()(scale)
            return fits(net, found) or fits(fused(net), found)
    except (ValueError, RuntimeError, TypeError):
        return False


def _recognised(file: Path, recognise: Callable[[Tensors], Any]) -> Any:
    """What spandrel makes of the first tensors of a file that it knows, averages first."""
    problem = ""
    for view in key_views(load_weights(file))[:VIEWS]:
        try:
            return recognise(view)
        except Exception as error:  # whatever an architecture stumbles over
            problem = problem or first_line(error)
    raise InputError(f"spandrel does not recognise it ({problem:.160})", place=str(file))


class Foreign(nn.Module):
    """A network that spandrel recognised: (N, 3, H, W) to (N, 3, scale*H, scale*W)."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.net, self.found = found.model, found
        self.name = str(found.architecture.name)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.found(x)  # pads to the sizes that the network can take, and cuts again
        return y


def foreign_network(file: Path, scale: int) -> Foreign:
    """The network whose weights these are, as spandrel tells it by names and sizes.

    The file is read by us: nothing in it is run.

    Raises:
        InputError: spandrel is not installed or does not know it, or it is for something else.
    """
    if find_spec("spandrel") is None:
        raise InputError(
            "networks that are not srbench's own need spandrel: pip install 'srbench[foreign]'; "
            "or name one of ours (srbench blocks model)",
            place="--model",
        )
    import spandrel

    found = _recognised(file, spandrel.ModelLoader(device="cpu").load_from_state_dict)
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.purpose not in (
        "SR",
        "FaceSR",
    ):
        raise InputError(f"is no network for super-resolution ({found.purpose})", place=str(file))
    if (found.input_channels, found.output_channels) != (3, 3):
        raise InputError(
            f"maps {found.input_channels} to {found.output_channels} channels; RGB is scored",
            place=str(file),
        )
    if found.scale != scale:
        raise InputError(f"is for x{found.scale}, not for x{scale}", place=str(file))
    found.model.float()
    return Foreign(found)
