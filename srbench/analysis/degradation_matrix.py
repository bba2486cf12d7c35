"""The degradation matrix: trained on one, tested on another, and what each mismatch costs.

PSNR under two test degradations is the PSNR of two tasks, so a cell is compared down its column:
with the variant that was trained on that column's degradation and is otherwise the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.effects import Effect, Interval, paired_effect, t_interval
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import set_scores, trained
from srbench.core.numbers import justified_decimals, shown

PROTOCOLS_OWN = "matlab_bicubic"  # what protocols make LR with where a set is not `degraded`


OWN_FILES = "its own LR files"


@dataclass(frozen=True)
class Entry:
    """One cell: the score of a variant under one test degradation."""

    score: Interval  # over seeds
    gap: Effect | None  # against the column's specialist; None on the diagonal and without one
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
        sizes = [abs(e.gap.mean) for e in self.entries.values() if e.gap and e.gap.pairs]
        return max([*sizes, least or 0.0]) or 1.0


@lru_cache(maxsize=8)
def matrices(results: Results) -> tuple[Matrix, ...]:
    """The matrices that a study holds: two training and two test degradations at the least."""
    tested, families = _tested(results), _families(results)
    sets = list(dict.fromkeys(images for images, _ in tested.values()))
    words = names_of([d for _, d in tested.values()] + [d for f in families for d in f.values()])
    scores = _scores(results)
    found = []
    for images in sets:
        columns = {name: d for name, (of, d) in tested.items() if of == images}
        for family in families:
            if len(columns) > 1 and len({_key(d) for d in family.values()}) > 1:
                found.append(_matrix(images, columns, family, words, scores))
    return tuple(found)


def matrix_heading(results: Results) -> str:
    """The mismatch that costs most, in words."""
    sign = -1 if results.facts.lower_is_better else 1
    known = [
        (sign * entry.gap.mean, dict(m.rows)[variant], dict(m.columns)[dataset], entry.gap)
        for m in matrices(results)
        for (variant, dataset), entry in m.entries.items()
        if entry.gap and entry.gap.pairs
    ]
    if not known:
        return "No mismatch can be measured before runs have finished"
    size, trained_on, tested_on, gap = min(known, key=lambda row: row[0])
    if size >= 0:
        return "No training degradation loses to the one it is tested on"
    d, unit = matrix_decimals(results), results.facts.unit
    lost = f"{shown(abs(gap.mean), d)} {unit}".strip()
    verb = "costs" if gap.excludes_zero else "may cost"
    return f"Trained on {trained_on}, tested on {tested_on}: the mismatch {verb} {lost}"


def matrix_decimals(results: Results) -> int:
    """Decimals that the intervals of the gaps justify."""
    halves = [
        (e.gap.high - e.gap.low) / 2 for m in matrices(results) for e in m.entries.values() if e.gap
    ]
    return justified_decimals(halves, results.facts.unit)


def names_of(choices: list[Any]) -> dict[str, str]:
    """Degradations as JSON -> short names, with settings only where names would coincide."""
    by_short: dict[str, set[str]] = {}
    for choice in choices:
        by_short.setdefault(short_name(choice), set()).add(_key(choice))
    return {
        key: name if len(keys) == 1 else full_name(json.loads(key))
        for name, keys in by_short.items()
        for key in keys
    }


def short_name(choice: Any) -> str:
    """A degradation in words without its settings: "bicubic, then jpeg"."""
    name, given = _parts(choice)
    if name in ("pipeline", "random_of") and given.get("of"):
        words = [short_name(inner) for inner in given["of"]]
        return ", then ".join(words) if name == "pipeline" else f"one of {', '.join(words)}"
    return name


def full_name(choice: Any) -> str:
    """A degradation in words with every setting: "jpeg (quality 75 95)"."""
    name, given = _parts(choice)
    if name in ("pipeline", "random_of") and given.get("of"):
        words = [full_name(inner) for inner in given["of"]]
        return ", then ".join(words) if name == "pipeline" else f"one of {', '.join(words)}"
    message = [
        f"{k} {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in given.items()
    ]
    return f"{name} ({', '.join(message)})" if message else name


def _parts(choice: Any) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a choice as JSON."""
    if isinstance(choice, Mapping) and len(choice) == 1:
        name, given = next(iter(choice.items()))
        return str(name), dict(given) if isinstance(given, Mapping) else {}
    return str(choice), {}


def _key(choice: Any) -> str:
    """A degradation as text, the same for each way to write a part without settings."""
    name, given = _parts(choice)
    if name == PROTOCOLS_OWN and given.get("precision", "uint8") == "uint8":
        return json.dumps(PROTOCOLS_OWN)
    return json.dumps({name: given} if given else name, sort_keys=True)


def _tested(results: Results) -> dict[str, tuple[str, Any]]:
    """Evaluation set, as scores call it -> (its images, its degradation)."""
    roles = results.datasets["role"]
    names = [str(n) for n in results.datasets.loc[~roles.isin(["train", "validate"]), "name"]]
    written = results.facts.data.get("eval", [])
    if len(written) != len(names):
        return {}
    plain = {json.dumps(c): n for n, c in zip(names, written, strict=True)}
    found = {}
    for name, choice in zip(names, written, strict=True):
        part, given = _parts(choice)
        of = given.get("of", "photos") if part == "degraded" else choice
        by = given.get("by", PROTOCOLS_OWN) if part == "degraded" else PROTOCOLS_OWN
        found[name] = (plain.get(json.dumps(of), full_name(of)), by)
    return found


def _families(results: Results) -> list[dict[str, Any]]:
    """Variants that differ in nothing but their training degradation: variant -> degradation."""
    found: dict[str, dict[str, Any]] = {}
    if "settings" not in results.variants:
        return []
    table = results.variants.set_index("variant")["settings"]
    for name in trained(results):
        tree = _read(table.get(name))
        data = tree.get("data")
        if not isinstance(data, dict):
            continue
        own = data.pop("degradation", PROTOCOLS_OWN)
        if data.get("lr") == "own":
            own = OWN_FILES
        found.setdefault(json.dumps(tree, sort_keys=True), {})[name] = own
    return [family for family in found.values() if len(family) > 1]


def _read(settings: Any) -> dict[str, Any]:
    try:
        tree = json.loads(settings) if isinstance(settings, str) else {}
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _matrix(
    images: str, tested: Mapping[str, Any], family: Mapping[str, Any], words: Mapping[str, str],
    scores: Scores,
) -> Matrix:  # fmt: skip
    order = list(dict.fromkeys(_key(d) for d in tested.values()))
    keys = {variant: _key(d) for variant, d in family.items()}
    rows = sorted(keys, key=lambda v: order.index(keys[v]) if keys[v] in order else len(order))
    specialist = {key: variant for variant, key in reversed(keys.items())}
    contrasts = sum(keys[v] != _key(d) for v in rows for d in tested.values())
    entries = {}
    for variant in rows:
        for name, degradation in tested.items():
            mine = scores.get((variant, name), {})
            best = specialist.get(_key(degradation))
            own = keys[variant] == _key(degradation)
            theirs = scores.get((best, name), {}) if best else {}
            gap = None if own or not best else paired_effect(variant, mine, theirs, contrasts)
            entries[variant, name] = Entry(t_interval(list(mine.values())), gap, own)
    return Matrix(
        images,
        tuple((v, words[keys[v]]) for v in rows),
        tuple((name, words[_key(d)]) for name, d in tested.items()),
        entries,
    )


Scores = Mapping[tuple[str, str], Mapping[int, float]]  # (variant, dataset) -> seed -> score


def _scores(results: Results) -> Scores:
    """The scores by the primary metric."""
    own = results.facts.metric
    return {key[1:]: by_seed for key, by_seed in set_scores(results).items() if key[0] == own}
