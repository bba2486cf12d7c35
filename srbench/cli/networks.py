"""A network as a command line names it: a finished run, or a model with a file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from srbench.cli.options import LARGEST_ID, note, open_database
from srbench.core.errors import InputError, unknown

if TYPE_CHECKING:  # torch and pandas come with them
    from srbench.apply.trained import Network
    from srbench.store import Store


def named_network(
    run: str | None, weights: Path | None, model: str | None, scale: int, db: str | None
) -> Network:
    """The network that the options name."""
    from srbench.apply.trained import of_file, of_run

    if run is not None and weights is None and model is None:
        store = open_database(db)
        return of_run(store.runs.show(_run_number(store, run)), store.root)
    if run is not None or model is None:
        raise InputError(
            "name a network: --run 12, --run STUDY:VARIANT, or --weights FILE with --model"
        )
    network = of_file(model, scale, weights)
    if network.facts.get("weights_taken"):
        note(f"weights of {weights}: {network.facts['weights_taken']}")
    return network


def _run_number(store: Store, named: str) -> int:
    if named.isdecimal():
        return min(int(named), LARGEST_ID)
    study, colon, variant = named.rpartition(":")
    if not colon:
        raise InputError("write a run's number, or STUDY:VARIANT", place=f"--run {named}")
    runs = store.reading.results(study, curves="none").runs
    own = runs[runs["variant"] == variant]
    if own.empty:
        known = list(dict.fromkeys(runs["variant"]))
        raise InputError(unknown("variant", variant, known), place=f"--run {named}")
    done = own[own["state"] == "done"]
    if done.empty:
        raise InputError("no seed of it is finished yet", place=f"--run {named}")
    return int(done["run_id"].iloc[0])
