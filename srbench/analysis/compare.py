"""Two studies, or two variants of one or two studies, compared: settings, then outcomes.

Outcomes are compared only for one protocol, one scale, the same test images and the same numerics;
else `refusals` holds the reasons. `compare_shown.py` puts a comparison into tables and words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from srbench.analysis.effects import CONFIDENCE, Interval, difference, t_interval
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.run_matrix import SetScores, left_out, set_scores, settings_of, text, trained
from srbench.core.errors import InputError
from srbench.core.numbers import with_unit
from srbench.core.setting_paths import variant_paths

Difference = tuple[str, str | None, str | None]  # setting, A, B; None where absent


@dataclass(frozen=True)
class Side:
    """A study, or one of its variants."""

    results: Results
    variant: str | None = None

    @property
    def name(self) -> str:
        """quickstart, or quickstart:residual."""
        study = self.results.facts.name
        return f"{study}:{self.variant}" if self.variant else study

    @property
    def variants(self) -> list[str]:
        """The variants that are compared."""
        return [self.variant] if self.variant else trained(self.results)


@dataclass(frozen=True)
class Outcome:
    """B minus A on one metric and one set of images."""

    what: str  # the variant, or "a to b" where names differ
    metric: str
    images: str
    primary: bool
    a: float  # mean over the seeds of A; NaN without any
    b: float
    effect: Interval
    simultaneous: Interval  # Bonferroni over the variants compared

    @property
    def identical(self) -> bool:
        """Whether every difference is 0."""
        return self.effect.mean == 0 and not self.effect.half > 0


@dataclass(frozen=True)
class StudyComparison:
    """What differs between two sides; `refusals` are the reasons for having no outcomes."""

    a: Side
    b: Side
    settings: tuple[Difference, ...]
    refusals: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def facts(self) -> StudyFacts:
        """Of the metrics, which are the same on both sides."""
        return self.a.results.facts


def split_name(given: str) -> tuple[str, str | None]:
    """`quickstart:residual` is a study and its variant, `quickstart` a study."""
    study, colon, variant = given.partition(":")
    if not study or (colon and not variant):
        raise InputError(f"{given!r} is neither a study nor study:variant")
    return study, variant or None


def compare(a: Side, b: Side) -> StudyComparison:
    """What differs in settings, and in outcomes where they can be compared.

    Raises:
        InputError: a variant that its study does not have, or a study against a variant.
    """
    for side in (a, b):
        known = trained(side.results)
        if side.variant is not None and side.variant not in known:
            raise InputError(
                f"{side.results.facts.name} has no trained variant {side.variant!r} "
                f"(known: {', '.join(known)})"
            )
    if (a.variant is None) != (b.variant is None):
        raise InputError(f"{a.name} and {b.name}: name a variant on both sides, or on neither")
    refusals = tuple(_against(a, b))
    outcomes = () if refusals else tuple(_outcomes(a, b))
    return StudyComparison(a, b, tuple(_settings(a, b)), refusals, outcomes)


def _against(a: Side, b: Side) -> Iterator[str]:
    """The reasons for not comparing numbers."""
    one, two = a.results.facts, b.results.facts
    if one.scale != two.scale:
        yield f"one is for x{one.scale}, the other for x{two.scale}"
    if one.protocol != two.protocol:
        yield f"scores are by protocol {one.protocol} and by {two.protocol}"
    elif not _shared_images(a, b):
        yield f"they were not tested on the same images ({one.dataset} and {two.dataset})"
    kinds = [_numerics(side) for side in (a, b)]
    if all(kinds) and kinds[0] != kinds[1]:
        yield f"they were computed with different numerics ({' and '.join(kinds)})"


def _numerics(side: Side) -> str:
    """The numerics of the finished runs, in words."""
    runs = side.results.runs
    chosen = runs[runs["variant"].isin(side.variants) & (runs["state"] == "done")]
    return "; ".join(sorted({text(value) for value in chosen["numerics"]} - {""}))


def _shared_images(a: Side, b: Side) -> list[tuple[str, str]]:
    """Names in A and B of the same images, A's primary set first; empty if B lacks that one."""
    one, two = (_tested(side.results) for side in (a, b))
    primary = next((m for m, name in one.items() if name == a.results.facts.dataset), None)
    if primary not in two:
        return []
    both = sorted(one.keys() & two.keys(), key=lambda m: (m != primary, m))
    return [(one[m], two[m]) for m in both]


def _tested(results: Results) -> dict[str, str]:
    frame = results.datasets[~results.datasets["role"].isin(["train", "validate"])]
    pairs = zip(frame["manifest"], frame["name"], strict=True)
    return {str(m): str(n) for m, n in pairs}


def _outcomes(a: Side, b: Side) -> Iterator[Outcome]:
    """One for each metric, set of images and pair of variants, the primary outcome first."""
    if a.variant and b.variant:
        pairs = [(a.variant, b.variant)]
    else:
        pairs = [(name, name) for name in a.variants if name in b.variants]
    level = 1 - (1 - CONFIDENCE) / max(len(pairs), 1)
    shared = _shared_images(a, b)
    scores = [
        _scores(a.results, b.results, shared),
        _scores(b.results, a.results, [(theirs, mine) for mine, theirs in shared]),
    ]
    first = a.results.facts.metric
    both = {m for m, _, _ in scores[0]} & {m for m, _, _ in scores[1]}
    for metric in (first, *sorted(both - {first})):
        for place, names in enumerate(shared):
            for mine, theirs in pairs:
                x = scores[0].get((metric, mine, names[0]), {})
                y = scores[1].get((metric, theirs, names[1]), {})
                yield Outcome(
                    what=mine if mine == theirs else f"{mine} to {theirs}",
                    metric=metric,
                    images=names[0],
                    primary=metric == first and place == 0,
                    a=t_interval(list(x.values())).mean,
                    b=t_interval(list(y.values())).mean,
                    effect=difference(y, x),
                    simultaneous=difference(y, x, level),
                )


def _scores(own: Results, other: Results, shared: Sequence[tuple[str, str]]) -> SetScores:
    """The scores of one side, without the images that the other side leaves out of its means."""
    gone = {
        (metric, mine, image)
        for mine, theirs in shared
        for (metric, dataset), (images, _) in left_out(other).items()
        if dataset == theirs
        for image in images
    }
    if not gone:
        return set_scores(own)
    frame = own.scores
    places = zip(frame["metric"], frame["dataset"], frame["image"], strict=True)
    return set_scores(replace(own, scores=frame[[place not in gone for place in places]]))


def _settings(a: Side, b: Side) -> Iterator[Difference]:
    """Every difference: the study's own first, then those of the shared variants."""
    yield from _differing(_of_study(a), _of_study(b))
    if a.variant and b.variant:
        yield from _differing(_tree(a.results, a.variant), _tree(b.results, b.variant))
        return
    common = list(_differing(*(_tree(s.results, s.results.facts.baseline) for s in (a, b))))
    yield from common
    for name in a.variants:
        if name in b.variants:
            for found in _differing(_tree(a.results, name), _tree(b.results, name)):
                if found not in common:
                    yield (f"{name}: {found[0]}", *found[1:])


def _differing(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for place in dict.fromkeys((*a, *b)):
        if a.get(place) != b.get(place):
            yield place, a.get(place), b.get(place)


def _of_study(side: Side) -> dict[str, str]:
    """Settings of the whole study."""
    results, facts = side.results, side.results.facts
    found = {
        "scale": f"x{facts.scale}",
        "baseline": facts.baseline,
        "outcome": f"{facts.metric} on {facts.dataset}",
        "protocol": facts.protocol,
        "numerics": _numerics(side),
        "seeds": ", ".join(map(str, facts.seeds)),
        "min_effect": (
            with_unit(f"{facts.min_effect:g}", facts.unit) if facts.min_effect else "none"
        ),
    }
    frame = results.datasets
    for role, name, manifest in zip(frame["role"], frame["name"], frame["manifest"], strict=True):
        found[f"{role} images {name}"] = f"manifest {text(manifest)[:12]}"
    found["variant" if side.variant else "variants"] = ", ".join(side.variants)
    return found


def _tree(results: Results, variant: str) -> dict[str, str]:
    """A variant's settings by their paths for `--set`: train.optimizer.lr -> 0.002."""
    shared = {"train": results.facts.train, "data": dict(results.facts.data)}
    trees = settings_of(results, variant) or shared
    trees.get("data", {}).pop("eval", None)  # listed with the images, by manifest
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in variant_paths(trees)}
