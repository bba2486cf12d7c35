"""The parts as plain data, for help and completion: read once, then cached, without torch.

Reading the parts means importing them, and torch with them. Their descriptions are stored in the
user's cache folder, under a name that changes with the source code.
"""

from __future__ import annotations

from typing import Any

from srbench.core.cache import cached
from srbench.study.identity import code_digest

Words = dict[str, Any]


def vocabulary() -> Words:
    """slot -> {about, gives, parts: name -> {summary, text, source, settings}}."""
    found: Words = cached("vocabulary", code_digest(), read_parts)
    return found


def read_parts() -> Words:
    """Import every part and describe it."""
    from srbench.core import slots
    from srbench.data.data_settings import data_settings
    from srbench.study.samplers import pruner, sampler
    from srbench.train.settings import training

    slots.load()
    return {
        slot.name: {
            "about": slot.about,
            "gives": list(slot.gives),
            "parts": {name: _part(part) for name, part in sorted(slot.parts.items())},
        }
        for slot in (*slots.SLOTS.values(), training, data_settings, sampler, pruner)
    }


def _part(part: Any) -> Words:
    from srbench.core.part_docstrings import meanings, prose, source_of
    from srbench.core.registry import checked, in_words, settings, type_name

    text = prose(part)
    return {
        "summary": text.split("\n\n")[0].replace("\n", " "),
        "text": text,
        "source": source_of(part),
        "module": part.__module__,
        "settings": {
            name: {
                "type": type_name(hint),
                "default": in_words(checked(default, hint)),
                "about": meanings(part).get(name, ""),
            }
            for name, (hint, default) in settings(part).items()
        },
    }
