"""The seeds of a study: how many, at which looks, how many of the baseline, in pairs or not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, islice
from typing import Any

from srbench.analysis.looks import LOOKS
from srbench.analysis.power import baseline_seeds
from srbench.core.errors import Path, StudyError, brief
from srbench.study.keys import WHOLE, Key, Schema, schema_of, taken

MOST_SEEDS = 1000
UNTIL = "{until: decided, looks: [3, 5, 8, 12, 20]}"


def _distinct(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


_NUMBER = WHOLE | {"minimum": 1, "maximum": MOST_SEEDS}
DECIDED = {
    "until": Key(
        "seeds are added where a verdict is open, required", {"const": "decided"}, example="decided"
    ),
    "looks": Key(
        "numbers of seeds at which verdicts are taken",
        _distinct(_NUMBER),
        list(LOOKS),
        example="[3, 5, 8]",
    ),
}
SEEDS: Schema = {
    "anyOf": [
        _NUMBER,
        _distinct(WHOLE | {"minimum": 0}),
        schema_of(DECIDED) | {"required": ["until"]},
    ]
}


def default_seeds(variants: int) -> int:
    """The number of seeds of a study that names none: 3, above 5 contrasts 5."""
    return 3 if variants <= 5 else 5


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
    asked = taken(written, DECIDED, at)
    if asked["until"] != "decided":
        raise StudyError(f"write {UNTIL}", at)
    looks = asked["looks"]
    rising = isinstance(looks, list) and bool(looks) and all(type(n) is int for n in looks)
    if not rising or looks != sorted(set(looks)) or looks[0] < 3 or looks[-1] > MOST_SEEDS:
        raise StudyError(
            f"{brief(looks)} are not rising numbers of seeds, the first at least 3",
            (*at, "looks") if "looks" in written else at,
        )
    return tuple(looks)


def baseline_seeds_written(
    value: Mapping[str, Any], seeds: tuple[int, ...], looks: tuple[int, ...]
) -> int | None:
    """The number of the baseline's seeds; None where the study leaves it to srbench."""
    written: int | None = value.get("baseline_seeds")
    at: Path = ("baseline_seeds",)
    if written is None:
        return None
    if looks:
        raise StudyError("seeds until decided choose the baseline's themselves", at)
    if written < len(seeds):
        raise StudyError(f"{written} are fewer than the {len(seeds)} of the variants", at)
    return written


def paired_written(value: Mapping[str, Any], looks: tuple[int, ...]) -> bool:
    """Whether contrasts are taken within the seed."""
    written = value.get("paired", False)
    if not isinstance(written, bool):
        raise StudyError(f"{brief(written)} is neither true nor false", ("paired",))
    if written and looks:
        raise StudyError("seeds until decided compare means; leave paired out", ("paired",))
    return written


def seeds_of_baseline(
    seeds: tuple[int, ...], variants: int, wanted: int | None, *, paired: bool
) -> tuple[int, ...]:
    """The seeds of the variants, and further ones behind the highest: `wanted` in all.

    Without that, as many as the number of variants that are compared with it asks for.
    """
    own = len(seeds)
    number = wanted or (own if paired else baseline_seeds(own, variants))
    return (*seeds, *islice(count(max(seeds) + 1), number - own))
