"""The laws that every registered part keeps, for srbench's own tests and for a plug-in's.

A plug-in's test is one line: `conformance.check(attention, "mine")`. The laws of a slot are in
the room of its parts.
"""

from __future__ import annotations

import json

from srbench.core.document import parse
from srbench.core.registry import Law, Laws, Slot, settings, source_of
from srbench.data import laws as data_laws
from srbench.measure import laws as metric_laws
from srbench.train import network_laws, training_laws

OF_SLOTS: Laws = {
    **network_laws.LAWS, **training_laws.LAWS, **data_laws.LAWS, **metric_laws.LAWS,
}  # fmt: skip


def check(slot: Slot, name: str) -> None:
    """Hold one part to every law of its slot, with its default settings.

    Raises:
        AssertionError: a law is broken.
    """
    for law in laws(slot):
        law(slot, name)


def laws(slot: Slot) -> tuple[Law, ...]:
    """The laws of a slot: those of every part, and its own."""
    return (cites_its_source, survives_being_written, *OF_SLOTS.get(slot.name, ()))


def cites_its_source(slot: Slot, name: str) -> None:
    """A docstring's last paragraph cites a URL or says "Ours."."""
    source = source_of(slot.parts[name])
    assert "https://" in source or "Ours" in source, f"cites nothing: {source!r}"


def survives_being_written(slot: Slot, name: str) -> None:
    """A choice is the same after JSON and after the words of a report, and is hashable."""
    choice = slot.parse(name)
    assert slot.parse(json.loads(json.dumps(choice.to_json()))) == choice, "JSON loses a setting"
    assert slot.parse(parse(str(choice)).value) == choice, f"{choice} is read differently"
    assert len({choice, slot.parse(name)}) == 1, "equal choices have different hashes"
    named = {key for key, _ in choice.settings}
    assert set(settings(slot.parts[name])) == named, "a setting is lost"
