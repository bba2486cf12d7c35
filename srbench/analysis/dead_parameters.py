"""Dead parameters: a variant as trained, compared with networks in which none are dead.

Found by settings alone: the variant that lacks the part (one setting other, fewer parameters,
none dead), and the one that uses it (one setting other, as many parameters, none dead).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.effects import Interval
from srbench.analysis.effects import difference as difference_of_means
from srbench.analysis.phrases import effect_text
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    number,
    of_variants,
    scores_by_seed,
    settings_of,
    trained,
)
from srbench.core.numbers import listed, plural


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
    names = trained(results)
    dead, size = (
        {name: number(of_variants(results, column).get(name)) for name in names}
        for column in ("dead", "parameters")
    )
    settings = {name: _settings(results, name) for name in names}
    found = []
    for name in names:
        if dead[name] > 0:
            beside = {
                other: setting
                for other in names
                if dead[other] == 0 and (setting := _one_other(settings[name], settings[other]))
            }
            without = next((n for n in beside if size[n] < size[name]), "")
            wired = next((n for n in beside if size[n] == size[name]), "")
            setting = beside.get(without, "")
            counts = int(size[name]), int(dead[name])
            found.append(DeadParameters(name, *counts, setting, without, wired))
    return tuple(found)


def _one_other(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The one setting of the model in which two variants differ; "" where not just one does."""
    differ = [key for key in one if one[key] != other.get(key)]
    return differ[0] if len(differ) == 1 and one.keys() == other.keys() else ""


def _settings(results: Results, name: str) -> Mapping[str, Any]:
    """Settings of the model one by one, those of training and data as one each."""
    trees = settings_of(results, name)
    model = trees.pop("model", None)
    if not isinstance(model, dict) or len(model) != 1:
        return {}
    [(part, settings)] = model.items()
    return {"model": part, **settings, **{f"its {key}": value for key, value in trees.items()}}


def difference(results: Results, a: str, b: str) -> Interval:
    """a minus b on the primary outcome, of mean scores."""
    scores = scores_by_seed(results)
    return difference_of_means(scores.get(a, {}), scores.get(b, {}))


def costs_heading(results: Results) -> str:
    """How many variants carry parameters that no output can reach."""
    counts = of_variants(results, "dead")
    dead = [name for name in trained(results) if number(counts[name]) > 0]
    if not dead:
        return "No variant has dead parameters"
    who = listed(dead) if len(dead) <= 3 else plural(len(dead), "variant")
    return f"{who} {'has' if len(dead) == 1 else 'have'} parameters that no output can reach"


def dead_parameter_notes(results: Results) -> tuple[str, ...]:
    """What a reader should know first; empty where no variant has dead parameters."""
    found = variants_with_dead_parameters(results)
    if not found:
        return ()
    shares = sorted({f"{one.share:.0f}" for one in found}, key=float)
    span = " to ".join(dict.fromkeys([shares[0], shares[-1]])) + " %"
    message = (
        f"In {plural(len(found), 'variant')} the forward pass never reaches part of the network: "
        f"{span} of the parameters are stored and counted but never used. A published parameter "
        "count then does not measure what the network computes."
    )
    return (message, *_pairs_text(results))


def _pairs_text(results: Results) -> Iterator[str]:
    """The whole comparison in words, where a variant has both neighbours and enough seeds."""
    for one in variants_with_dead_parameters(results):
        ran, wired = (difference(results, name, one.without) for name in (one.variant, one.wired))
        if min(ran.count, wired.count) < 2:
            continue
        yield (
            f"Against {one.without}, which has no {one.setting}: {one.variant} as trained "
            f"{effect_text(results, ran)}; {one.wired}, the same parameters all in use, "
            f"{effect_text(results, wired)}. These intervals are secondary; verdicts and claims "
            "are above."
        )
