"""The JSON Schema of study files, made from keys and parts: editors complete and check by it.

It says no more than a reader of the file could know without building networks: names, types and
ranges. Whatever srbench reads, the schema allows; sums, shapes and claims are srbench's to check.
"""

from __future__ import annotations

from srbench.core import slots
from srbench.core.registry import settings
from srbench.data.data_settings import data_settings
from srbench.study.keys import Schema, schema_of
from srbench.study.part_schema import PATCHES, choice_schema, type_schema
from srbench.study.samplers import pruner, sampler
from srbench.study.study_keys import KEYS
from srbench.train.settings import training

DOTTED = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$"  # unit.attention, train.epochs


def study_schema() -> Schema:
    """The schema of a whole study file, draft 2020-12."""
    slots.load()
    own = (*slots.SLOTS.values(), sampler, pruner)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "srbench study",
        "description": "A question, and the runs that are to answer it.",
        **schema_of(KEYS),
        "$defs": {**{slot.name: choice_schema(slot) for slot in own}, "changes": _changes()},
    }


def _changes() -> Schema:
    """A variant's changes: settings of any network by name, deeper places by their path."""
    found: dict[str, list[Schema]] = {"model": [{"$ref": "#/$defs/model"}]}
    for _, part in sorted(slots.model.parts.items()):
        for name, (hint, _) in settings(part).items():
            kind = type_schema(hint)
            if kind not in found.setdefault(name, []):
                found[name].append(kind)
    properties: Schema = {
        name: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for name, kinds in found.items()
    }
    for slot, head in ((training, "train"), (data_settings, "data")):
        for name, (hint, _) in settings(slot.parts[head]).items():
            properties[f"{head}.{name}"] = type_schema(hint)
    properties["data.patches"] = PATCHES
    return {
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": {DOTTED: {}},
        "additionalProperties": False,
    }
