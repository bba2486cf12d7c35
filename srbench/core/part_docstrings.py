"""What a part's docstring says: its source, its prose, and what each setting means."""

from __future__ import annotations

import inspect
import re
from typing import get_args

from srbench.core.registry import Part, Slot, settings


def source_of(part: Part) -> str:
    """Where a part comes from: the last paragraph of its docstring, on one line.

    A part cites authors, title, year and URL there, or says "Ours.".
    """
    return " ".join(_paragraphs(part)[-1].split())


def prose(part: Part) -> str:
    """A part's docstring without the paragraphs that explain settings."""
    names = "|".join(settings(part)) or "(?!)"
    return "\n\n".join(p for p in _paragraphs(part) if not re.match(rf"({names})(  |, )", p))


def _paragraphs(part: Part) -> list[str]:
    return inspect.cleandoc(part.__doc__ or "").split("\n\n")


def meanings(part: Part) -> dict[str, str]:
    """What settings mean, by the lines of the docstring that start with names and two spaces.

    A setting that is itself a part, and that no line names, means what its slot says.
    """
    slots = (
        (name, get_args(hint)[-1]) for name, (hint, _) in settings(part).items() if get_args(hint)
    )
    found = {name: slot.about for name, slot in slots if isinstance(slot, Slot)}
    names: list[str] = []
    for line in inspect.cleandoc(part.__doc__ or "").splitlines():
        fits = re.match(r"(\w+(?:, \w+)*) {2,}(.+)", line)
        if fits and set(fits[1].split(", ")) <= settings(part).keys():
            names = fits[1].split(", ")
            found |= dict.fromkeys(names, fits[2])
        elif line.startswith("   "):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        else:
            names = []
    return found


def unexplained(part: Part) -> list[str]:
    """The settings of a part that no line of its docstring and no slot explains."""
    return [name for name in settings(part) if not meanings(part).get(name)]
