"""A run by its number, or by its study and variant."""

from __future__ import annotations

from srbench.core.errors import InputError, unknown
from srbench.store.store import Store

DIGITS = 18  # more do not fit a number of SQLite


def run_number(store: Store, named: str, option: str = "--run ") -> int:
    """The number of a run: 12 is 12, "study:variant" is the first finished seed of the variant.

    Raises:
        InputError: there is no such variant, or no seed of it is finished; names the option.
    """
    if named.isdecimal() and len(named) > DIGITS:
        raise InputError("no run has so large a number", place=f"{option}{named:.40}")
    if named.isdecimal():
        return int(named)
    check_named(named, option)
    study, _, variant = named.rpartition(":")
    runs = store.reading.results(study, points=2).runs
    own = runs[runs["variant"] == variant]
    if own.empty:
        known = list(dict.fromkeys(runs["variant"]))
        raise InputError(unknown("variant", variant, known), place=f"{option}{named}")
    done = own[own["state"] == "done"]
    if done.empty:
        raise InputError("no seed of it is finished yet", place=f"{option}{named}")
    return int(done["run_id"].iloc[0])


def check_named(named: str, option: str = "") -> None:
    """Refuse a text that names no run, before a database is opened."""
    if not named.isdecimal() and ":" not in named:
        raise InputError("write a run's number, or STUDY:VARIANT", place=f"{option}{named}")
