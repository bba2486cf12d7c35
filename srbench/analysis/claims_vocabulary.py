"""The names that a study's claims may use, and the check of each claim against them.

An unknown name, decibels added to counts, `=` between scores: each is refused when the study is
read, with its place in the text, before anything is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from srbench.analysis.claims_tree import (
    Arithmetic,
    Both,
    ClaimError,
    Comparison,
    Extreme,
    Happens,
    Inside,
    Not,
    Number,
    Quantity,
    Rank,
    Test,
    Value,
    quantities,
)
from srbench.analysis.metric_names import metric_facts
from srbench.core.part_facts import Metrics

COSTS = (
    "params", "frozen_params", "dead_params", "macs", "macs_256", "activations",
    "receptive_field", "memory_mb",
)  # fmt: skip
TIMINGS = ("latency", "step_time")
LOSS = "loss"
SMALLER_IS_BETTER = {LOSS, "epochs_to", *COSTS, *TIMINGS}

Sort = Literal["score", "cost", "timing", "curve"]


@dataclass(frozen=True)
class Vocabulary:
    """The names that a study's claims may use."""

    variants: tuple[str, ...]
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    curves: tuple[str, ...] = (LOSS,)
    published: tuple[str, ...] | None = None  # variants with published figures; None: any variant
    min_effects: Mapping[str, float] = field(default_factory=dict)  # by metric
    metric_facts: Metrics = field(default_factory=dict)


def check(test: Test, vocabulary: Vocabulary) -> None:
    """Check that every name is known and every comparison makes sense.

    Raises:
        ClaimError: the first mistake, with its place in the test's text.
    """
    match test:
        case Not():
            check(test.test, vocabulary)
        case Both():
            for part in test.parts:
                check(part, vocabulary)
        case Happens():
            _known(test.variant, vocabulary.variants, "variant", test.offset)
        case Rank():
            for quantity in quantities(test):
                _quantity(quantity, vocabulary, every=True)
        case Extreme():
            _extreme(test, vocabulary)
        case Inside():
            _measured(test.value, vocabulary)
            for end in (test.low, test.high):
                _same_unit(test.value, end, end.offset, "in", vocabulary.metric_facts)
        case Comparison():
            _comparison(test, vocabulary)


def better(name: str, metrics: Metrics) -> Literal[-1, 0, 1]:
    """Which direction is better: 1 higher, -1 lower, 0 where none is declared."""
    if name.partition("/")[0] in SMALLER_IS_BETTER:
        return -1
    return {"higher": 1, "lower": -1, "": 0}[metric_facts(name, metrics).better]  # type: ignore[return-value]


def unit_of(value: Value, metrics: Metrics) -> str | None:
    """The unit of a value; None for a bare number, which takes the unit of what it stands beside.

    Raises:
        ClaimError: unlike things are added.
    """
    match value:
        case Number():
            return value.unit or None
        case Quantity():
            return "ms" if value.name in TIMINGS else metric_facts(value.name, metrics).unit
        case Arithmetic():
            left, right = unit_of(value.left, metrics), unit_of(value.right, metrics)
            if value.operator in "+-":
                _same_unit(value.left, value.right, value.offset, value.operator, metrics)
                return left if left is not None else right
            left, right = left or "", right or ""
            if value.operator == "/":
                return left if not right else "" if left == right else f"{left}/{right}"
            return f"{left}·{right}" if left and right else left or right


def min_effect_of(values: Iterable[Value], min_effects: Mapping[str, float]) -> float | None:
    """The min_effect of the one metric that these values name; None for products and ratios."""
    found = list(values)
    if any(_has_product(value) for value in found):
        return None
    metrics = {quantity.name for value in found for quantity in quantities(value)}
    return min_effects.get(metrics.pop()) if len(metrics) == 1 else None


def sort_of(name: str, vocabulary: Vocabulary) -> Sort | None:
    """What a quantity is: a score, a cost, a timing or a curve; None where it is unknown."""
    kinds: tuple[tuple[Sort, tuple[str, ...]], ...] = (
        ("score", vocabulary.metrics),
        ("cost", COSTS),
        ("timing", TIMINGS),
        ("curve", (*vocabulary.curves, "epochs_to")),
    )
    return next((sort for sort, names in kinds if name in names), None)


def _comparison(test: Comparison, vocabulary: Vocabulary) -> None:
    _measured(test, vocabulary)
    _same_unit(test.left, test.right, test.offset, test.operator, vocabulary.metric_facts)
    if test.within and test.operator != "≈":
        raise ClaimError("within belongs to ≈ (or ~=)", test.within.offset)
    if test.operator == "=":
        for quantity in quantities(test):
            if not quantity.published and sort_of(quantity.name, vocabulary) != "cost":
                raise ClaimError(
                    f"= is for exact counts; {quantity.name} is measured: use ≈", quantity.offset
                )
    if test.operator != "≈":
        return
    if test.within is None:
        if min_effect_of((test.left, test.right), vocabulary.min_effects) is None:
            raise ClaimError(
                "≈ has no min_effect here: add within NUMBER, or within 5 %", test.offset
            )
    elif test.within.value <= 0:
        raise ClaimError(f"within {test.within}: a number above 0 is expected", test.within.offset)
    elif test.within.unit != "%":
        _same_unit(test.left, test.within, test.within.offset, "within", vocabulary.metric_facts)


def _extreme(test: Extreme, vocabulary: Vocabulary) -> None:
    _quantity(test.quantity, vocabulary)
    for other in test.others or ():
        _known(other, vocabulary.variants, "variant", test.offset)
        if other == test.quantity.variant:
            raise ClaimError(f"{other} is compared with itself", test.offset)
    if test.kind in ("best", "worst") and not better(test.quantity.name, vocabulary.metric_facts):
        raise ClaimError(
            f"{test.quantity.name} has no declared direction: write highest of or lowest of",
            test.offset,
        )


def _measured(test: Comparison | Value, vocabulary: Vocabulary) -> None:
    """Check that there is a quantity, that all are known, and that seeds do not meet rounds."""
    found = list(quantities(test))
    if not found:
        raise ClaimError("it compares two numbers; name a measured quantity", test.offset)
    sorts = {_quantity(q, vocabulary) for q in found if not q.published} - {"cost"}
    for quantity in found:
        if quantity.published:
            _quantity(quantity, vocabulary)
    if "timing" in sorts and len(sorts) > 1:
        raise ClaimError("scores are by seed and times by round: they do not pair", test.offset)


def _quantity(quantity: Quantity, vocabulary: Vocabulary, *, every: bool = False) -> Sort:
    name, at = quantity.name, quantity.offset
    sort = sort_of(name, vocabulary)
    if sort is None:
        known = (*vocabulary.metrics, *COSTS, *TIMINGS, *vocabulary.curves)
        raise _unknown(name, (*known, "epochs_to"), "quantity", at)
    if not every or quantity.variant != "*":
        if not quantity.published:
            _known(quantity.variant, vocabulary.variants, "variant", at)
        elif vocabulary.published is not None:
            _known(quantity.variant, vocabulary.published, "published variant", at)
    if quantity.dataset:
        if sort != "score":
            raise ClaimError(f"{name} takes a variant only, not a data set", at)
        if quantity.epochs or quantity.last is not None:
            raise ClaimError("curves are of the validation set: leave the data set out", at)
        if not quantity.published:
            _known(quantity.dataset, vocabulary.datasets, "data set", at)
    if sort in ("cost", "timing") and (quantity.epochs or quantity.last is not None):
        raise ClaimError(f"{name} has no epochs", at)
    if (name == "epochs_to") != (quantity.reaching is not None):
        if quantity.reaching:
            raise ClaimError(
                f"{name} has no setting {quantity.reaching[0]!r} (known: epoch, epochs, last)", at
            )
        raise ClaimError("epochs_to needs a level: epochs_to(variant, loss=0.03)", at)
    if quantity.reaching:
        _known(quantity.reaching[0], (*vocabulary.curves, *vocabulary.metrics), "curve", at)
        if not better(quantity.reaching[0], vocabulary.metric_facts):
            raise ClaimError(f"{quantity.reaching[0]} has no declared direction", at)
    return sort


def _same_unit(left: Value, right: Value, offset: int, sign: str, metrics: Metrics) -> None:
    one, two = unit_of(left, metrics), unit_of(right, metrics)
    if one is None or two is None or one == two:
        return
    raise ClaimError(f"{_named(left)} {sign} {_named(right)}: {one or 'a plain number'} beside "
                     f"{two or 'a plain number'}", offset)  # fmt: skip


def _named(value: Value) -> str:
    return f"({value})" if isinstance(value, Arithmetic) else str(value)


def _has_product(value: Value) -> bool:
    if not isinstance(value, Arithmetic):
        return False
    return value.operator in "*/" or _has_product(value.left) or _has_product(value.right)


def _known(name: str, names: tuple[str, ...], what: str, offset: int) -> None:
    if name not in names:
        raise _unknown(name, names, what, offset)


def _unknown(name: str, names: tuple[str, ...], what: str, offset: int) -> ClaimError:
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ClaimError(
        f"{what} {name!r} is unknown{hint} (known: {', '.join(sorted(names)) or 'none'})", offset
    )
