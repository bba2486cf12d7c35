"""The JSON Schema of study files, made from the registered parts: editors complete and check by it.

It says no more than a reader of the file could know without building networks: names, types and
ranges. Whatever srbench reads, the schema allows; sums, shapes and claims are srbench's to check.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from srbench.core import slots
from srbench.core.registry import Choice, Part, Range, Slot, checked, settings, source_of
from srbench.data.data_settings import data_settings
from srbench.measure.scores import PROTOCOLS
from srbench.study.criteria import MOST_SEEDS
from srbench.study.designs import KINDS
from srbench.study.read import KEYS as STUDY_KEYS
from srbench.study.samplers import pruner, sampler
from srbench.study.search import KEYS as TUNE_KEYS
from srbench.study.sources import KEYS as SOURCE_KEYS
from srbench.study.variants import CONTROLS, INTERPOLATIONS
from srbench.train.settings import training

Plain = dict[str, Any]
TEXT: Plain = {"type": "string"}
WHOLE: Plain = {"type": "integer"}
DOTTED = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$"  # unit.attention, train.epochs


def study_schema() -> Plain:
    """The schema of a whole study file, draft 2020-12."""
    slots.load()
    own = (*slots.SLOTS.values(), sampler, pruner)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "srbench study",
        "description": "A question, and the runs that are to answer it.",
        "type": "object",
        "additionalProperties": False,
        "properties": _described(STUDY_KEYS, _study_keys()),
        "$defs": {
            **{slot.name: choice_schema(slot) for slot in own},
            "changes": _changes(),
            "seeds": _seeds(),
        },
    }


def choice_schema(slot: Slot) -> Plain:
    """A part of a slot as a study writes it: its name, or {name: {setting: value}}."""
    names = [_titled({"const": name}, part) for name, part in sorted(slot.parts.items())]
    if "none" in slot.parts:
        names.append({"type": "null", "title": "none"})
    with_settings = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            name: _titled(
                {"anyOf": [{"type": "null"}, settings_schema(part)]}, part
            )
            for name, part in sorted(slot.parts.items())
        },
    }  # fmt: skip
    return {"description": slot.about, "anyOf": [*names, with_settings]}


def settings_schema(part: Part) -> Plain:
    """A part's settings, each with type and default."""
    properties = {
        name: {**type_schema(hint), "default": _plain(checked(default, hint))}
        for name, (hint, default) in settings(part).items()
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def type_schema(hint: Any) -> Plain:
    """A setting's type; whole numbers pass for fractions, as in srbench."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(args[1], Slot):
        return {"$ref": f"#/$defs/{args[1].name}"}
    if origin is Annotated and isinstance(args[1], Range):
        limits = {"minimum": args[1].low, "maximum": args[1].high}
        return type_schema(args[0]) | {k: v for k, v in limits.items() if math.isfinite(v)}
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {
            "anyOf": [{"type": "null"} if a is type(None) else type_schema(a) for a in args]
        }  # fmt: skip
    if origin is tuple:
        return {"type": "array", "items": type_schema(args[0])}
    return {"type": {int: "integer", float: "number", bool: "boolean", str: "string"}[hint]}


def _metric() -> Plain:
    """A name, with settings and factor behind it (diversity/noise=5/x2), or a choice."""
    names = "|".join(sorted(slots.metric.parts))
    pattern = {"pattern": f"^({names})(/[a-z_]+=.+)?(/x[0-9]+)?$", **TEXT}
    return {"anyOf": [pattern, {"$ref": "#/$defs/metric"}]}


def _study_keys() -> Plain:
    names = {"anyOf": [_texts(), TEXT, {"type": "null"}]}
    interpolation = {"enum": list(INTERPOLATIONS)}
    metrics = _metric()
    published = {"anyOf": [TEXT, _only(dict.fromkeys(SOURCE_KEYS, TEXT), SOURCE_KEYS)]}
    named = {"type": "object", "additionalProperties": {"$ref": "#/$defs/changes"}}
    return {
        "question": TEXT,
        "source": TEXT,
        "from": TEXT,
        "only": {"anyOf": [_texts(), TEXT]},
        "scale": {"enum": [1, 2, 3, 4, 8]},
        "data": _with(settings_schema(data_settings.parts["data"]), patches=_patches()),
        "train": _with(
            settings_schema(training.parts["train"]), max_epochs={"type": "integer", "minimum": 1}
        ),
        "seeds": {"$ref": "#/$defs/seeds"},
        "base": {"$ref": "#/$defs/model"},
        "variants": {"anyOf": [named, {"type": "null"}]},
        "tune": _tune(),
        "design": _only({kind: {} for kind in KINDS}, KINDS, most=1),
        "match": {
            "anyOf": [
                {"enum": ["params", "macs", "latency"]},
                _only({"by": TEXT, "of": _texts(), "setting": TEXT}, {}),
            ]
        },
        "controls": _only({name: {"$ref": "#/$defs/changes"} for name in CONTROLS}, CONTROLS),
        "baseline": TEXT,
        "metric": TEXT,
        "metrics": {"anyOf": [{"type": "array", "items": metrics}, metrics, {"type": "null"}]},
        "protocol": {"enum": sorted(PROTOCOLS)},
        "min_effect": {"anyOf": [TEXT, {"type": "number", "exclusiveMinimum": 0}]},
        "claims": {
            "anyOf": [
                {"type": "array", "items": _only(dict.fromkeys(("id", "says", "test"), TEXT), {})},
                {"type": "null"},
            ]
        },
        "interpolations": {
            "anyOf": [{"type": "array", "items": interpolation}, interpolation, {"type": "null"}]
        },
        "published": {
            "anyOf": [{"type": "array", "items": published}, published, {"type": "null"}]
        },
        "notes": names,
    }  # fmt: skip


def _changes() -> Plain:
    """A variant's changes: settings of any network by name, deeper places by their path."""
    found: dict[str, list[Plain]] = {"model": [{"$ref": "#/$defs/model"}]}
    for _, part in sorted(slots.model.parts.items()):
        for name, (hint, _) in settings(part).items():
            kind = type_schema(hint)
            if kind not in found.setdefault(name, []):
                found[name].append(kind)
    properties: Plain = {
        name: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for name, kinds in found.items()
    }
    for slot, head in ((training, "train"), (data_settings, "data")):
        for name, (hint, _) in settings(slot.parts[head]).items():
            properties[f"{head}.{name}"] = type_schema(hint)
    properties["data.patches"] = _patches()
    return {
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": {DOTTED: {}},
        "additionalProperties": False,
    }


def _seeds() -> Plain:
    many = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}
    looks = {"type": "array", "items": many, "minItems": 1, "uniqueItems": True}
    listed = {"type": "integer", "minimum": 0}
    return {
        "anyOf": [
            many,
            {"type": "array", "items": listed, "minItems": 1, "uniqueItems": True},
            _only({"until": {"const": "decided"}, "looks": looks}, {}) | {"required": ["until"]},
        ]
    }


def _patches() -> Plain:
    positive = {"type": "integer", "minimum": 1}
    return {"anyOf": [positive, _only({"fixed": positive, "fresh": positive}, {}, most=1)]}


def _tune() -> Plain:
    anything: Plain = {}
    keys = dict.fromkeys(TUNE_KEYS, anything) | {
        "space": {"type": "object", "minProperties": 1},
        "sampler": {"$ref": "#/$defs/sampler"},
        "pruner": {"$ref": "#/$defs/pruner"},
        "seeds": {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS},
        "seed": WHOLE,
    }
    return _only(keys, TUNE_KEYS)


def _only(properties: Plain, about: Mapping[str, str], *, most: int | None = None) -> Plain:
    """An object with these keys and no others."""
    found = {
        "type": "object",
        "additionalProperties": False,
        "properties": _described(about, properties),
    }
    return found | ({} if most is None else {"minProperties": 1, "maxProperties": most})


def _with(schema: Plain, **more: Plain) -> Plain:
    """An object's schema with further keys; YAML's empty value is allowed, too."""
    properties = schema["properties"] | more
    return schema | {"type": ["object", "null"], "properties": properties}


def _described(about: Mapping[str, str], properties: Plain) -> Plain:
    return {
        key: {"description": about[key], **schema} if key in about else schema
        for key, schema in properties.items()
    }


def _texts() -> Plain:
    return {"type": "array", "items": TEXT}


def _titled(schema: Plain, part: Part) -> Plain:
    text = inspect.cleandoc(part.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return {"title": text, "description": source_of(part), **schema}


def _plain(value: Any) -> Any:
    if isinstance(value, Choice):
        return value.to_json()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
