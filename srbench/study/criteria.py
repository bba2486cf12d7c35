"""What a study is judged by: its outcome, its min_effect, its seeds, its claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from srbench.analysis.claims_tree import Claim, ClaimError
from srbench.analysis.claims_vocabulary import Vocabulary, check
from srbench.core.errors import Path, StudyError, brief
from srbench.core.part_facts import MetricFacts
from srbench.core.registry import known
from srbench.measure import named
from srbench.study.tree import Tree, dataset_name
from srbench.study.written import plain

MOST_SEEDS = 1000
LOOKS = (3, 5, 8, 12, 20)
UNTIL = "{until: decided, looks: [3, 5, 8, 12, 20]}"
CLAIM = "{id: A9, says: atrous hurts, test: psnr_y(atrous) < psnr_y(plain)}"


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
    written = plain(value, "metric", str, f"psnr_y on {sets[0]}")
    metric, _, dataset = (part.strip() for part in written.partition(" on "))
    metric = named.read(metric, scale, ("metric",))
    parts = [choice.name for choice in base.data["eval"]]
    if parts.count(dataset) == 1:  # `psnr_y on folder` is enough where there is one folder
        dataset = sets[parts.index(dataset)]
    known(dataset or sets[0], dict.fromkeys(sets), "evaluation set", ("metric",))
    return metric, dataset or sets[0]


def check_direction(metric: str, facts: MetricFacts) -> None:
    """Refuse a primary metric that does not state which direction is better."""
    if not facts.better:
        raise StudyError(
            f"{metric} states no direction, so no verdict is possible; register it with "
            'facts=MetricFacts(better="higher") or better="lower"',
            ("metric",),
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


def seeds_written(written: object) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(the first seeds, the looks): looks are empty where the number of seeds is fixed."""
    at: Path = ("seeds",)
    if type(written) is int:
        if not 1 <= written <= MOST_SEEDS:
            raise StudyError(f"{written} seeds; from 1 to {MOST_SEEDS} are possible", at)
        return tuple(range(written)), ()
    if isinstance(written, dict):
        looks = _looks(written, at)
        return tuple(range(looks[0])), looks
    if isinstance(written, list) and written and all(type(s) is int and s >= 0 for s in written):
        if len(set(written)) < len(written):
            raise StudyError("a seed is listed twice", at)
        return tuple(written), ()
    raise StudyError(
        f"{brief(written)} is neither a number of seeds, nor a list of them, nor {UNTIL}", at
    )


def _looks(written: Mapping[str, Any], at: Path) -> tuple[int, ...]:
    for key in written:
        known(key, dict.fromkeys(("until", "looks")), "key", (*at, key))
    if written.get("until") != "decided":
        raise StudyError(f"write {UNTIL}", at)
    looks = written.get("looks", list(LOOKS))
    rising = isinstance(looks, list) and bool(looks) and all(type(n) is int for n in looks)
    if not rising or looks != sorted(set(looks)) or looks[0] < 3 or looks[-1] > MOST_SEEDS:
        raise StudyError(
            f"{brief(looks)} are not rising numbers of seeds, the first at least 3",
            (*at, "looks") if "looks" in written else at,
        )
    return tuple(looks)


By = Literal["params", "macs"]


@dataclass(frozen=True)
class Match:
    """Beside variants of another cost, the baseline at a width that costs as much."""

    by: By
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
    if not isinstance(written, dict):
        raise StudyError(f"write params or macs, found {brief(written)}", at)
    for key in written:
        known(key, dict.fromkeys(("by", "of", "setting")), "key", (*at, key))
    by = plain(written, "by", str, "", at)
    known(by, dict.fromkeys(get_args(By)), "cost", at)
    of = written.get("of", [])
    if not isinstance(of, list):
        raise StudyError(f"a list of variants is expected, found {brief(of)}", (*at, "of"))
    for i, name in enumerate(of):
        known(name, dict.fromkeys(variants), "variant", (*at, "of", i))
    setting = plain(written, "setting", str, "channels", at)
    return Match(cast(By, by), tuple(of), setting)


def claims_written(value: Mapping[str, Any], names: Vocabulary) -> tuple[Claim, ...]:
    """The study's claims, each read and checked against what the study knows."""
    written = value.get("claims") or []
    if not isinstance(written, list):
        raise StudyError(f"a list of claims is expected, found {brief(written)}", ("claims",))
    from srbench.analysis.claims_parser import parse  # late: lark takes 0.1 s

    found: list[Claim] = []
    for i, claim in enumerate(written):
        at: Path = ("claims", i)
        if not isinstance(claim, dict):
            raise StudyError(f"write {CLAIM}, found {brief(claim)}", at)
        for key in claim:
            known(key, dict.fromkeys(("id", "says", "test")), "key", (*at, key))
        name, says = (plain(claim, key, str, "", at) for key in ("id", "says"))
        test = plain(claim, "test", str, "", at)
        if not name or not test:
            raise StudyError(f"id and test are required: {CLAIM}", at)
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
