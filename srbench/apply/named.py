"""A network by name: a finished run, or a model with a file of weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from srbench.apply.trained import Network, of_file, of_run
from srbench.core.errors import InputError
from srbench.store import open_store
from srbench.store.named_run import run_number

File = str | os.PathLike[str]


def network(
    run: str | int | None,
    weights: File | None,
    model: str | None,
    scale: int,
    db: File | None,
    say: Callable[[str], None] = lambda text: None,
) -> Network:
    """The network of a run (12, "study:variant"), or of a model with weights, at a scale.

    `say` is called with which of a file's weights were taken, where it has several.

    Raises:
        InputError: neither or both are named, or there is no such network.
    """
    if run is not None and weights is None and model is None:
        store = open_store(db, create=False)
        return of_run(store.runs.show(run_number(store, str(run))), store.root)
    if run is not None or model is None:
        raise InputError(
            "name a network: --run 12, --run STUDY:VARIANT, or --weights FILE with --model"
        )
    found = of_file(model, scale, None if weights is None else Path(weights))
    if found.facts.get("weights_taken"):
        say(f"weights of {weights}: {found.facts['weights_taken']}")
    return found
