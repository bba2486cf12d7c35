"""The degradation matrix: trained on one, tested on another, and what each mismatch costs.

PSNR under two test degradations is the PSNR of two tasks, so a cell is compared down its column:
with the variant that was trained on that column's degradation and is otherwise the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.effects import Interval, difference, t_interval
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import set_scores, settings_of, trained
from srbench.core.numbers import justified_decimals, shown, with_unit

PROTOCOLS_OWN = "matlab_bicubic"  # what protocols make LR with where a set is not `degraded`
OWN_FILES = "its own LR files"
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One cell: the score of a variant under one test degradation."""

    score: Interval  # over seeds
    gap: Interval | None  # to the column's specialist; None on the diagonal and without one
    own: bool  # on the diagonal


@dataclass(frozen=True)
class Matrix:
    """Variants alike but for their training degradation, on one set of images."""

    images: str  # the set, as it is called without its degradation
    rows: tuple[tuple[str, str], ...]  # (variant, trained on)
    columns: tuple[tuple[str, str], ...]  # (dataset name in scores, tested on)
    entries: Mapping[tuple[str, str], Entry]  # (variant, dataset name)

    def strongest(self, least: float | None) -> float:
        """The gap that has the strongest colour: the widest, and no less than what matters."""
        sizes = [abs(e.gap.mean) for e in self.entries.values() if e.gap and e.gap.count]
        return max([*sizes, least or 0.0]) or 1.0


@lru_cache(maxsize=8)
def matrices(results: Results) -> tuple[Matrix, ...]:
    """The matrices that a study holds: two training and two test degradations at the least."""
    tested, families = _tested(results), _families(results)
    keys = [*(key for _, key in tested.values()), *(k for f in families for k in f.values())]
    words = names_of(keys)
    found = []
    for images in dict.fromkeys(images for images, _ in tested.values()):
        columns = {name: key for name, (of, key) in tested.items() if of == images}
        for family in families:
            if len(columns) > 1 and len(set(family.values())) > 1:
                rows, entries = _entries(results, columns, family)
                trained_on = tuple((variant, words[family[variant]]) for variant in rows)
                tested_on = tuple((name, words[key]) for name, key in columns.items())
                found.append(Matrix(images, trained_on, tested_on, entries))
    return tuple(found)


def matrix_heading(results: Results) -> str:
    """The mismatch that costs most, in words."""
    known = [
        (results.facts.sign * e.gap.mean, dict(m.rows)[variant], dict(m.columns)[dataset], e.gap)
        for m in matrices(results)
        for (variant, dataset), e in m.entries.items()
        if e.gap and e.gap.count
    ]
    if not known:
        return "No mismatch can be measured before runs have finished"
    size, trained_on, tested_on, gap = min(known, key=lambda row: row[0])
    if size >= 0:
        return "No training degradation loses to the one it is tested on"
    lost = with_unit(shown(abs(gap.mean), matrix_decimals(results)), results.facts.unit)
    verb = "costs" if gap.excludes_zero else "may cost"
    return f"Trained on {trained_on}, tested on {tested_on}: the mismatch {verb} {lost}"


def matrix_decimals(results: Results) -> int:
    """Decimals that the intervals of the gaps justify."""
    halves = [e.gap.half for m in matrices(results) for e in m.entries.values() if e.gap]
    return justified_decimals(halves, results.facts.unit)


def names_of(keys: Iterable[str]) -> dict[str, str]:
    """Short names of degradations by key, with settings only where names would coincide."""
    by_short: dict[str, set[str]] = {}
    for key in keys:
        by_short.setdefault(_words(json.loads(key), lambda name, given: name), set()).add(key)
    return {
        key: name if len(alike) == 1 else _words(json.loads(key), _with_settings)
        for name, alike in by_short.items()
        for key in alike
    }


def key_of(choice: Any) -> str:
    """A degradation as JSON, the same for each way to write a part without settings."""
    name, given = _parts(choice)
    if name == PROTOCOLS_OWN and given.get("precision", "uint8") == "uint8":
        given = {}
    return json.dumps({name: given} if given else name, sort_keys=True)


def _words(choice: Any, one: Callable[[str, Settings], str]) -> str:
    """A degradation in words, its parts by `one`: "bicubic, then jpeg"."""
    name, given = _parts(choice)
    if name in ("pipeline", "random_of") and given.get("of"):
        words = [_words(inner, one) for inner in given["of"]]
        return ", then ".join(words) if name == "pipeline" else f"one of {', '.join(words)}"
    return one(name, given)


def _with_settings(name: str, given: Settings) -> str:
    """ "jpeg (quality 75 95)" """
    message = ", ".join(
        f"{k} {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in given.items()
    )
    return f"{name} ({message})" if message else name


def _parts(choice: Any) -> tuple[str, Settings]:
    """The name and the settings of a choice as JSON."""
    if isinstance(choice, Mapping) and len(choice) == 1:
        name, given = next(iter(choice.items()))
        return str(name), given if isinstance(given, Mapping) else {}
    return str(choice), {}


def _tested(results: Results) -> dict[str, tuple[str, str]]:
    """Evaluation set, as scores call it -> (its images, the key of its degradation)."""
    roles = results.datasets["role"]
    names = [str(n) for n in results.datasets.loc[~roles.isin(["train", "validate"]), "name"]]
    written = results.facts.data.get("eval", [])
    if len(written) != len(names):
        return {}
    plain = {json.dumps(c): n for n, c in zip(names, written, strict=True)}
    found = {}
    for name, choice in zip(names, written, strict=True):
        part, given = _parts(choice)
        of, by = choice, PROTOCOLS_OWN
        if part == "degraded":
            of, by = given.get("of", "photos"), given.get("by", PROTOCOLS_OWN)
        found[name] = (plain.get(json.dumps(of)) or _words(of, _with_settings), key_of(by))
    return found


def _families(results: Results) -> list[dict[str, str]]:
    """Variants that differ in nothing but their training degradation: variant -> its key."""
    found: dict[str, dict[str, str]] = {}
    for name in trained(results):
        tree = settings_of(results, name)
        data = tree.get("data")
        if isinstance(data, dict):
            own = data.pop("degradation", PROTOCOLS_OWN)
            own = OWN_FILES if data.get("lr") == "own" else own
            found.setdefault(json.dumps(tree, sort_keys=True), {})[name] = key_of(own)
    return [family for family in found.values() if len(family) > 1]


def _entries(
    results: Results, columns: Mapping[str, str], family: Mapping[str, str]
) -> tuple[list[str], dict[tuple[str, str], Entry]]:
    """The variants in the order of the columns, and the cells."""
    order = list(dict.fromkeys(columns.values()))
    rows = sorted(
        family, key=lambda v: order.index(family[v]) if family[v] in order else len(order)
    )
    specialists = {family[variant]: variant for variant in reversed(list(family))}
    scores, metric = set_scores(results), results.facts.metric
    entries = {}
    for variant in rows:
        for name, key in columns.items():
            own, best = family[variant] == key, specialists.get(key, "")
            mine, theirs = (scores.get((metric, who, name), {}) for who in (variant, best))
            gap = None if own or not best else difference(mine, theirs)
            entries[variant, name] = Entry(t_interval(list(mine.values())), gap, own)
    return rows, entries
