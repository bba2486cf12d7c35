"""The rows of a study: its variants, and the interpolations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from srbench.core import slots
from srbench.core.errors import Path, StudyError, brief
from srbench.core.registry import known
from srbench.study.designs import Design, design
from srbench.study.keys import Key, part
from srbench.study.tree import Role, Tree, Variant
from srbench.study.written import as_written, check_name, mapping

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


CONTROLS = {
    "identity": Key(
        "the baseline once more, every random draw anew: it must not differ",
        part("changes"),
        example="{}",
    ),
    "broken": Key(
        "a change that is bound to be worse: it must hurt",
        part("changes"),
        example="{train.epochs: 1}",
    ),
}


def same_trainings(fingerprints: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variant that is the same training as one before it."""
    first: dict[str, str] = {}
    return tuple(
        f"{name} is the same training as {first[one]}: they share their runs, and differ by 0"
        for name, one in fingerprints.items()
        if first.setdefault(one, name) != name
    )


def rows_of(value: Mapping[str, Any], base: Tree) -> tuple[Variant, ...]:
    """Everything that a study runs, in order: variants, controls, interpolations."""
    variants = _variants(value, base)
    baseline = next(v for v in variants if v.role == "baseline")
    found = (*variants, *_controls(value, baseline), *_interpolations(value, base))
    beside = {v.name: v.role for v in found[len(variants) :]}
    for variant in variants:
        if variant.name in beside:
            raise StudyError(
                f"the name is taken by the {beside[variant.name]} {variant.name!r}; take another",
                ("variants", variant.name),
            )
    return found


def _variants(value: Mapping[str, Any], base: Tree) -> tuple[Variant, ...]:
    """What a design makes, then what is written out, in the order of the file."""
    made = design_of(value)
    written: dict[str, tuple[object, Path]] = {}
    if made:
        at: Path = ("design", made.kind)
        written |= {one.name: (dict(one.changes), at) for one in made.combinations}
    for name, changes in (mapping(value, "variants") or ({} if made else {"base": {}})).items():
        at = ("variants", name)
        check_name(name, at)
        if name in written:
            raise StudyError(f"the design makes a variant {name!r} too; take another name", at)
        written[name] = changes, at
    first = made.baseline if made else next(iter(written))
    baseline = value.get("baseline", first)
    known(baseline, written, "variant", ("baseline",))
    return tuple(
        _changed(name, "baseline" if name == baseline else "variant", base, changes, at)
        for name, (changes, at) in written.items()
    )


def design_of(value: Mapping[str, Any]) -> Design | None:
    """The study's design, where it has one."""
    return design(value["design"]) if "design" in value else None


def _changed(name: str, role: Role, base: Tree, changes: object, at: Path) -> Variant:
    """A tree with changes, each at its place in the file."""
    if changes is not None and not isinstance(changes, dict):
        raise StudyError(f"changes are written as {{setting: value}}, found {brief(changes)}", at)
    tree = base
    for path, to in (changes or {}).items():
        tree = tree.set(path, to, (*at, path))
    change = ", ".join(f"{path}: {as_written(to)}" for path, to in (changes or {}).items())
    return Variant(name, role, tree, change)


def _controls(value: Mapping[str, Any], baseline: Variant) -> Iterator[Variant]:
    for name, changes in mapping(value, "controls").items():
        at: Path = ("controls", name)
        known(name, CONTROLS, "control", at)
        if name == "broken" and not changes:
            raise StudyError("say what is broken: {skip: none}, {train.epochs: 1}", at)
        if name == "identity" and changes:
            raise StudyError(f"write {{}}: it is {CONTROLS[name].about}", at)
        control = _changed(name, "control", baseline.tree, changes, at)
        salted = replace(control, salt="identity", change="the baseline, every draw anew")
        yield salted if name == "identity" else control


def _interpolations(value: Mapping[str, Any], base: Tree) -> Iterator[Variant]:
    for i, name in enumerate(value["interpolations"]):
        at: Path = ("interpolations", i)
        known(name, dict.fromkeys(INTERPOLATIONS), "interpolation", at)
        tree = replace(base, model=slots.model.parse(name, at))
        yield Variant(name, "interpolation", tree, "")
