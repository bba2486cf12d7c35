"""A trained network, built and filled: from a finished run, or from a file of weights.

The file may be of one of our networks, or of one that spandrel knows, a library of others' networks
that tells an architecture by the names and sizes of its tensors.
https://github.com/chaiNNer-org/spandrel
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from srbench.core import document, slots
from srbench.core.errors import InputError, UserError, first_line, printable
from srbench.core.fused import fused
from srbench.core.registry import Choice, Slot
from srbench.core.weights import load_weights, stored_weights
from srbench.core.weights_fill import Tensors, fill, fits, key_views
from srbench.measure.cost import reach

FOREIGN = "spandrel"
"""`--model spandrel`: that library recognises the network of others by its weights."""
SCALES = (2, 3, 4, 8)
VIEWS = 20  # keys of a file that spandrel is asked about


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its weights, fused, in eval mode on the CPU, and where they come from."""

    net: nn.Module
    scale: int
    name: str  # "tiny: residual, seed 0 (run 4)", or the model
    facts: dict[str, str]  # what a file of its weights says of them

    @cached_property
    def field(self) -> int | None:
        """Side of the square of LR pixels that an output pixel sees; None where it sees all."""
        return reach(self.net)


def of_run(found: dict[str, Any], root: Path) -> Network:
    """The network of a run, as `store.runs.show` returns it; `root` is the folder of its files.

    Raises:
        InputError: it is not finished, can no longer be built, or its weights are gone or changed.
    """
    place = f"run {found['id']}"
    if found["state"] != "done":
        raise InputError(f"is {found['state']}; a finished run is needed", place=place)
    training, used = found["training"], found["variants"]
    named = f"{used[0]['study']}: {used[0]['variant']}" if used else place
    try:
        slots.load()
        model = slots.model.parse(training["model"])
        net: nn.Module = model.build()(training["scale"])
    except (UserError, ValueError, RuntimeError, TypeError) as problem:
        raise InputError(f"can no longer be built: {problem}", place=place) from None
    if found["weights"] is not None:
        file = root / found["weights"]
        fill(net, stored_weights(file, found["weights_sha256"]), file, place)
    facts = {
        "model": json.dumps(training["model"]),
        "run": str(found["id"]),
        "fingerprint": found["fingerprint"],
        "seed": str(found["seed"]),
        "study": used[0]["study"] if used else "",
        "variant": used[0]["variant"] if used else "",
        "steps": str(found["steps"]),
        "source": training["source"],
        "weights_sha256": found["weights_sha256"] or "",
    }
    name = printable(f"{named}, seed {found['seed']} ({place})")
    return Network(fused(net.eval()), training["scale"], name, facts)


def of_file(model: str, scale: int, file: Path | None) -> Network:
    """The network that `--model` and `--weights` name; an interpolation needs no file.

    Raises:
        InputError: the network cannot be built, or the file is not its weights.
    """
    slots.load()
    if model == FOREIGN:
        if file is None:
            raise InputError(
                "spandrel recognises a network by its weights; name them", place="--weights"
            )
        net: nn.Module = _foreign_network(file, scale)
        name, facts = f"{net.name} (spandrel)", {"model": FOREIGN}
    else:
        choice = named_choice(slots.model, model, "--model")
        net, taken = _filled(choice, scale, file)
        name, facts = str(choice), {"model": json.dumps(choice.to_json()), "weights_taken": taken}
    if file is not None:
        facts["weights_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    return Network(fused(net.eval()), scale, name, facts)


def named_choice(slot: Slot, written: str, option: str) -> Choice:
    """A part as a study writes it: `pan`, or `{carn: {channels: 32}}`.

    Raises:
        InputError: a mistake in it, placed at the option.
    """
    try:
        return slot.parse(document.parse(written, option).value)
    except UserError as error:
        raise InputError(error.problem, error.path, error.place or option) from None


def _filled(model: Choice, scale: int, file: Path | None) -> tuple[nn.Module, str]:
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


def _foreign_network(file: Path, scale: int) -> Foreign:
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
