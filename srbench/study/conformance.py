"""The laws that every registered part keeps, for srbench's own tests and for a plug-in's.

A plug-in's test is one line: `conformance.check(attention, "mine")`. The laws of a slot are in
the room of its parts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from srbench.core import part_files, slots
from srbench.core.document import parse
from srbench.core.errors import StudyError, first_line
from srbench.core.part_docstrings import source_of, unexplained
from srbench.core.part_files import PartFile
from srbench.core.registry import Law, Laws, Slot, settings
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


@dataclass(frozen=True)
class Broken:
    """A law that a part breaks: what must hold, and what was found."""

    slot: str
    part: str
    law: str
    must: str
    found: str


@dataclass(frozen=True)
class Checked:
    """A part, the laws that it breaks, and its settings without a sentence."""

    slot: str
    name: str
    broken: tuple[Broken, ...]
    unexplained: tuple[str, ...]


def broken(slot: Slot, name: str) -> list[Broken]:
    """Every law of its slot that a part breaks, with its default settings.

    An error that the part raises under several laws is reported under the first.
    """
    out: list[Broken] = []
    for law in laws(slot):
        try:
            law(slot, name)
            continue
        except AssertionError as problem:
            found = first_line(problem)
        except Exception as problem:  # whatever the part raises
            found = f"{part_files.line_of(problem, slot.parts[name])}{type(problem).__name__}: "
            found += first_line(problem)
            if any(one.found == found for one in out):
                continue
        must = (law.__doc__ or "").split("\n\n")[0]
        out.append(Broken(slot.name, name, law.__name__, " ".join(must.split()), found))
    return out


def checked(files: Sequence[PartFile]) -> list[Checked]:
    """Every part that these files register, checked.

    Raises:
        StudyError: a file fails, or registers nothing.
    """
    part_files.use(files)
    modules = {one.name for one in files}
    own = [
        (slot, name)
        for slot in slots.SLOTS.values()
        for name, part in slot.parts.items()
        if part.__module__ in modules
    ]
    if not own:
        says = 'registers no part; write @attention.register("name") above a class'
        raise StudyError(says, place=", ".join(one.file for one in files))
    return [
        Checked(slot.name, name, tuple(broken(slot, name)), tuple(unexplained(slot.parts[name])))
        for slot, name in own
    ]


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
