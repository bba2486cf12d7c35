"""Comparisons of a claim that restate a contrast of the study, however they are written.

`a > b`, `a - b > 0`, `0 < 2 * (a - b)` and `a / b > 1` are one statement: such a comparison takes
the study's verdict, which holds over all contrasts at once. Another border on the same difference
(`a - b > 0.1 dB`, `a - b in [0, 1]`) is tested by itself, corrected for as many comparisons as the
study has contrasts.
"""

from __future__ import annotations

from dataclasses import replace

from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_readings import OfStudy
from srbench.analysis.claims_tree import (
    Arithmetic,
    Comparison,
    Inside,
    Leaf,
    Number,
    Quantity,
    Value,
)

Terms = dict[Quantity | None, float]
"""A sum: what each quantity is multiplied with; None is the constant."""


def restated(test: Comparison, evidence: Evidence) -> OfStudy | None:
    """The contrast of the study that a comparison restates, in the order of its two sides."""
    terms = None if test.within or test.operator == "=" else _terms(test)
    return None if terms is None or terms.get(None) else _found(terms, evidence)


def corrected_for(test: Leaf, evidence: Evidence) -> int:
    """Comparisons that a test by itself is corrected for: all contrasts, if it is about one."""
    terms = _terms(test)
    return 1 if terms is None or _found(terms, evidence) is None else evidence.family


def _found(terms: Terms, evidence: Evidence) -> OfStudy | None:
    """The contrast that is a difference of two quantities, up to a factor above 0."""
    factors: dict[str, float] = {}
    for quantity, factor in terms.items():
        if quantity is not None:
            plain = Quantity(evidence.metric, quantity.variant)
            if quantity not in (plain, replace(plain, dataset=evidence.dataset)):
                return None
            factors[plain.variant] = factors.get(plain.variant, 0.0) + factor
    used = {name: factor for name, factor in factors.items() if factor}
    if len(used) != 2 or sum(used.values()) != 0:
        return None
    a, b = used if tuple(used) in evidence.contrasts else reversed(used)
    found = evidence.contrasts.get((a, b))
    return found.mirrored() if found and used[a] < 0 else found


def _terms(test: Leaf) -> Terms | None:
    """What a test compares, as a sum: the left side minus the right one, `a / b > 1` as a - b."""
    if isinstance(test, Inside):
        return _sum(test.value) or _quotient(test.value)
    if not isinstance(test, Comparison):
        return None
    for one, other, sign in ((test.left, test.right, 1.0), (test.right, test.left, -1.0)):
        terms = _quotient(one)
        if terms is not None and isinstance(other, Number) and not other.unit:
            return {quantity: sign * k for quantity, k in terms.items()} | {None: other.value - 1.0}
    return _sum(Arithmetic("-", test.left, test.right))


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
