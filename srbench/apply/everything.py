"""Every check of `srbench verify`: made-up images always, sets and weights where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from srbench.apply.checks import Check
from srbench.apply.literature import BICUBIC
from srbench.apply.local_checks import at_hand
from srbench.apply.oracles import oracles
from srbench.core import slots
from srbench.core.errors import InputError
from srbench.core.registry import known
from srbench.data.known_sets import roots

USUAL = ("set5", "set14")  # small; the others take minutes, and are checked where named


def everything(
    sets: Sequence[str] | None,
    weights: Path | None,
    device: str,
    say: Callable[[str], None] = lambda text: None,
) -> list[Check]:
    """All checks in order; `weights` is a folder, else `weights` beside the sets.

    Raises:
        InputError: a set that the literature has no figures for.
    """
    slots.load()
    chosen = sets or USUAL
    for name in chosen:
        known(name, BICUBIC, "set with published figures")
    if weights is not None and not weights.is_dir():
        raise InputError(f"{weights} is not a folder of weights", place="--weights")
    folder = weights or next((w for r in roots() if (w := r / "weights").is_dir()), None)
    say("made-up images")
    return [*oracles(), *at_hand(chosen, folder, device, say)]
