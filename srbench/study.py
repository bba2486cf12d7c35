"""A study file, read: YAML to a frozen Study, every mistake named with file, line and key.

A study names a base network and its variants. Model, training and data are three trees of
choices; a variant is a set of changes on them, and so is `--set`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path as File
from typing import Any, Literal

from srbench import document, slots
from srbench.data.settings import material
from srbench.document import Document
from srbench.measure.scores import PROTOCOLS
from srbench.registry import (
    Choice,
    Path,
    Slot,
    StudyError,
    in_words,
    known,
    settings,
)
from srbench.train.settings import training


@dataclass(frozen=True)
class Tree:
    """Everything that a variant may change: the effective settings of its runs."""

    model: Choice
    train: Choice
    data: Choice

    def set(self, path: str, written: object, at: Path = ()) -> Tree:
        """A copy with one place changed: "rates", "train.epochs", "data.degradation", "model"."""
        head, _, rest = path.partition(".")
        if head == "model" and not rest:
            return replace(self, model=slots.model.parse(written, at))
        if path == "data.patches" and isinstance(written, dict):
            cut, patches = _patches(written, at)
            return self.set("data.cut", cut, at).set(path, patches, at)
        if head in ("train", "data"):
            if not rest:
                raise StudyError(f"name a setting: {head}.something", at)
            return replace(self, **{head: getattr(self, head).set(rest, written, at)})
        inside = path if head != "model" else rest
        return replace(self, model=self.model.set(inside, written, at))

    def leaves(self) -> dict[str, str | int | float | bool | None]:
        """Every place and its plain value, model settings first."""
        found = dict(self.model.leaves())
        for name in ("train", "data"):
            choice: Choice = getattr(self, name)
            found |= {path: value for path, value in choice.leaves(name) if path != name}
        return found


@dataclass(frozen=True)
class Variant:
    """A named tree; `change` is what the study file says of it."""

    name: str
    role: Literal["baseline", "variant", "interpolation"]
    tree: Tree
    change: str


@dataclass(frozen=True)
class Study:
    """A question, and the runs that are to answer it."""

    name: str
    question: str
    source: str
    scale: int
    seeds: tuple[int, ...]
    base: Tree
    variants: tuple[Variant, ...]
    baseline: str
    metric: str
    dataset: str
    protocol: str
    metrics: tuple[str, ...]
    min_effect: float | None
    notes: tuple[str, ...]
    text: str
    overrides: tuple[str, ...]
    document: Document = field(repr=False, compare=False)

    def located(self, error: StudyError) -> StudyError:
        """The same error, with its place in the study file."""
        return self.document.located(error)


KEYS: dict[str, str] = {
    "question": "what the study asks, a sentence",
    "source": "where the question comes from",
    "scale": "2, 3, 4 or 8",
    "data": "settings of the data, see `srbench blocks data`",
    "train": "settings of training, see `srbench blocks train`",
    "seeds": "how many, or a list",
    "base": "the network that variants change",
    "variants": "name: {setting: value, ...}",
    "baseline": "the variant that others are compared with; the first one unless said",
    "metric": "the one primary outcome: psnr_y on photos",
    "metrics": "what else is scored",
    "protocol": "how scores are taken: sr-y-v1",
    "min_effect": "what counts as a difference: 0.03 dB",
    "interpolations": "untrained rows beside the variants",
    "notes": "readings and remarks that the report repeats",
}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
METRICS = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "l1")
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,80}")


def read(
    file: File,
    *,
    set_: Sequence[str] = (),
    seeds: int | None = None,
    only: Sequence[str] = (),
) -> Study:
    """Read a study file, with the changes of the command line.

    `only` keeps the variants that fit one of its patterns, and the baseline.

    Raises:
        StudyError: the first mistake, with file, line and column, or the option it is in.
    """
    text, source = document.read(file)
    try:
        study = _study(file.stem, text, source, set_, seeds)
    except StudyError as error:
        raise source.located(error) from None
    return _selected(study, only) if only else study


def _selected(study: Study, only: Sequence[str]) -> Study:
    names = [v.name for v in study.variants]
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise StudyError(
                f"no variant fits (known: {', '.join(names)})", place=f"--only {pattern}"
            )
    kept = tuple(
        v for v in study.variants
        if v.role != "variant" or any(fnmatchcase(v.name, pattern) for pattern in only)
    )  # fmt: skip
    options = (*study.overrides, *(f"--only {pattern}" for pattern in only))
    return replace(study, variants=kept, overrides=options)


def _study(name: str, text: str, source: Document, set_: Sequence[str], seeds: int | None) -> Study:
    value = source.value
    if not isinstance(value, dict):
        raise StudyError(f"a study is a mapping of keys ({', '.join(KEYS)}), found {value!r}")
    for key in value:
        known(key, KEYS, "key", (key,))
    slots.load()
    scale = _plain(value, "scale", int, 2)
    if scale not in (1, 2, 3, 4, 8):
        raise StudyError(f"{scale} is not 2, 3, 4 or 8", ("scale",))
    base = Tree(
        slots.model.parse(value.get("base", "carn"), ("base",)),
        training.parse({"train": _mapping(value, "train")}),
        material.parse({"data": _data(_mapping(value, "data"))}),
    )
    _check_patch(base, scale)
    for change in set_:
        path, written = _assignment(change)
        with _option(f"--set {change}"):
            base = base.set(path, written)
            _check_patch(base, scale)
    variants = _variants(value, base)
    chosen = _seeds(value.get("seeds", 3))
    if seeds is not None:
        with _option(f"--seeds {seeds}"):
            chosen = _seeds(seeds)
    metric, dataset = _metric(value, base)
    extra = _list(value, "metrics", METRICS)
    for i, one in enumerate(extra):
        known(one, slots.metric.parts, "metric", ("metrics", i))
    protocol = _plain(value, "protocol", str, "sr-y-v1")
    known(protocol, PROTOCOLS, "protocol", ("protocol",))
    return Study(
        name=name,
        question=_plain(value, "question", str, ""),
        source=_plain(value, "source", str, ""),
        scale=scale,
        seeds=chosen,
        base=base,
        variants=variants,
        baseline=next(v.name for v in variants if v.role == "baseline"),
        metric=metric,
        dataset=dataset,
        protocol=protocol,
        metrics=tuple(dict.fromkeys((metric, *extra))),
        min_effect=_min_effect(value, metric),
        notes=tuple(_list(value, "notes", ())),
        text=text,
        overrides=(*(f"--set {c}" for c in set_), *([f"--seeds {seeds}"] if seeds else [])),
        document=source,
    )


def _variants(value: Mapping[str, Any], base: Tree) -> tuple[Variant, ...]:
    written = _mapping(value, "variants") or {"base": {}}
    for name in written:
        _check_name(name, ("variants", name))
    baseline = _plain(value, "baseline", str, next(iter(written)))
    known(baseline, written, "variant", ("baseline",))
    found = []
    for name, changes in written.items():
        at: Path = ("variants", name)
        if changes is not None and not isinstance(changes, dict):
            raise StudyError(f"changes are written as {{setting: value}}, found {changes!r}", at)
        tree = base
        for path, to in (changes or {}).items():
            tree = tree.set(path, to, (*at, path))
        change = ", ".join(f"{path}: {_as_written(to)}" for path, to in (changes or {}).items())
        role: Literal["baseline", "variant"] = "baseline" if name == baseline else "variant"
        found.append(Variant(name, role, tree, change))
    for i, name in enumerate(_list(value, "interpolations", INTERPOLATIONS)):
        at = ("interpolations", i)
        if name in written:
            raise StudyError(f"{name!r} is a variant's name too; rename the variant", at)
        known(name, dict.fromkeys(INTERPOLATIONS), "interpolation", at)
        tree = replace(base, model=slots.model.parse(name, at))
        found.append(Variant(name, "interpolation", tree, ""))
    return tuple(found)


def _data(written: Mapping[str, Any]) -> dict[str, Any]:
    """`patches: {fixed: 120}` is short for `patches: 120` and `cut: fixed`."""
    plain = dict(written)
    patches = plain.get("patches")
    if isinstance(patches, dict):
        plain["cut"], plain["patches"] = _patches(patches, ("data", "patches"))
    return plain


def _patches(written: Mapping[str, Any], at: Path) -> tuple[str, Any]:
    if list(written) not in (["fixed"], ["fresh"]):
        raise StudyError("write a number, {fixed: number} or {fresh: number}", at)
    [(cut, patches)] = written.items()
    return cut, patches


def _check_patch(tree: Tree, scale: int) -> None:
    if tree.data["patch"] % scale:
        raise StudyError(
            f"{tree.data['patch']} does not divide by the scale {scale}", ("data", "patch")
        )


def _metric(value: Mapping[str, Any], base: Tree) -> tuple[str, str]:
    sets = [dataset_name(choice) for choice in base.data["eval"]]
    if not sets:
        raise StudyError("name at least one set", ("data", "eval"))
    repeated = next((s for s in sets if sets.count(s) > 1), None)
    if repeated:
        raise StudyError(f"{repeated!r} stands in it twice", ("data", "eval"))
    written = _plain(value, "metric", str, f"psnr_y on {sets[0]}")
    metric, _, dataset = (part.strip() for part in written.partition(" on "))
    known(metric, slots.metric.parts, "metric", ("metric",))
    parts = [choice.name for choice in base.data["eval"]]
    if parts.count(dataset) == 1:  # `psnr_y on folder` is enough where there is one folder
        dataset = sets[parts.index(dataset)]
    known(dataset or sets[0], dict.fromkeys(sets), "evaluation set", ("metric",))
    return metric, dataset or sets[0]


def dataset_name(choice: Choice) -> str:
    """What a set is called in scores and tables: its part, with the settings that were given."""
    return str(choice)


def unit_of(metric: str) -> str:
    """The unit of a metric: decibels, or none."""
    return "dB" if metric.startswith("psnr") else ""


def _min_effect(value: Mapping[str, Any], metric: str) -> float | None:
    written = value.get("min_effect")
    if written is None:
        return None
    number, _, unit = str(written).strip().partition(" ")
    try:
        effect = float(number)
    except ValueError:
        effect = float("nan")
    if not 0 < effect < float("inf") or unit.strip() != unit_of(metric):
        example = f"0.03 {unit_of(metric)}".strip()
        raise StudyError(
            f"{written!r} is not a size in the unit of {metric} (such as {example})",
            ("min_effect",),
        )
    return effect


def _seeds(written: object) -> tuple[int, ...]:
    at: Path = ("seeds",)
    if type(written) is int:
        if not 1 <= written <= 1000:
            raise StudyError(f"{written} seeds; from 1 to 1000 are possible", at)
        return tuple(range(written))
    if isinstance(written, list) and written and all(type(s) is int and s >= 0 for s in written):
        if len(set(written)) < len(written):
            raise StudyError("a seed stands in it twice", at)
        return tuple(written)
    raise StudyError(f"{written!r} is neither a number of seeds nor a list of them", at)


def _assignment(change: str) -> tuple[str, Any]:
    path, equals, written = change.partition("=")
    if not equals or not path.strip():
        raise StudyError("write PATH=VALUE, such as train.epochs=5", place=f"--set {change}")
    value = document.parse(written, f"--set {path}").value
    return path.strip(), value


class _option:  # noqa: N801, a context manager
    """Errors inside are about an option of the command line, not about the file."""

    def __init__(self, option: str) -> None:
        self.option = option

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StudyError):
            raise StudyError(error.problem, error.path, self.option) from None


def _plain(value: Mapping[str, Any], key: str, kind: Callable[[Any], Any], default: Any) -> Any:
    written = value.get(key, default)
    if type(written) is not kind:
        noun = {int: "whole number", str: "text"}[kind]  # type: ignore[index]
        raise StudyError(f"{written!r} is not a {noun}", (key,))
    return " ".join(written.split()) if isinstance(written, str) else written


def _mapping(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    written = value.get(key)
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise StudyError(f"settings are written as {{name: value}}, found {written!r}", (key,))
    return written


def _list(value: Mapping[str, Any], key: str, default: Sequence[str]) -> list[str]:
    written = value.get(key, list(default))
    written = [] if written is None else [written] if isinstance(written, str) else written
    if not isinstance(written, list) or not all(isinstance(w, str) for w in written):
        raise StudyError(f"{written!r} is not a list of texts", (key,))
    return [" ".join(w.split()) for w in written]


def _check_name(name: str, at: Path) -> None:
    if not _NAME.fullmatch(name) or name != " ".join(name.split()):
        raise StudyError(
            "a name has 1 to 80 characters, single spaces, no slash and no control character", at
        )


def _as_written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_as_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_written, value)) + "]"
    return in_words(value)


def describe(choice: Choice) -> dict[str, Any]:
    """A tree's settings as plain data, for the database."""
    plain = choice.to_json()
    return {} if isinstance(plain, str) else dict(plain[choice.name])


def setting_names(slot: Slot) -> dict[str, Any]:
    """The settings of `train` or `data`, for help."""
    return settings(slot.parts[slot.name])
