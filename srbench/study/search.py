"""The `tune:` of a study: a space, what is sought in it, how, and for how long.

A search reads only `validate`. What it finds is confirmed as a fixed plan on fresh seeds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from srbench.analysis.history import Direction
from srbench.analysis.search_results import confirmed_names
from srbench.analysis.space import Plain, Space
from srbench.core.errors import Path, StudyError, brief
from srbench.core.numbers import UNITS
from srbench.core.registry import Choice, known
from srbench.measure.named import known_facts, validated
from srbench.study.dimensions import space_written
from srbench.study.keys import TEXT, Key, part, taken, texts, whole
from srbench.study.samplers import pruner, sampler
from srbench.study.seeds import MOST_SEEDS
from srbench.study.tree import Tree, Variant
from srbench.study.written import as_written, check_name

COSTS = ("params", "macs", "latency")  # MACs of HR 1280x720; latency over the baseline's
BUDGETS = ("trials", "hours", "epochs")
OVER_EPOCHS, OVER_SEEDS = ("hyperband", "successive_halving"), ("wilcoxon",)
FINITE = ("grid", "brute_force")
CONSTRAINTS = "params <= 1M, macs <= 1.2 x baseline, latency <= 1.2 x baseline"
BUDGET = "40 trials, 2 hours, 800 epochs, or {trials: 40, hours: 2}"
TUNE = {
    "space": Key(
        "what is varied, required: for each path choices, or a range {low, high, step, log}",
        {"type": "object", "minProperties": 1},
        example="{skip: [none, bilinear], channels: {low: 8, high: 32, step: 8}}",
    ),
    "objective": texts(
        "what is sought: a metric on `validate`, then params, macs or latency; by default the "
        "study's metric",
        example="[psnr_y, macs]",
    ),
    "constraints": texts(
        "bounds on cost; a network beyond them is infeasible and not trained",
        example="[params <= 1M, latency <= 1.2 x baseline]",
    ),
    "sampler": Key("what proposes trials", part("sampler"), "tpe", example="nsga2"),
    "pruner": Key("what ends trials early", part("pruner"), "none", example="hyperband"),
    "budget": Key(
        "when the search ends, by trials, hours or epochs; by default each point of a finite space",
        {"anyOf": [TEXT, {"type": "object"}]},
        example="{trials: 40, hours: 2}",
    ),
    "seeds": whole(
        "seeds of each trial, from 0; by default 1, with the pruner wilcoxon 5",
        None,
        1,
        MOST_SEEDS,
        example="3",
    ),
    "seed": whole("the seed of the sampler itself", 0, -(2**63), 2**63 - 1, example="1"),
    "confirm": whole(
        "how many of the best are trained again, on fresh seeds, and judged on `eval`",
        3,
        0,
        100,
        example="2",
    ),
}
CONSTRAINT = re.compile(
    r"\s*(?P<what>\w+)\s*(?P<sign><=|>=|≤|≥)\s*(?P<number>[-+.\deE]+?)\s*(?P<unit>[kMG]?)"
    r"\s*(?:(?P<of>[x×*])\s*baseline)?\s*"
)


@dataclass(frozen=True)
class Constraint:
    """A bound on what a network costs, absolute or as a multiple of the baseline's cost."""

    text: str
    quantity: str
    most: bool  # an upper bound; else a lower one
    bound: float
    relative: bool

    def violation(self, cost: float, baseline: float) -> float:
        """Excess over the bound as a share of it; 0 or less if the bound holds."""
        bound = self.bound * baseline if self.relative else self.bound
        over = cost - bound if self.most else bound - cost
        return over / abs(bound) if bound else over


@dataclass(frozen=True)
class Search:
    """What `tune:` says, checked."""

    space: Space
    objectives: tuple[str, ...]  # what is sought; the first is a score on `validate`
    directions: tuple[Direction, ...]
    constraints: tuple[Constraint, ...]
    sampler: Choice
    pruner: Choice
    budget: tuple[tuple[str, float], ...]
    seeds: tuple[int, ...]
    seed: int
    confirm: int
    written: Mapping[tuple[str, Plain], Any] = field(repr=False, compare=False)

    def tree(self, base: Tree, point: Mapping[str, Plain]) -> Tree:
        """The base with a point's values in place.

        Raises:
            StudyError: the values do not fit each other.
        """
        for path, value in self._changes(point):
            base = base.set(path, value, ("tune", "space", path))
        return base

    def in_words(self, point: Mapping[str, Plain]) -> str:
        """A point in words, as it would be written in a study."""
        return ", ".join(f"{path}: {as_written(value)}" for path, value in self._changes(point))

    def _changes(self, point: Mapping[str, Plain]) -> Iterator[tuple[str, Any]]:
        for dimension in self.space.dimensions:
            if dimension.path in point:
                value = point[dimension.path]
                yield dimension.path, self.written.get((dimension.path, value), value)

    def names(self) -> tuple[str, ...]:
        """The names of what is confirmed, the best first."""
        return confirmed_names(self.confirm)

    @property
    def timed(self) -> bool:
        """Whether candidates are timed before they are trained."""
        return "latency" in (*self.objectives, *(c.quantity for c in self.constraints))

    def as_plain(self) -> dict[str, Any]:
        """The search for the database and the report."""
        return {
            "space": self.space.as_plain(),
            "size": None if self.space.size == float("inf") else int(self.space.size),
            "objectives": list(self.objectives),
            "directions": list(self.directions),
            "constraints": [constraint.text for constraint in self.constraints],
            "sampler": str(self.sampler),
            "pruner": str(self.pruner),
            "budget": dict(self.budget),
            "seeds": list(self.seeds),
            "seed": self.seed,
            "confirm": self.confirm,
        }


def search_written(value: Mapping[str, Any], base: Tree, metric: str) -> Search | None:
    """The study's search; None where it has none."""
    if "tune" not in value:
        return None
    written, at = value["tune"], ("tune",)
    asked = taken(written, TUNE, at, "{space: ..., budget: ...}")
    space, labels = space_written(asked["space"], base)
    directions = _directions()
    objectives = _objectives(asked["objective"], metric, directions)
    chosen = sampler.parse(asked["sampler"], (*at, "sampler"))
    giving_up = pruner.parse(asked["pruner"], (*at, "pruner"))
    seeds = asked["seeds"] or (5 if giving_up.name in OVER_SEEDS else 1)
    _check_pruner(giving_up, objectives, seeds, int(base.train["validations"]))
    if chosen.name in FINITE and space.size == float("inf"):
        place = next(d.path for d in space.dimensions if d.grid() is None)
        raise StudyError(
            f"{chosen.name} needs a finite space: give the range a step", (*at, "space", place)
        )
    return Search(
        space=space,
        objectives=objectives,
        directions=tuple(directions[name] for name in objectives),
        constraints=tuple(_constraints(asked["constraints"])),
        sampler=chosen,
        pruner=giving_up,
        budget=_budget(written, space),
        seeds=tuple(range(seeds)),
        seed=asked["seed"],
        confirm=asked["confirm"],
        written=labels,
    )


def fresh_seeds(
    search: Search, seeds: tuple[int, ...], looks: tuple[int, ...], written: object
) -> tuple[int, ...]:
    """The seeds of the confirmation: as many as the study says, none that the search has used."""
    if looks:
        raise StudyError("a search is confirmed on a fixed number of seeds", ("seeds",))
    if isinstance(written, list):
        used = sorted(set(seeds) & set(search.seeds))
        if used:
            raise StudyError(f"the search uses seed {used[0]}; take fresh ones", ("seeds",))
        return seeds
    return tuple(range(len(search.seeds), len(search.seeds) + len(seeds)))


def check_names(variants: tuple[Variant, ...], search: Search) -> None:
    """Names that a search gives are not to be taken."""
    for variant in variants:
        check_name(variant.name, ("variants", variant.name))
        if variant.name in search.names() or re.fullmatch(r"trial \d+", variant.name):
            raise StudyError("the search gives this name; take another", ("variants", variant.name))


def _directions() -> dict[str, Direction]:
    """Everything that may be sought: metrics on `validate` first, then costs."""
    known = {name: known_facts()[name].better for name in validated()}
    found: dict[str, Direction] = {
        name: "maximize" if better == "higher" else "minimize"
        for name, better in known.items()
        if better
    }
    return found | dict.fromkeys(COSTS, "minimize")


def _objectives(
    written: Sequence[str], metric: str, directions: Mapping[str, Direction]
) -> tuple[str, ...]:
    at: Path = ("tune", "objective")
    scores = [name for name in directions if name not in COSTS]
    found = written or [metric if metric in scores else scores[0]]
    for name in found:
        known(name, directions, "objective", at)
    if len(set(found)) < len(found):
        raise StudyError("name each objective once", at)
    if found[0] not in scores:
        raise StudyError(f"the first one is a score on validate: {' or '.join(scores)}", at)
    return tuple(found)


def _constraints(written: Sequence[str]) -> Iterator[Constraint]:
    for i, text in enumerate(written):
        at: Path = ("tune", "constraints", i)
        match = CONSTRAINT.fullmatch(text)
        try:
            factor = UNITS.get(match["unit"], 1.0) if match else 1.0
            bound = factor * float(match["number"] if match else "nan")
        except ValueError:
            bound = float("nan")
        if match is None or not 0 < bound < float("inf"):
            raise StudyError(f"{brief(text)} is no constraint; write {CONSTRAINTS}", at)
        known(match["what"], dict.fromkeys(COSTS), "cost", at)
        if match["what"] == "latency" and not match["of"]:
            raise StudyError("times compare within one pass: write latency <= 1.2 x baseline", at)
        most = match["sign"] in ("<=", "≤")
        yield Constraint(text, match["what"], most, bound, bool(match["of"]))


def _check_pruner(chosen: Choice, objectives: tuple[str, ...], seeds: int, points: int) -> None:
    at: Path = ("tune", "pruner")
    if chosen.name == "none":
        return
    if len(objectives) > 1:
        raise StudyError("pruners go with one objective", at)
    if chosen.name in OVER_EPOCHS and seeds > 1:
        raise StudyError(f"{chosen.name} goes over epochs, with one seed a trial", at)
    if chosen.name in OVER_EPOCHS and points < 2:
        raise StudyError(f"{chosen.name} needs train.validations of 2 or more", at)
    if chosen.name in OVER_SEEDS and seeds < 3:
        raise StudyError(f"{chosen.name} goes over seeds; give tune.seeds 3 or more", at)


def _budget(written: Mapping[str, Any], space: Space) -> tuple[tuple[str, float], ...]:
    at: Path = ("tune", "budget")
    given = written.get("budget")
    if given is None:
        if space.size == float("inf"):
            raise StudyError(f"say how long: {BUDGET}", ("tune",))
        return (("trials", space.size),)
    if isinstance(given, str):
        number, _, unit = given.strip().partition(" ")
        unit = unit.strip()
        unit = f"{unit}s" if f"{unit}s" in BUDGETS else unit
        try:
            given = {unit: float(number)}
        except ValueError:
            given = None
    if not isinstance(given, dict) or not given:
        raise StudyError(f"write {BUDGET}, found {brief(written['budget'])}", at)
    for unit, number in given.items():
        known(unit, dict.fromkeys(BUDGETS), "budget", at)
        if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
            raise StudyError(f"{brief(number)} is not a number above 0", (*at, unit))
        if not number < float("inf") or (unit == "trials" and number != int(number)):
            raise StudyError(f"{brief(number)} {unit} cannot be", (*at, unit))
    return tuple((unit, float(number)) for unit, number in given.items())
