"""The version of a part is what its numbers are: who changes them raises it.

Golden numbers are compared with a tolerance, so that another torch or processor passes.
SRBENCH_UPDATE_GOLDEN=1 writes those of new versions; a change of a number alone is refused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from golden_parts import ABSENT, choices, numbers

from srbench.core import slots
from srbench.core.registry import Slot

slots.load()
GOLDEN = Path(__file__).parent / "golden" / "parts.json"
UPDATES = bool(os.environ.get("SRBENCH_UPDATE_GOLDEN"))
PARTS = [(slot, name) for slot in slots.SLOTS.values() for name in sorted(slot.parts)]
pytestmark = pytest.mark.usefixtures("one_thread")


def key(slot: Slot, name: str) -> str:
    return f"{slot.name} {name} v{slot.versions[name]}"


def computed(slot: Slot, name: str) -> dict[str, list[float]]:
    """The numbers of each choice of a part that can be computed here."""
    found = {}
    for choice in choices(slot, name):
        try:
            found[str(choice)] = [float(f"{value:.6g}") for value in numbers(choice)]
        except (*ABSENT, ValueError, NotImplementedError):  # settings that do not fit each other
            continue
    return found


@pytest.mark.parametrize(("slot", "name"), PARTS, ids=[key(*part) for part in PARTS])
def test_what_a_part_computes_is_that_of_its_version(slot: Slot, name: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    found = computed(slot, name)
    if UPDATES and key(slot, name) not in golden:
        golden[key(slot, name)] = found
        lines = [f"{json.dumps(k)}: {json.dumps(golden[k])}" for k in sorted(golden)]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert key(slot, name) in golden, "a new version: SRBENCH_UPDATE_GOLDEN=1 writes its numbers"
    wanted = golden[key(slot, name)]
    assert set(found) <= set(wanted), "a setting has new values: they need numbers, and a version"
    for choice, values in found.items():
        assert values == pytest.approx(wanted[choice], rel=1e-3, abs=1e-6), (
            f"{choice} computes something else: raise the version of {slot.name} {name}"
        )


def test_no_golden_numbers_are_of_parts_that_are_gone() -> None:
    assert set(json.loads(GOLDEN.read_text(encoding="utf-8"))) == {key(*part) for part in PARTS}
