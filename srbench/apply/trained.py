"""A trained network, built and filled: from a finished run, or from a file of weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from srbench.apply.networks import foreign_network, network
from srbench.core import document, slots
from srbench.core.errors import InputError, UserError, printable
from srbench.core.fused import fused
from srbench.core.registry import Choice, Slot
from srbench.core.weights import stored_weights
from srbench.core.weights_fill import fill
from srbench.measure.cost import reach

FOREIGN = "spandrel"
"""`--model spandrel`: that library recognises the network of others by its weights."""


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
        net: nn.Module = foreign_network(file, scale)
        name, facts = f"{net.name} (spandrel)", {"model": FOREIGN}
    else:
        choice = named_choice(slots.model, model, "--model")
        net, taken = network(choice, scale, file)
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
