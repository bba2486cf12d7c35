"""Two studies, or two variants of one or two studies, side by side: settings, then outcome.

Numbers are compared only where they may be: one protocol, one scale, the same test images, one
kind of arithmetic. What stands against it is said instead of an outcome.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from srbench.analysis.effects import Effect, paired_effect
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.run_matrix import set_scores, text, trained
from srbench.core.errors import InputError
from srbench.core.numbers import justified_decimals, plural, shown, with_unit
from srbench.core.setting_paths import variant_paths
from srbench.core.table import Column, Mark, Table, Value

ABSENT = Mark("absent", "there is no such setting on this side")


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
    """B minus A on one metric and one set of images, paired by seed."""

    what: str  # the variant, or "a to b" where they are called differently
    metric: str
    images: str
    primary: bool
    a: float  # mean over the seeds of A; NaN without any
    b: float
    effect: Effect


@dataclass(frozen=True)
class Comparison:
    """What differs between two sides; `refusals` say why there is no outcome."""

    a: Side
    b: Side
    settings: tuple[tuple[str, str | None, str | None], ...]  # place, A, B; None where absent
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


def compare(a: Side, b: Side) -> Comparison:
    """What differs in settings, and in outcome where that may be compared.

    Raises:
        InputError: a variant that its study does not have, or a study beside a variant.
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
    return Comparison(a, b, tuple(_settings(a, b)), refusals, outcomes)


def sentence(comparison: Comparison) -> str:
    """The comparison in one or two sentences."""
    a, b = comparison.a.name, comparison.b.name
    if comparison.refusals:
        return f"{a} and {b} cannot be compared: {'; '.join(comparison.refusals)}."
    primary = [o for o in comparison.outcomes if o.primary]
    known = [o for o in primary if o.effect.pairs]
    if not primary:
        return f"{a} and {b} have no variant in common."
    if not known:
        return f"{a} and {b} share no finished seed, so no difference can be taken."
    facts, d = comparison.facts, decimals(comparison, known[0].metric)
    better = -1 if facts.lower_is_better else 1
    if len(primary) == 1:
        return f"{b} against {a}: {_said(known[0], d, facts)}."
    if not any(any(o.effect.differences) for o in known):
        return f"All {plural(len(known), 'variant')} that {a} and {b} share score the same."
    apart = [o for o in known if o.effect.excludes_zero]
    up = sum(better * o.effect.mean > 0 for o in apart)
    widest = max(known, key=lambda o: abs(o.effect.mean))
    return (
        f"Of {plural(len(known), 'variant')} that {a} and {b} share, {up} score better in {b} "
        f"and {len(apart) - up} worse, clear of zero each for itself. "
        f"The widest difference: {widest.what}, {_said(widest, d, facts)}."
    )


def settings_shown(comparison: Comparison) -> Table:
    """One row a setting that differs."""
    columns = (
        Column("setting", "setting"),
        Column("a", comparison.a.name),
        Column("b", comparison.b.name),
    )
    rows = tuple(
        (place, *(ABSENT if value is None else value for value in values))
        for place, *values in comparison.settings
    )
    return Table("settings", "Settings that differ", columns, rows)


def outcomes_shown(comparison: Comparison, *, primary: bool) -> Table:
    """One row a variant: both means, the difference with its intervals, seeds."""
    chosen = [o for o in comparison.outcomes if o.primary == primary]
    metrics = {o.metric for o in chosen}
    d = max((decimals(comparison, m) for m in metrics), default=2)
    unit = comparison.facts.unit_of(next(iter(metrics))) if len(metrics) == 1 else ""
    rows: list[tuple[Value, ...]] = []
    for o in chosen:
        lacking = Mark("no pair", "no seed that both have finished")
        few = (
            Mark("one seed", "an interval needs at least two seeds") if o.effect.pairs else lacking
        )
        ends = (o.effect.low, o.effect.high, o.effect.simultaneous_low, o.effect.simultaneous_high)
        where: tuple[Value, ...] = () if primary else (comparison.facts.heading(o.metric), o.images)
        rows.append(
            (
                o.what,
                *where,
                *(x if x == x else Mark("missing", "no finished run") for x in (o.a, o.b)),
                o.effect.mean if o.effect.pairs else lacking,
                *(x if x == x else few for x in ends),
                o.effect.pairs,
            )
        )
    columns = [Column("variant", "variant")]
    if not primary:
        columns += [Column("metric", "metric"), Column("images", "images")]
    both = "over all rows of the first table at once (Bonferroni)"
    columns += [
        Column("a", comparison.a.name, unit, "number", d),
        Column("b", comparison.b.name, unit, "number", d),
        Column("difference", "difference", unit, "difference", d),
        Column("low", "95 % from", unit, "difference", d),
        Column("high", "95 % to", unit, "difference", d),
        Column("all_low", "simultaneous from", unit, "difference", d, both),
        Column("all_high", "simultaneous to", unit, "difference", d, both),
        Column("seeds", "seeds", kind="count"),
    ]
    name = "outcome" if primary else "secondary"
    what = "primary outcome" if primary else "other metrics and images"
    caption = f"{comparison.b.name} minus {comparison.a.name}, {what}, paired by seed"
    return Table(name, caption, tuple(columns), tuple(rows))


def decimals(comparison: Comparison, metric: str) -> int:
    """Decimals that the intervals of the differences justify."""
    rows = [o.effect for o in comparison.outcomes if o.metric == metric]
    return justified_decimals(
        [(e.high - e.low) / 2 for e in rows], comparison.facts.unit_of(metric)
    )


def _said(outcome: Outcome, d: int, facts: StudyFacts) -> str:
    e = outcome.effect
    size = with_unit(shown(e.mean, d, signed=True), facts.unit_of(outcome.metric))
    where = f"{size} in {facts.heading(outcome.metric)} on {outcome.images}"
    if e.pairs < 2:
        return f"{where} (1 seed, no interval)"
    seeds = plural(e.pairs, "seed")
    return f"{where} (95 % interval {shown(e.low, d)} to {shown(e.high, d)}, {seeds})"


def _against(a: Side, b: Side) -> Iterator[str]:
    """What stands against comparing numbers."""
    one, two = a.results.facts, b.results.facts
    if one.scale != two.scale:
        yield f"one is for x{one.scale}, the other for x{two.scale}"
    if one.protocol != two.protocol:
        yield f"scores were taken by protocol {one.protocol} and by {two.protocol}"
    elif not _shared_images(a, b):
        yield f"they were not tested on the same images ({one.dataset} and {two.dataset})"
    kinds = [sorted(_numerics(side)) for side in (a, b)]
    if all(kinds) and kinds[0] != kinds[1]:
        said = " and ".join("; ".join(k) for k in kinds)
        yield f"they were computed with different numerics ({said})"


def _numerics(side: Side) -> set[str]:
    runs = side.results.runs
    chosen = runs[runs["variant"].isin(side.variants) & (runs["state"] == "done")]
    return {text(value) for value in chosen["numerics"]} - {""}


def _shared_images(a: Side, b: Side) -> dict[str, tuple[str, str]]:
    """Manifest -> what A and B call it, A's primary set first; empty where B lacks that one."""
    sets = [_tested(side.results) for side in (a, b)]
    primary = next((m for m, name in sets[0].items() if name == a.results.facts.dataset), None)
    if primary not in sets[1]:
        return {}
    both = sorted(sets[0].keys() & sets[1].keys(), key=lambda m: (m != primary, m))
    return {m: (sets[0][m], sets[1][m]) for m in both}


def _tested(results: Results) -> dict[str, str]:
    frame = results.datasets[~results.datasets["role"].isin(["train", "validate"])]
    pairs = zip(frame["manifest"], frame["name"], strict=True)
    return {str(m): str(n) for m, n in pairs}


def _outcomes(a: Side, b: Side) -> Iterator[Outcome]:
    if a.variant and b.variant:
        pairs = [(a.variant, b.variant)]
    else:
        pairs = [(name, name) for name in a.variants if name in b.variants]
    shared = _shared_images(a, b)
    scores = [set_scores(side.results) for side in (a, b)]
    metrics = sorted({m for m, _, _ in scores[0]} & {m for m, _, _ in scores[1]})
    first = a.results.facts.metric
    for metric in sorted({first, *metrics}, key=lambda m: (m != first, m)):
        for manifest, names in shared.items():
            primary = metric == first and manifest == next(iter(shared))
            for mine, theirs in pairs:
                x = scores[0].get((metric, mine, names[0]), {})
                y = scores[1].get((metric, theirs, names[1]), {})
                what = mine if mine == theirs else f"{mine} to {theirs}"
                effect = paired_effect(what, y, x, len(pairs))
                means = [sum(s.values()) / len(s) if s else float("nan") for s in (x, y)]
                yield Outcome(what, metric, names[0], primary, means[0], means[1], effect)


def _settings(a: Side, b: Side) -> Iterator[tuple[str, str | None, str | None]]:
    """Every place where the two differ: the study's own first, then each shared variant's."""
    yield from _differing(_of_study(a), _of_study(b))
    if a.variant and b.variant:
        yield from _differing(_tree(a.results, a.variant), _tree(b.results, b.variant))
        return
    base = [_tree(side.results, side.results.facts.baseline) for side in (a, b)]
    common = dict(_named(_differing(*base)))
    yield from ((place, *values) for place, values in common.items())
    for name in a.variants:
        if name in b.variants:
            found = _named(_differing(_tree(a.results, name), _tree(b.results, name)))
            for place, values in found:
                if common.get(place) != values:
                    yield (f"{name}: {place}", *values)


def _named(
    rows: Iterator[tuple[str, str | None, str | None]],
) -> list[tuple[str, tuple[str | None, str | None]]]:
    return [(place, (x, y)) for place, x, y in rows]


def _differing(
    a: Mapping[str, str], b: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    for place in dict.fromkeys((*a, *b)):
        if a.get(place) != b.get(place):
            yield place, a.get(place), b.get(place)


def _of_study(side: Side) -> dict[str, str]:
    """What belongs to the whole study, in words."""
    results, facts = side.results, side.results.facts
    found = {
        "scale": f"x{facts.scale}",
        "baseline": facts.baseline,
        "outcome": f"{facts.metric} on {facts.dataset}",
        "protocol": facts.protocol,
        "numerics": "; ".join(sorted(_numerics(side))),
        "seeds": ", ".join(map(str, facts.seeds)),
        "smallest effect of interest": with_unit(f"{facts.min_effect:g}", facts.unit)
        if facts.min_effect
        else "none named",
    }
    frame = results.datasets
    for role, name, manifest in zip(frame["role"], frame["name"], frame["manifest"], strict=True):
        found[f"{role} images {name}"] = f"manifest {text(manifest)[:12]}"
    if side.variant is None:
        found["variants"] = ", ".join(side.variants)
    else:
        found["variant"] = side.variant
    return found


def _tree(results: Results, variant: str) -> dict[str, str]:
    """A variant's settings by the places that `--set` takes: train.optimizer.lr -> 0.002."""
    if "settings" in results.variants:
        table = results.variants.set_index("variant")["settings"]
        trees = json.loads(text(table.get(variant)) or "{}")
    else:
        trees = {"train": results.facts.train, "data": results.facts.data}
    trees.get("data", {}).pop("eval", None)  # named with the images, by what is in them
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in variant_paths(trees)}
