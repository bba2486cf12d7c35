"""The names that a study's claims may use, and the check of each claim against them.

An unknown name, decibels added to counts, `=` between scores: each is refused when the study is
read, with its place in the text, before anything is trained.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from srbench.analysis.claims_tree import (
    Arithmetic,
    Both,
    ClaimError,
    Comparison,
    Extreme,
    Happens,
    Inside,
    Node,
    Not,
    Number,
    Quantity,
    Rank,
    Test,
    Value,
    children,
    quantities,
)
from srbench.analysis.metric_names import metric_facts
from srbench.core.errors import unknown
from srbench.core.part_facts import Metrics

COSTS = {
    "params": "parameters", "frozen_params": "frozen", "dead_params": "dead", "macs": "macs_720p",
    "macs_256": "macs_256", "activations": "activations", "receptive_field": "receptive_field",
    "memory_mb": "peak_memory_mb",
}  # fmt: skip
"""Costs by their name in claims, and their columns."""
TIMINGS = ("latency", "step_time")
LOSS = "loss"
EPOCHS_TO = "epochs_to"


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

    @property
    def quantities(self) -> Mapping[str, str]:
        """Quantities by name: which are a score, a cost, a timing or a curve."""
        kinds = {"score": self.metrics, "cost": COSTS, "timing": TIMINGS,
                 "curve": (*self.curves, EPOCHS_TO)}  # fmt: skip
        return {name: kind for kind in reversed(kinds) for name in kinds[kind]}


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
            every = replace(vocabulary, variants=("*",), published=None)
            for quantity in quantities(test):
                _quantity(quantity, every)
        case Extreme():
            _extreme(test, vocabulary)
        case Inside():
            _measured(test, vocabulary)
            for end in (test.low, test.high):
                _same_unit(test.value, end, end.offset, "in", vocabulary.metric_facts)
        case Comparison():
            _measured(test, vocabulary)
            _comparison(test, vocabulary)


def better(name: str, metrics: Metrics) -> int:
    """Which direction is better: 1 higher, -1 lower, 0 where none is declared."""
    if name.partition("/")[0] in (LOSS, EPOCHS_TO, *COSTS, *TIMINGS):
        return -1
    return {"higher": 1, "lower": -1, "": 0}[metric_facts(name, metrics).better]


def unit_of(value: Value, metrics: Metrics) -> str | None:
    """The unit of a value; None for a bare number, which takes the other side's unit.

    Raises:
        ClaimError: unlike things are added.
    """
    if isinstance(value, Number):
        return value.unit or None
    if isinstance(value, Quantity):
        return "ms" if value.name in TIMINGS else metric_facts(value.name, metrics).unit
    left, right = unit_of(value.left, metrics), unit_of(value.right, metrics)
    if value.operator in "+-":
        _same_unit(value.left, value.right, value.offset, value.operator, metrics)
        return left if left is not None else right
    left, right = left or "", right or ""
    if value.operator == "*":
        return f"{left}·{right}" if left and right else left or right
    return left if not right else "" if left == right else f"{left}/{right}"


def min_effect_of(node: Node, min_effects: Mapping[str, float]) -> float | None:
    """The min_effect of the one metric that is named here; None for products and ratios."""
    if _has_product(node):
        return None
    metrics = {quantity.name for quantity in quantities(node)}
    return min_effects.get(metrics.pop()) if len(metrics) == 1 else None


def _has_product(node: Node) -> bool:
    product = isinstance(node, Arithmetic) and node.operator in "*/"
    return product or any(map(_has_product, children(node)))


def _comparison(test: Comparison, vocabulary: Vocabulary) -> None:
    within, metrics = test.within, vocabulary.metric_facts
    _same_unit(test.left, test.right, test.offset, test.operator, metrics)
    if test.operator == "=":
        kinds = vocabulary.quantities
        for quantity in quantities(test):
            if not quantity.published and kinds[quantity.name] != "cost":
                problem = f"= is for exact counts; {quantity.name} is measured: use ≈"
                raise ClaimError(problem, quantity.offset)
    if within is None:
        if test.operator == "≈" and min_effect_of(test, vocabulary.min_effects) is None:
            problem = "≈ has no min_effect here: add within NUMBER, or within 5 %"
            raise ClaimError(problem, test.offset)
    elif test.operator != "≈":
        raise ClaimError("within belongs to ≈ (or ~=)", within.offset)
    elif within.value <= 0:
        raise ClaimError(f"within {within}: a number above 0 is expected", within.offset)
    elif within.unit != "%":
        _same_unit(test.left, within, within.offset, "within", metrics)


def _extreme(test: Extreme, vocabulary: Vocabulary) -> None:
    name, variant = test.quantity.name, test.quantity.variant
    _quantity(test.quantity, vocabulary)
    for other in test.others or ():
        _known(other.variant, vocabulary.variants, "variant", test.offset)
        if other.variant == variant:
            raise ClaimError(f"{variant} is compared with itself", test.offset)
    if test.kind in ("best", "worst") and not better(name, vocabulary.metric_facts):
        problem = f"{name} has no declared direction: write highest of or lowest of"
        raise ClaimError(problem, test.offset)


def _measured(test: Comparison | Inside, vocabulary: Vocabulary) -> None:
    """Check that there is a quantity, that all are known, and that seeds do not meet rounds."""
    found = list(quantities(test))
    if not found:
        raise ClaimError("it compares two numbers; name a measured quantity", test.offset)
    for quantity in found:
        _quantity(quantity, vocabulary)
    kinds = {vocabulary.quantities[q.name] for q in found if not q.published} - {"cost"}
    if "timing" in kinds and len(kinds) > 1:
        raise ClaimError("scores are by seed and times by round: they do not pair", test.offset)


def _quantity(quantity: Quantity, vocabulary: Vocabulary) -> None:
    name, at, kinds = quantity.name, quantity.offset, vocabulary.quantities
    window = quantity.epochs or quantity.last is not None
    _known(name, kinds, "quantity", at)
    if not quantity.published:
        _known(quantity.variant, vocabulary.variants, "variant", at)
    elif vocabulary.published is not None:
        _known(quantity.variant, vocabulary.published, "published variant", at)
    if quantity.dataset:
        if kinds[name] != "score":
            raise ClaimError(f"{name} takes a variant only, not a data set", at)
        if window:
            raise ClaimError("curves are of the validation set: leave the data set out", at)
        if not quantity.published:
            _known(quantity.dataset, vocabulary.datasets, "data set", at)
    if window and kinds[name] in ("cost", "timing"):
        raise ClaimError(f"{name} has no epochs", at)
    if quantity.reaching:
        curve, _ = quantity.reaching
        if name != EPOCHS_TO:
            problem = f"{name} has no setting {curve!r} (known: epoch, epochs, last)"
            raise ClaimError(problem, at)
        _known(curve, (*vocabulary.curves, *vocabulary.metrics), "curve", at)
        if not better(curve, vocabulary.metric_facts):
            raise ClaimError(f"{curve} has no declared direction", at)
    elif name == EPOCHS_TO:
        raise ClaimError("epochs_to needs a level: epochs_to(variant, loss=0.03)", at)


def _same_unit(left: Value, right: Value, offset: int, sign: str, metrics: Metrics) -> None:
    one, two = unit_of(left, metrics), unit_of(right, metrics)
    if one is not None and two is not None and one != two:
        sides = (f"({x})" if isinstance(x, Arithmetic) else str(x) for x in (left, right))
        units = f"{one or 'a plain number'} beside {two or 'a plain number'}"
        raise ClaimError(f"{f' {sign} '.join(sides)}: {units}", offset)


def _known(name: str, names: Collection[str], what: str, offset: int) -> None:
    if name not in names:
        raise ClaimError(unknown(what, name, sorted(names)), offset)
