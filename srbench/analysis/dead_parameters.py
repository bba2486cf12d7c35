"""Dead parameters: a variant as it was trained, beside the same network with all of them in use.

Found by settings alone: the variant that lacks the part (one setting other, fewer parameters,
none dead), and the one that uses it (one setting other, as many parameters, none dead).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.effects import Interval, t_interval
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, of_variants, scores_by_seed, trained
from srbench.core.numbers import plural, shown, with_unit


@dataclass(frozen=True)
class DeadParameters:
    """One variant with dead parameters, and those it is compared with; "" for none."""

    variant: str
    parameters: int
    dead: int
    setting: str  # by which the one without differs: "attention"
    without: str
    wired: str

    @property
    def share(self) -> float:
        """Per cent of the parameters."""
        return 100 * self.dead / self.parameters


@lru_cache(maxsize=8)
def variants_with_dead_parameters(results: Results) -> tuple[DeadParameters, ...]:
    """Every trained variant with dead parameters, in study order."""
    dead, size = of_variants(results, "dead"), of_variants(results, "parameters")
    names = trained(results)
    found = []
    for name in names:
        if not number(dead.get(name)) > 0:
            continue
        whole = [n for n in names if number(dead.get(n)) == 0]
        beside = {n: s for n in whole if (s := _other_setting(results, name, n))}
        without = [n for n in beside if number(size.get(n)) < number(size.get(name))]
        wired = [n for n in beside if number(size.get(n)) == number(size.get(name))]
        one, same = next(iter(without), ""), next(iter(wired), "")
        counts = int(number(size.get(name))), int(number(dead.get(name)))
        found.append(DeadParameters(name, *counts, beside.get(one, ""), one, same))
    return tuple(found)


def _other_setting(results: Results, a: str, b: str) -> str:
    """The one setting of the model in which two variants differ; "" where more does, or less."""
    one, other = (_settings(results, name) for name in (a, b))
    if one is None or other is None or one.keys() != other.keys():
        return ""
    differ = [key for key in one if one[key] != other[key]]
    return differ[0] if len(differ) == 1 else ""


@lru_cache(maxsize=256)
def _settings(results: Results, name: str) -> Mapping[str, Any] | None:
    """Settings of the model one by one, those of training and data as one each."""
    written = of_variants(results, "settings").get(name)
    if not isinstance(written, str) or not written:
        return None
    trees = json.loads(written)
    model = trees.get("model")
    if not isinstance(model, dict) or len(model) != 1:
        return None
    [(part, settings)] = model.items()
    rest = {key: value for key, value in trees.items() if key != "model"}
    return {"model": part, **settings, **{f"its {key}": value for key, value in rest.items()}}


def difference(results: Results, a: str, b: str) -> Interval | None:
    """a minus b on the primary outcome, paired by seed; None with fewer than two pairs."""
    scores = scores_by_seed(results)
    one, other = scores.get(a, {}), scores.get(b, {})
    pairs = [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]
    return t_interval(pairs) if len(pairs) > 1 else None


def dead_parameter_notes(results: Results) -> tuple[str, ...]:
    """What a reader should know first; empty where no variant has dead parameters."""
    found = variants_with_dead_parameters(results)
    if not found:
        return ()
    shares = sorted({f"{one.share:.0f}" for one in found}, key=float)
    span = " to ".join(dict.fromkeys([shares[0], shares[-1]])) + " %"
    message = [
        f"In {plural(len(found), 'variant')} the forward pass never reaches part of the network: "
        f"{span} of the parameters are stored and counted but never used. A published parameter "
        "count then does not measure what the network computes."
    ]
    return (*message, *_pairs_text(results))


def _pairs_text(results: Results) -> Iterator[str]:
    """The whole comparison in words, where a variant has both neighbours and enough seeds."""
    for one in variants_with_dead_parameters(results):
        ran = difference(results, one.variant, one.without) if one.without else None
        wired = difference(results, one.wired, one.without) if one.wired else None
        if ran is None or wired is None:
            continue
        yield (
            f"Against {one.without}, which has no {one.setting}: {one.variant} as trained "
            f"{_amount(results, ran)}; {one.wired}, the same parameters all in use, "
            f"{_amount(results, wired)}. These intervals are secondary; verdicts and claims are "
            "above."
        )


def _amount(results: Results, effect: Interval) -> str:
    d = effect_decimals(results)
    amount = with_unit(shown(effect.mean, d, signed=True), results.facts.unit)
    low, high = shown(effect.low, d), shown(effect.high, d)
    return f"{amount} (95 % interval {low} to {high}, {plural(effect.count, 'seed')})"
