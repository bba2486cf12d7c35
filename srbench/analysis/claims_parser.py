"""A claim's test, from text to tree: recursive descent with positions, no eval.

The language is described in `srbench.analysis.claims`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

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
)

EVENTS = ("diverges", "collapses", "converges")
EXTREMES = ("best", "worst", "highest", "lowest")
UNITS = {"dB": 1.0, "ms": 1.0, "%": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}  # k M G leave no unit
_RELATIONS = {"≈": "≈", "~=": "≈", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">=", "==": "=",
              "<": "<", ">": ">", "=": "="}  # fmt: skip
_NUMBER = re.compile(r"\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z]\w*(?:/\w+(?:=[\w.+-]+)?)*")  # psnr_y/x2, diversity/noise=5
_NAME = re.compile(r"[^\s,()=<>'\"]+")  # inside a quantity: variants such as se+atrous, 1e-3
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_DEEP = 40


def parse(text: str) -> Test:
    """Read a test.

    Raises:
        ClaimError: what was expected, what was found, and where.
    """
    return _Parser(text).whole()


class _Parser:
    """Recursive descent, one method a rule; `at` is where reading stands."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def whole(self) -> Test:
        found = self.test(self.either())
        self.space()
        if self.at < len(self.text):
            raise self.expected("the end, and, or")
        return found

    # tests

    def either(self) -> Test | Value:
        return self.joined("or", lambda: self.joined("and", self.negated))

    def joined(self, word: str, inner: Callable[[], Test | Value]) -> Test | Value:
        start = self.mark()
        first = inner()
        if not self.peek(word):
            return first
        parts = [self.test(first)]
        while self.word(word):
            parts.append(self.test(inner()))
        return Both(word, tuple(parts), offset=start)

    def negated(self) -> Test | Value:
        start = self.mark()
        if self.word("not"):
            with self.nested():
                return Not(self.test(self.negated()), offset=start)
        return self.comparison()

    def comparison(self) -> Test | Value:
        start = self.mark()
        if self.peek("rank"):
            return self.rank()
        left = self.total()
        if not isinstance(left, Value):
            return left
        if self.word("in"):
            return self.inside(left, start)
        self.word("is")
        for kind in EXTREMES:
            if self.word(kind):
                return self.extreme(kind, left, start)
        steps: list[Test] = []
        while (operator := self.relation()) is not None:
            right = self.value(self.total())
            within = self.number() if self.word("within") else None
            steps.append(Comparison(operator, left, right, within, offset=start))
            left = right
        if not steps:
            return left
        return steps[0] if len(steps) == 1 else Both("and", tuple(steps), offset=start)

    def inside(self, value: Value, start: int) -> Inside:
        self.need("[")
        low = self.number()
        self.need(",")
        high = self.number()
        self.need("]")
        if low.value > high.value:
            raise ClaimError(f"[{low}, {high}] is empty: the lower end comes first", low.offset)
        return Inside(value, low, high, offset=start)

    def extreme(self, kind: str, left: Value, start: int) -> Extreme:
        if not isinstance(left, Quantity) or left.published:
            raise ClaimError(f"before {kind!r} stands one measured quantity of a variant", start)
        if not self.word("of"):
            raise self.expected("of")
        if self.sign("*"):
            return Extreme(kind, left, None, offset=start)
        self.need("(")
        names = [self.name()]
        while self.sign(","):
            names.append(self.name())
        self.need(")")
        return Extreme(kind, left, tuple(names), offset=start)

    def rank(self) -> Rank:
        start = self.mark()
        self.word("rank")
        quantity = self.every() if self.word("of") else None
        if not self.word("agrees"):
            raise self.expected("agrees")
        if self.relation() != ">=":
            raise self.expected(">= and a correlation from -1 to 1")
        least = self.number()
        if least.unit or not -1 <= least.value <= 1:
            raise ClaimError(f"{least} is not a correlation from -1 to 1", least.offset)
        if not self.word("with"):
            raise self.expected("with")
        bare = self.peek("published") and not re.match(r"\s*published\s*\(", self.text[self.at :])
        if bare:
            self.word("published")
        return Rank(quantity, least.value, None if bare else self.every(), offset=start)

    def every(self) -> Quantity:
        start = self.mark()
        found = self.primary()
        if not isinstance(found, Quantity) or found.variant != "*":
            raise ClaimError("a rank is taken over all variants: write loss(*, epoch=300)", start)
        return found

    # values

    def total(self) -> Test | Value:
        return self.chain("+-", lambda: self.chain("*/", self.primary))

    def chain(self, signs: str, inner: Callable[[], Test | Value]) -> Test | Value:
        start = self.mark()
        found = inner()
        while (sign := next((s for s in signs if self.sign(s)), None)) is not None:
            found = Arithmetic(sign, self.value(found), self.value(inner()), offset=start)
        return found

    def primary(self) -> Test | Value:
        start = self.mark()
        if self.sign("("):
            with self.nested():
                found = self.either()
                self.need(")")
            return found
        if self.text[self.at : self.at + 1] in set("0123456789.-+"):
            return self.number()
        found_name = _WORD.match(self.text, self.at)
        if not found_name:
            raise self.expected("a quantity such as psnr_y(variant), or a number")
        name, self.at = found_name.group(), found_name.end()
        if not self.sign("("):
            raise self.expected(f"( after {name}")
        with self.nested():
            if name == "ratio":
                left = self.value(self.total())
                self.need(",")
                found = Arithmetic("/", left, self.value(self.total()), offset=start)
            elif name == "published":
                inner = self.primary()
                if not isinstance(inner, Quantity) or inner.published:
                    raise ClaimError("published(...) holds one quantity, psnr_y(variant)", start)
                found = replace(inner, published=True, offset=start)
            elif name in EVENTS:
                found = Happens(name, self.name(), offset=start)
            else:
                return self.quantity(name, start)
        self.need(")")
        return found

    def quantity(self, name: str, start: int) -> Quantity:
        found = Quantity(name, self.name(), offset=start)
        while self.sign(","):
            at = self.mark()
            word = self.name()
            if not self.sign("="):
                if found.dataset:
                    raise ClaimError(f"{name} takes a variant and a data set", at)
                found = replace(found, dataset=word)
            elif word in ("epoch", "epochs", "last"):
                if found.epochs or found.last is not None:
                    raise ClaimError("epoch, epochs or last: one of them", at)
                found = self.window(found, word)
            else:
                level = self.number()
                found = replace(found, reaching=(word, level.value))
        self.need(")")
        return found

    def window(self, found: Quantity, word: str) -> Quantity:
        at = self.mark()
        text = self.name()
        pattern = r"(\d{1,9})\.\.(\d{1,9})" if word == "epochs" else r"(\d{1,9})"
        figures = re.fullmatch(pattern, text)
        if not figures:
            example = {"epochs": "epochs=276..300", "epoch": "epoch=300", "last": "last=25"}[word]
            raise ClaimError(f"{text!r} is not a whole number; write {example}", at)
        ends = tuple(map(int, figures.groups()))
        if word == "last":
            if ends[0] < 1:
                raise ClaimError("last=0 is no epoch at all", at)
            return replace(found, last=ends[0])
        if ends[0] > ends[-1]:
            raise ClaimError(f"{text} is empty: the first epoch comes first", at)
        return replace(found, epochs=(ends[0], ends[-1]))

    # words, signs and figures

    def number(self) -> Number:
        start = self.mark()
        sign = -1.0 if self.sign("-") else 1.0
        if sign > 0:
            self.sign("+")
        self.space()
        figures = _NUMBER.match(self.text, self.at)
        if not figures:
            raise self.expected("a number")
        self.at = figures.end()
        value, unit = sign * float(figures.group().replace("_", "")), ""
        self.space()
        named = re.compile(r"[A-Za-z%µ]\w*").match(self.text, self.at)
        if named and named.group() in UNITS:
            self.at = named.end()
            value *= UNITS[named.group()]
            unit = "" if UNITS[named.group()] > 1 else named.group()
        elif named and figures.end() == named.start():
            raise ClaimError(
                f"unit {named.group()!r} is unknown (known: {', '.join(UNITS)})", named.start()
            )
        return Number(value, unit, offset=start)

    def name(self) -> str:
        self.space()
        found = _QUOTED.match(self.text, self.at)
        if found:
            self.at = found.end()
            return found.group(1) or found.group(2) or ""
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self.expected("a name")
        self.at = found.end()
        return found.group()

    def relation(self) -> str | None:
        return next((value for key, value in _RELATIONS.items() if self.sign(key)), None)

    def word(self, word: str) -> bool:
        found = self.peek(word)
        if found:
            self.at += len(word)
        return found

    def peek(self, word: str) -> bool:
        self.space()
        return re.match(rf"{word}\b", self.text[self.at : self.at + len(word) + 1]) is not None

    def sign(self, sign: str) -> bool:
        self.space()
        found = self.text.startswith(sign, self.at)
        if found:
            self.at += len(sign)
        return found

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.expected(sign)

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def mark(self) -> int:
        self.space()
        return self.at

    def test(self, found: Test | Value) -> Test:
        if isinstance(found, Value):
            raise ClaimError(f"{found} is a value; say < > ≈ = or in [..] of it", found.offset)
        return found

    def value(self, found: Test | Value) -> Value:
        if not isinstance(found, Value):
            raise ClaimError(f"({found}) is a test, where a value is needed", found.offset)
        return found

    def nested(self) -> _Nested:
        return _Nested(self)

    def expected(self, what: str) -> ClaimError:
        self.space()
        rest = self.text[self.at :].split()
        if rest:
            return ClaimError(f"expected {what}, found {rest[0]!r}", self.at)
        hint = ""
        if self.text.count("(") + self.text.count("[") > self.text.count(")") + self.text.count(
            "]"
        ):
            hint = "; inside { } a test with a comma needs quotes"
        return ClaimError(f"expected {what}, and the text ends{hint}", self.at)


class _Nested:
    """Counts brackets, so that a hostile line ends in an error and not in a full stack."""

    def __init__(self, parser: _Parser) -> None:
        self.parser = parser

    def __enter__(self) -> None:
        self.parser.depth += 1
        if self.parser.depth > _DEEP:
            raise ClaimError(f"nested more than {_DEEP} deep", self.parser.at)

    def __exit__(self, *_: object) -> None:
        self.parser.depth -= 1
