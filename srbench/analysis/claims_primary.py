"""Comparisons of a claim that restate a contrast of the study, however they are written.

`a > b`, `a - b > 0`, `0 < 2 * (a - b)` and `a / b > 1` are one statement: such a comparison takes
the study's verdict, which holds over all contrasts at once. Another border on the same difference
(`a - b > 0.1 dB`, `a - b in [0, 1]`) is tested by itself, corrected for as many comparisons as the
study has contrasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from srbench.analysis.claims_tree import (
    Arithmetic,
    Comparison,
    Inside,
    Leaf,
    Number,
    Quantity,
    Value,
)
from srbench.analysis.verdicts import Word

Terms = dict[Quantity | None, float]
"""A sum: what each quantity is multiplied with; None is the constant."""


@dataclass(frozen=True)
class Contrast:
    """A contrast that the study has judged: variant minus the other, in the metric's unit."""

    variant: str
    against: str
    word: Word | str  # a verdict, or "identical"
    mean: float
    low: float  # of the simultaneous interval
    high: float
    seeds: int  # of the variant

    def mirrored(self) -> Contrast:
        """The other minus the variant; helps and hurts are of the metric's direction."""
        other = {"helps": "hurts", "hurts": "helps"}.get(self.word, self.word)
        names = self.against, self.variant
        return Contrast(*names, other, -self.mean, -self.high, -self.low, self.seeds)


@dataclass(frozen=True)
class Primary:
    """The contrasts of a study, by (variant, other), and how many it decides together."""

    metric: str = ""
    dataset: str = ""
    contrasts: Mapping[tuple[str, str], Contrast] | None = None
    family: int = 1

    def restated(self, test: Leaf) -> Contrast | None:
        """The contrast that a comparison restates, in the order of its two sides."""
        if not isinstance(test, Comparison) or test.within or test.operator == "=":
            return None
        terms = _ratio(test) or _difference(test)
        if terms is None or terms.get(None, 0.0):
            return None
        found = self._found(terms)
        if found is None:
            return None
        contrast, factor = found
        return contrast if factor > 0 else contrast.mirrored()

    def corrected_for(self, test: Leaf) -> int:
        """Comparisons that a test by itself is corrected for: all contrasts, if it is about one."""
        terms: Terms | None = None
        if isinstance(test, Comparison):
            terms = _ratio(test) or _difference(test)
        elif isinstance(test, Inside):
            terms = _sum(test.value) or _quotient(test.value)
        return 1 if terms is None or self._found(terms) is None else max(self.family, 1)

    def _found(self, terms: Terms) -> tuple[Contrast, float] | None:
        """The contrast of a difference of two quantities, and the factor of its first one."""
        by_name: dict[str, float] = {}
        for quantity, factor in terms.items():
            if quantity is not None:
                plain = Quantity(self.metric, quantity.variant)
                if quantity not in (plain, replace(plain, dataset=self.dataset)):
                    return None
                by_name[quantity.variant] = by_name.get(quantity.variant, 0.0) + factor
        left = {name: factor for name, factor in by_name.items() if factor}
        if len(left) != 2 or sum(left.values()) != 0:
            return None
        a, b = left
        known = self.contrasts or {}
        if (a, b) in known:
            return known[a, b], left[a]
        return (known[b, a], left[b]) if (b, a) in known else None


def _difference(test: Comparison) -> Terms | None:
    """The left side minus the right one."""
    return _sum(Arithmetic("-", test.left, test.right))


def _ratio(test: Comparison) -> Terms | None:
    """`a / b > 1` as a - b; None for all else."""
    for one, other, sign in ((test.left, test.right, 1.0), (test.right, test.left, -1.0)):
        terms = _quotient(one)
        if terms is not None and isinstance(other, Number) and not other.unit:
            return {quantity: sign * k for quantity, k in terms.items()} | {None: other.value - 1.0}
    return None


def _quotient(value: Value) -> Terms | None:
    if isinstance(value, Arithmetic) and value.operator == "/":
        a, b = value.left, value.right
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            return {a: 1.0, b: -1.0}
    return None


def _sum(value: Value) -> Terms | None:
    """The value as a sum; None where it is none."""
    match value:
        case Number():
            return {None: value.value}
        case Quantity():
            return {value: 1.0}
    left, right = _sum(value.left), _sum(value.right)
    if left is None or right is None:
        return None
    if value.operator in "+-":
        sign = 1.0 if value.operator == "+" else -1.0
        keys = dict.fromkeys((*left, *right))
        return {key: left.get(key, 0.0) + sign * right.get(key, 0.0) for key in keys}
    constant, other = (left, right) if set(left) <= {None} else (right, left)
    if not set(constant) <= {None} or (value.operator == "/" and constant is left):
        return None
    factor = constant.get(None, 0.0)
    if value.operator == "/":
        if not factor:
            return None
        factor = 1 / factor
    return {key: factor * k for key, k in other.items()}
