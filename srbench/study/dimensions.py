"""The `space` of a search: any places of the tree, each with choices or a range, checked on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from srbench.analysis.space import (
    Choices,
    Dimension,
    Integers,
    Needs,
    Numbers,
    Plain,
    Space,
    is_number,
    same,
)
from srbench.core.errors import Path, StudyError, UserError, brief
from srbench.core.registry import Choice, known
from srbench.study.tree import Tree
from srbench.study.written import as_written

AT: Path = ("tune", "space")
RANGE = ("low", "high", "step", "log")
HOW = "[choices], or {low: , high: , step: , log: true}"
Labels = dict[tuple[str, Plain], Any]  # (place, label) -> what is written, where it is compound


def space_written(written: object, base: Tree) -> tuple[Space, Labels]:
    """The space, and the meaning of its compound choices.

    Raises:
        StudyError: a place that no choice leads to, a value that does not fit its place.
    """
    if not isinstance(written, dict) or not written:
        raise StudyError(f"write {{place: {HOW}}}, found {brief(written)}", AT)
    labels: Labels = {}
    found: list[Dimension] = []
    for path in sorted(written, key=depth):
        at = (*AT, path)
        above = [d for d in found if is_above(d.path, path)]
        tries, needs = _reached(path, above, base, labels, at, _sample(written[path]))
        found.append(Dimension(path, _values(written[path], path, tries, labels, at), needs))
    return Space(tuple(found)), labels


def depth(path: str) -> tuple[int, int]:
    """Order in which places are chosen: the network, then parts, then what is inside them."""
    return (path != "model", path.count("."))


def is_above(upper: str, path: str) -> bool:
    """Whether what is chosen at `upper` decides whether `path` exists."""
    if upper == "model":
        return path != "model" and path.partition(".")[0] not in ("train", "data")
    inner = path.removeprefix("model.")
    return inner.startswith(f"{upper.removeprefix('model.')}.")


def _reached(
    path: str, above: Sequence[Dimension], base: Tree, labels: Labels, at: Path, sample: Any
) -> tuple[list[Tree], Needs | None]:
    """The trees that have the place, and the choices right above that lead there."""
    tried: list[tuple[Plain, Tree]] = [(None, base)]  # with the last choice above the place
    for one in above:
        tried = [
            (value, grown)
            for _, tree in tried
            for value in one.grid() or ()
            if (grown := _tried(tree, one.path, labels.get((one.path, value), value)))
        ]
    having = [(value, tree) for value, tree in tried if _has(tree, path)]
    if not having:
        raise _no_such_place(path, [tree for _, tree in tried], sample, at)
    trees = [tree for _, tree in having]
    if not above or len(having) == len(tried):
        return trees, None
    leads = (v for v in above[-1].grid() or () if any(same(v, value) for value, _ in having))
    return trees, Needs(above[-1].path, tuple(leads))


def _no_such_place(path: str, trees: Sequence[Tree], sample: Any, at: Path) -> UserError:
    """The error of a place that no tree has: one that offers a near name, else the first."""
    found = []
    for tree in trees:
        try:
            tree.set(path, sample, at)
        except UserError as error:
            found.append(error)
    near = [error for error in found if "did you mean" in error.problem]
    return next(iter([*near, *found]), StudyError("no choice above it has this place", at))


def _has(tree: Tree, path: str) -> bool:
    """Whether a tree has a place."""
    try:
        _at(tree, path)
    except KeyError:
        return False
    return True


def _at(tree: Tree, path: str) -> Any:
    """The value at a place of a tree; KeyError where there is none."""
    head, *names = path.split(".")
    value: Any = getattr(tree, head) if head in ("model", "train", "data") else tree.model
    for name in names if value is not tree.model or head == "model" else (head, *names):
        if isinstance(value, Choice):
            value = dict(value.settings)[name]
        elif isinstance(value, tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise KeyError(path)
    return value


def _tried(tree: Tree, path: str, value: object) -> Tree | None:
    try:
        return tree.set(path, value)
    except UserError:
        return None


def _sample(written: object) -> Any:
    if isinstance(written, list) and written:
        return written[0]
    return written.get("low") if isinstance(written, Mapping) else written


def _values(
    written: object, path: str, trees: Sequence[Tree], labels: Labels, at: Path
) -> Choices | Integers | Numbers:
    if isinstance(written, list) and written:
        return _choices(written, path, trees, labels, at)
    if not isinstance(written, dict) or "low" not in written or "high" not in written:
        raise StudyError(f"write {HOW}, found {brief(written)}", at)
    for key in written:
        known(key, dict.fromkeys(RANGE), "key", (*at, key))
    low, high, step = written["low"], written["high"], written.get("step")
    log = written.get("log", False)
    for key in ("low", "high", "step"):
        if key in written and not is_number(written[key]):
            raise StudyError(f"{brief(written[key])} is not a number", (*at, key))
    if not isinstance(log, bool):
        raise StudyError("write true or false", (*at, "log"))
    if not low < high:
        raise StudyError(f"{low} is not below {high}", at)
    if log and (low <= 0 or step is not None):
        raise StudyError("log needs a low above 0, and no step", at)
    if step is not None and not 0 < step <= high - low:
        raise StudyError(f"{step} is not a step from {low} to {high}", (*at, "step"))
    for key in ("low", "high"):
        for tree in trees:
            tree.set(path, written[key], (*at, key))
    whole = all(isinstance(x, int) for x in (low, high, 1 if step is None else step))
    if whole and isinstance(_at(trees[0].set(path, low), path), int):
        top = high - (high - low) % (step or 1)
        return Integers(low, top, step or 1, log)
    top = low + step * int((high - low) / step + 1e-9) if step else high
    return Numbers(float(low), float(top), None if step is None else float(step), log)


def _choices(
    written: Sequence[Any], path: str, trees: Sequence[Tree], labels: Labels, at: Path
) -> Choices:
    found: list[Plain] = []
    for i, value in enumerate(written):
        fits = [tree for tree in trees if _tried(tree, path, value) is not None]
        if not fits:
            trees[0].set(path, value, (*at, i))
        label = as_written(value) if isinstance(value, dict | list) else value
        if any(same(label, other) for other in found):
            raise StudyError(f"{brief(value)} is in it twice", (*at, i))
        if label is not value:
            labels[path, label] = value
        found.append(label)
    return Choices(tuple(found))
