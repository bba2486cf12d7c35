"""The criteria of a study: its outcome, its min_effect, its contrasts, its claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath
from typing import Any

from srbench.analysis.claims_tree import Claim, ClaimError
from srbench.analysis.claims_vocabulary import Vocabulary, check
from srbench.core.errors import Path, StudyError, brief
from srbench.core.part_facts import MetricFacts
from srbench.core.registry import Choice, known
from srbench.measure import named
from srbench.study.keys import Schema, one_of, taken, text, texts
from srbench.study.tree import Tree, dataset_name

BY = ("params", "macs")
EXAMPLE = "{id: A9, says: atrous hurts, test: psnr_y(atrous) < psnr_y(plain)}"
CLAIM = {
    "id": text("its name, required", None, example="A9"),
    "says": text("the statement in words", example="atrous hurts"),
    "test": text(
        "the statement as a comparison, required", None, example="psnr_y(atrous) < psnr_y(plain)"
    ),
}
MATCH = {
    "by": one_of("the cost that is matched, required", BY, "cost", example="macs"),
    "of": texts(
        "the variants for which a baseline is widened; by default all of another cost",
        example="[wide]",
    ),
    "setting": text("the setting of the network that is changed", "channels", example="channels"),
}
COMPARE: Schema = {
    "anyOf": [
        {"const": "all"},
        {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
    ]
}


def metrics_written(value: Mapping[str, Any], scale: int) -> tuple[str, ...]:
    """The names of `metrics`, each written as a name or with settings: {diversity: {noise: 5}}."""
    written = value.get("metrics", list(named.DEFAULT))
    listed = written if isinstance(written, list) else [] if written is None else [written]
    if not all(isinstance(one, str | dict) for one in listed):
        raise StudyError(f"{brief(written)} is not a list of metrics", ("metrics",))
    return tuple(
        named.read(" ".join(one.split()) if isinstance(one, str) else one, scale, ("metrics", i))
        for i, one in enumerate(listed)
    )


def metric_on(value: Mapping[str, Any], base: Tree, scale: int) -> tuple[str, str]:
    sets = [dataset_name(choice) for choice in base.data["eval"]]
    if not sets:
        raise StudyError("name at least one set", ("data", "eval"))
    repeated = next((s for s in sets if sets.count(s) > 1), None)
    if repeated:
        raise StudyError(f"{repeated!r} is listed twice", ("data", "eval"))
    written = value.get("metric", f"psnr_y on {sets[0]}")
    metric, _, dataset = (part.strip() for part in written.partition(" on "))
    metric = named.read(metric, scale, ("metric",))
    short = [n for n, choice in enumerate(base.data["eval"]) if dataset in _short_names(choice)]
    if len(short) == 1 and dataset not in sets:
        dataset = sets[short[0]]
    known(dataset or sets[0], dict.fromkeys(sets), "evaluation set", ("metric",))
    return metric, dataset or sets[0]


def _short_names(choice: Choice) -> set[str]:
    """How a metric may name a set where no other is meant: `folder`, or the folder's own name."""
    paths = (value for _, value in choice.settings if isinstance(value, str) and value)
    return {choice.name, *(PurePath(path).name for path in paths)}


def check_direction(metric: str, facts: MetricFacts, key: str) -> None:
    """Refuse a metric that does not state which direction is better."""
    if not facts.better:
        raise StudyError(
            f"{metric} states no direction, so no verdict is possible; register it with "
            'facts=MetricFacts(better="higher") or better="lower"',
            (key,),
        )


def min_effect_written(value: Mapping[str, Any], metric: str, own: str) -> float | None:
    """The study's `min_effect`, in the unit `own` of its metric; None where it names none."""
    written = value.get("min_effect")
    if written is None:
        return None
    number, _, unit = str(written).strip().partition(" ")
    try:
        effect = float(number)
    except ValueError:
        effect = float("nan")
    if not 0 < effect < float("inf") or unit.strip() != own:
        example = f"0.03 {own}".strip()
        raise StudyError(
            f"{brief(written)} is not a size in the unit of {metric} (such as {example})",
            ("min_effect",),
        )
    return effect


def compare_written(
    value: Mapping[str, Any], variants: Sequence[str], looks: tuple[int, ...]
) -> tuple[tuple[str, str], ...]:
    """The pairs of `compare`: those listed, or all of the variants."""
    written = value.get("compare", [])
    at: Path = ("compare",)
    if written and looks:
        raise StudyError("seeds until decided compare with the baseline alone", at)
    if written == "all":
        return tuple(combinations(variants, 2))
    if not isinstance(written, list):
        raise StudyError(f"{brief(written)} is neither a list of pairs nor all", at)
    for i, pair in enumerate(written):
        if not isinstance(pair, list) or len(pair) != 2:
            raise StudyError(f"{brief(pair)} is no pair of variants: [a, b]", (*at, i))
        for k, name in enumerate(pair):
            known(name, dict.fromkeys(variants), "variant", (*at, i, k))
        if pair[0] == pair[1] or set(pair) in [set(other) for other in written[:i]]:
            raise StudyError(f"{brief(pair)} is one variant, or listed twice", (*at, i))
    return tuple((a, b) for a, b in written)


@dataclass(frozen=True)
class Match:
    """For variants of another cost, the baseline at a width that costs as much."""

    by: str  # params or macs
    of: tuple[str, ...]  # variants; empty is all whose cost differs
    setting: str


def match_written(value: Mapping[str, Any], variants: Sequence[str]) -> Match | None:
    """`match: params`, or `match: {by: params, of: [wide], setting: channels}`."""
    written = value.get("match")
    if written is None:
        return None
    at: Path = ("match",)
    if isinstance(written, str):
        written = {"by": written}
    asked = taken(written, MATCH, at, "params or macs")
    if asked["by"] is None:
        raise StudyError(f"say which cost: {' or '.join(BY)}", (*at, "by"))
    for i, name in enumerate(asked["of"]):
        known(name, dict.fromkeys(variants), "variant", (*at, "of", i))
    return Match(asked["by"], tuple(asked["of"]), asked["setting"])


def claims_written(value: Mapping[str, Any], names: Vocabulary) -> tuple[Claim, ...]:
    """The study's claims, each read and checked against what the study knows."""
    written = value.get("claims") or []
    if not isinstance(written, list):
        raise StudyError(f"a list of claims is expected, found {brief(written)}", ("claims",))
    from srbench.analysis.claims_parser import parse  # late: lark takes 0.1 s

    found: list[Claim] = []
    for i, claim in enumerate(written):
        at: Path = ("claims", i)
        name, says, test = taken(claim, CLAIM, at, EXAMPLE).values()
        if not name or not test:
            raise StudyError(f"id and test are required: {EXAMPLE}", at)
        if name in [other.id for other in found]:
            raise StudyError(f"claim {name!r} is used twice", (*at, "id"))
        try:
            parsed = parse(test)
            check(parsed, names)
        except ClaimError as problem:
            where = f"at character {problem.offset + 1} of {brief(test)}"
            raise StudyError(f"{problem.problem}, {where}", (*at, "test")) from None
        found.append(Claim(name, says, parsed, test))
    return tuple(found)
