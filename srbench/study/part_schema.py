"""JSON Schema of registered parts: their names, settings, types and defaults."""

from __future__ import annotations

import inspect
import math
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from srbench.core import slots
from srbench.core.part_docstrings import meanings, source_of
from srbench.core.registry import File, Folder, Part, Range, Slot, as_json, checked, settings
from srbench.data.data_settings import data_settings
from srbench.study.keys import NOTHING, TEXT, WHOLE, Schema, part
from srbench.train.settings import training

POSITIVE: Schema = WHOLE | {"minimum": 1}
PATCHES: Schema = {
    "anyOf": [
        POSITIVE,
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"fixed": POSITIVE, "fresh": POSITIVE},
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}


def choice_schema(slot: Slot) -> Schema:
    """A part of a slot as a study writes it: its name, or {name: {setting: value}}."""
    names = [_titled({"const": name}, part) for name, part in sorted(slot.parts.items())]
    if "none" in slot.parts:
        names.append({"type": "null", "title": "none"})
    if slot is slots.dataset:
        names.append({"title": "a name from `datasets`", **TEXT})
    with_settings = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            name: _titled(
                {"anyOf": [NOTHING, settings_schema(part)]}, part
            )
            for name, part in sorted(slot.parts.items())
        },
    }  # fmt: skip
    return {"description": slot.about, "anyOf": [*names, with_settings]}


def settings_schema(part: Part) -> Schema:
    """A part's settings, each with type, default and meaning."""
    about = {name: {"description": text} for name, text in meanings(part).items()}
    properties = {
        name: {
            **about.get(name, {}),
            **type_schema(hint),
            "default": as_json(checked(default, hint)),
        }
        for name, (hint, default) in settings(part).items()
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def type_schema(hint: Any) -> Schema:
    """A setting's type; whole numbers pass for fractions, as in srbench."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(args[1], Slot):
        return {"$ref": f"#/$defs/{args[1].name}"}
    if hint in (Folder, File):
        return TEXT
    if origin is Annotated and isinstance(args[1], Range):
        limits = {"minimum": args[1].low, "maximum": args[1].high}
        return type_schema(args[0]) | {k: v for k, v in limits.items() if math.isfinite(v)}
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {
            "anyOf": [NOTHING if a is type(None) else type_schema(a) for a in args]
        }  # fmt: skip
    if origin is tuple:
        return {"type": "array", "items": type_schema(args[0])}
    return {"type": {int: "integer", float: "number", bool: "boolean", str: "string"}[hint]}


def data_schema() -> Schema:
    """The settings of the data, with `patches: {fixed: 120}`."""
    return _with(settings_schema(data_settings.parts["data"]), patches=PATCHES)


def train_schema() -> Schema:
    """The settings of training, with `max_epochs`."""
    return _with(settings_schema(training.parts["train"]), max_epochs=POSITIVE)


def metrics_schema() -> Schema:
    """Metrics: names, with settings and factor behind them (diversity/noise=5/x2), or choices."""
    names = "|".join(sorted(slots.metric.parts))
    one = {"anyOf": [{"pattern": f"^({names})(/[a-z_]+=.+)?(/x[0-9]+)?$", **TEXT}, part("metric")]}
    return {"anyOf": [{"type": "array", "items": one}, one, NOTHING]}


def _with(schema: Schema, **more: Schema) -> Schema:
    """An object's schema with further keys; YAML's empty value is allowed, too."""
    return schema | {"type": ["object", "null"], "properties": schema["properties"] | more}


def _titled(schema: Schema, part: Part) -> Schema:
    text = inspect.cleandoc(part.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return {"title": text, "description": source_of(part), **schema}
