"""Every registered part is held by a CUDA graph: none waits for the device or copies in a step.

Slow: some 250 short trainings in four processes, 2 minutes in all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import every_part
import pytest
import standin

from srbench.core import slots

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

NOT_IN_A_STEP = {"dataset", "metric"}
BEYOND = {
    "loss frequency": "cuFFT"
}  # the stand-in has no Fourier transform: only a GPU can show it
slots.load()


def cases(group: str) -> list[dict[str, Any]]:
    """What became of each training of a group."""
    done = standin.run(Path(every_part.__file__), group, timeout=500)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def wanted(group: str) -> set[str]:
    """Slot and name of every part that a group has to try."""
    found = {
        f"{slot} {name}"
        for slot in every_part.COVERED[group]
        for name in slots.SLOTS[slot].parts
        if slot != "model" or every_part.is_trained(name)
    }
    if group == "models":
        return {f"{name} x{scale}" for name in found for scale in (2, 4)}
    return found


@pytest.mark.parametrize("group", every_part.GROUPS)
def test_every_part_is_held_in_both_precisions(group: str) -> None:
    found = cases(group)
    wrong = [case for case in found if not case["ok"]]
    assert [c for c in wrong if BEYOND.get(c["name"], "nothing") not in c["error"]] == []
    for precision in ("fp32", "bf16"):
        tried = {case["name"] for case in found if case["precision"] == precision}
        assert wanted(group) - tried == set()


def test_no_slot_is_left_out() -> None:
    covered = {slot for group in every_part.COVERED.values() for slot in group}
    assert covered | NOT_IN_A_STEP == set(slots.SLOTS)
