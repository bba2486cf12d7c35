"""A claim's test as a tree of frozen nodes; `claims.lark` describes the language.

Nodes know their place in the text. Values and comparisons print as they would be written, so that
`parse(str(comparison)) == comparison`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


class ClaimError(ValueError):
    """A test with a mistake; `offset` counts characters from the start of its text."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(f"{problem} (character {offset + 1})")
        self.problem, self.offset = problem, offset


@dataclass(frozen=True)
class Node:
    """A part of a test, and its place."""

    offset: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True)
class Number(Node):
    """A number; `unit` is "dB", "ms", "%" or empty (1.2k and 3 M are plain numbers)."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{_short(self.value)} {self.unit}".strip()


@dataclass(frozen=True)
class Quantity(Node):
    """A measured or published quantity of one variant: `loss(full_v2_se, epoch=300)`."""

    name: str
    variant: str  # "*" in `rank` only: every variant
    dataset: str = ""  # empty: the study's primary set
    epochs: tuple[int, int] | None = None  # the mean over these epochs, ends included
    last: int | None = None  # the mean over the last epochs
    reaching: tuple[str, float] | None = None  # epochs_to: curve and level
    published: bool = False

    def __str__(self) -> str:
        words = [_quoted(self.variant)] + ([_quoted(self.dataset)] if self.dataset else [])
        if self.epochs:
            first, final = self.epochs
            words.append(f"epoch={first}" if first == final else f"epochs={first}..{final}")
        if self.last is not None:
            words.append(f"last={self.last}")
        if self.reaching:
            words.append(f"{self.reaching[0]}={_short(self.reaching[1])}")
        text = f"{self.name}({', '.join(words)})"
        return f"published({text})" if self.published else text


@dataclass(frozen=True)
class Arithmetic(Node):
    """Two values joined by + - * or /."""

    operator: str
    left: Value
    right: Value

    def __str__(self) -> str:
        left, right = str(self.left), str(self.right)
        high = self.operator in "*/"
        if high and _is_sum(self.left):
            left = f"({left})"
        if isinstance(self.right, Arithmetic) and (high or _is_sum(self.right)):
            right = f"({right})"
        return f"{left} {self.operator} {right}"


@dataclass(frozen=True)
class Comparison(Node):
    """`left < right`; `within` where the test names it."""

    operator: str  # < > <= >= = ≈
    left: Value
    right: Value
    within: Number | None = None

    def __str__(self) -> str:
        text = f"{self.left} {self.operator} {self.right}"
        return f"{text} within {self.within}" if self.within else text


@dataclass(frozen=True)
class Inside(Node):
    """`value in [low, high]`, ends included."""

    value: Value
    low: Number
    high: Number

    def __str__(self) -> str:
        return f"{self.value} in [{self.low}, {self.high}]"


@dataclass(frozen=True)
class Rank(Node):
    """`rank of A agrees >= rho with B`, over all variants that have both."""

    quantity: Quantity | None  # None: the study's primary outcome
    at_least: float
    other: Quantity | None  # None: the published figures of the same quantity

    def __str__(self) -> str:
        of = f" of {self.quantity}" if self.quantity else ""
        return f"rank{of} agrees >= {_short(self.at_least)} with {self.other or 'published'}"


@dataclass(frozen=True)
class Happens(Node):
    """An event of a training: `diverges(lr_1e_2)`."""

    event: str
    variant: str

    def __str__(self) -> str:
        return f"{self.event}({_quoted(self.variant)})"


@dataclass(frozen=True)
class Extreme(Node):
    """`quantity best of (a, b)`: a comparison with the quantity of each of the others."""

    kind: str  # best, worst, highest, lowest
    quantity: Quantity
    others: tuple[Quantity, ...] | None  # None: every variant


@dataclass(frozen=True)
class Not(Node):
    """Supported if the inner test is refuted."""

    test: Test


@dataclass(frozen=True)
class Both(Node):
    """All parts hold (`and`), or one does (`or`)."""

    word: str  # and, or
    parts: tuple[Test, ...]


Value: TypeAlias = Number | Quantity | Arithmetic
Leaf: TypeAlias = Comparison | Inside | Rank | Happens
Test: TypeAlias = Leaf | Extreme | Not | Both


@dataclass(frozen=True)
class Claim:
    """A statement of a study file, and its test."""

    id: str
    says: str
    test: Test
    text: str  # the test as written


def children(node: Node) -> list[Node]:
    """The nodes directly below a node, from left to right."""
    fields = [x if isinstance(x, tuple) else (x,) for x in vars(node).values()]
    return [part for parts in fields for part in parts if isinstance(part, Node)]


def names(node: Node) -> Iterator[Quantity | Happens]:
    """The quantities and events of a test, all that names a variant, from left to right."""
    if isinstance(node, Quantity | Happens):
        yield node
    for child in children(node):
        yield from names(child)


def quantities(node: Node) -> Iterator[Quantity]:
    """The quantities of a test, from left to right."""
    return (found for found in names(node) if isinstance(found, Quantity))


def _is_sum(value: Value) -> bool:
    return isinstance(value, Arithmetic) and value.operator in "+-"


def _quoted(name: str) -> str:
    """A name as a test writes it: in quotes where it holds spaces or brackets."""
    bare = re.fullmatch(r"[^\s,()=<>'\"]+", name)
    return name if bare else f'"{name}"' if '"' not in name else f"'{name}'"


def _short(value: float) -> str:
    """A number as a test writes it: whole numbers without a point."""
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
