"""A claim's test, from text to tree: the rules of `claims.lark`, each turned into a node.

The grammar file describes the language. Importing this module imports lark (0.1 s), so callers
import it where they parse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.parsers.lalr_interactive_parser import InteractiveParser

from srbench.analysis import claims_tree as tree
from srbench.analysis.claims_tree import ClaimError, Comparison, Number, Quantity, Test, Value
from srbench.core.numbers import UNITS

MOST_DEEP = 100  # levels of a tree; the functions on trees recurse
_SPELLINGS = {"~=": "≈", "≤": "<=", "≥": ">=", "==": "="}
_TERMINALS = {  # in the order in which a message lists what is allowed
    "WORD": "a quantity such as psnr_y(variant)", "FIGURES": "a number", "NAME": "a name",
    "WHOLE": "a whole number", "UNIT": f"a unit ({', '.join(UNITS)})", "RELATION": "< <= = ≈ >",
    "AT_LEAST": ">=", "SUM": "+ -", "PRODUCT": "* /", "$END": "the end",
    "CURVE": "curve=LEVEL", "QUOTED": "",
}  # fmt: skip


def parse(text: str) -> Test:
    """Read a test.

    Raises:
        ClaimError: what was expected, what was found, and where.
    """
    parser = _grammar().parse_interactive(text)
    try:
        parser.exhaust_lexer()
        found: Test = parser.feed_eof()
    except UnexpectedInput as problem:
        ended = isinstance(problem, UnexpectedToken) and problem.token.type == "$END"
        at = len(text) if ended else problem.pos_in_stream or 0
        raise ClaimError(_expected(parser, text, at), at) from None
    nodes: list[tree.Node] = [found]
    for _ in range(MOST_DEEP):
        nodes = [child for node in nodes for child in tree.children(node)]
    if nodes:
        raise ClaimError(f"nested more than {MOST_DEEP} deep", nodes[0].offset)
    return found


@cache
def _grammar() -> Lark:
    return Lark.open("claims.lark", rel_to=__file__, parser="lalr", transformer=_Nodes())


def _expected(parser: InteractiveParser, text: str, at: int) -> str:
    accepted = parser.accepts()
    terminals = [t for t in _TERMINALS if t in accepted] + sorted(accepted - _TERMINALS.keys())
    expected = f"expected {', '.join(filter(None, map(_spelt, terminals)))}"
    found = re.match(r"\w+|\S", text[at:])
    if found:
        return f"{expected}, found {found.group()!r}"
    unclosed = sum(map(text.count, "([")) > sum(map(text.count, ")]"))
    hint = "; inside { } a test with a comma needs quotes" if unclosed else ""
    return f"{expected}, and the text ends{hint}"


def _spelt(terminal: str) -> str:
    """A terminal as it is written, or in words."""
    if terminal in _TERMINALS:
        return _TERMINALS[terminal]
    pattern = _grammar().get_terminal(terminal).pattern
    if pattern.type == "str":
        return pattern.value
    return re.sub(r"\(\?=.*|\\b$|[()]", "", pattern.value).replace("|", ", ")


def _place(token: Token) -> int:
    return token.start_pos or 0


@v_args(inline=True)
class _Nodes(Transformer[Token, Test]):
    """One method a rule: its children in, its node out."""

    def either(self, *parts: Test) -> Test:
        return tree.Both("or", parts, offset=parts[0].offset)

    def both(self, *parts: Test) -> Test:
        return tree.Both("and", parts, offset=parts[0].offset)

    def negated(self, word: Token, test: Test) -> Test:
        return tree.Not(test, offset=_place(word))

    def step(self, sign: Token, right: Value, within: Number | None) -> Comparison:
        """One relation of a chain; its left side is filled in by `comparison`."""
        return Comparison(_SPELLINGS.get(sign, str(sign)), right, right, within)

    def comparison(self, left: Value, *steps: Comparison) -> Test:
        lefts = (left, *(step.right for step in steps[:-1]))
        chain = tuple(
            replace(step, left=one, offset=left.offset)
            for one, step in zip(lefts, steps, strict=True)
        )
        return self.both(*chain) if len(chain) > 1 else chain[0]

    def inside(self, value: Value, low: Number, high: Number) -> Test:
        if low.value > high.value:
            raise ClaimError(f"[{low}, {high}] is empty: the lower end comes first", low.offset)
        return tree.Inside(value, low, high, offset=value.offset)

    def extreme(self, quantity: Quantity, kind: Token, *names: str) -> Test:
        others = tuple(replace(quantity, variant=name) for name in names)
        return tree.Extreme(str(kind), quantity, others or None, offset=quantity.offset)

    def rank(self, word: Token, quantity: Quantity | None, _: Token, least: Number,
             other: Quantity | Token) -> Test:  # fmt: skip
        if least.unit or not -1 <= least.value <= 1:
            raise ClaimError(f"{least} is not a correlation from -1 to 1", least.offset)
        theirs = other if isinstance(other, Quantity) else None
        for one in (quantity, theirs):
            if one and one.variant != "*":
                problem = "a rank is taken over all variants: write loss(*, epoch=300)"
                raise ClaimError(problem, one.offset)
        return tree.Rank(quantity, least.value, theirs, offset=_place(word))

    def happens(self, event: Token, variant: str) -> Test:
        return tree.Happens(str(event), variant, offset=_place(event))

    def arithmetic(self, left: Value, sign: Token, right: Value) -> Value:
        return tree.Arithmetic(str(sign), left, right, offset=left.offset)

    def ratio(self, left: Value, right: Value) -> Value:
        return tree.Arithmetic("/", left, right, offset=left.offset)

    def quantity(self, name: Token, variant: str, dataset: str | None,
                 window: Mapping[str, Any] | None) -> Quantity:  # fmt: skip
        place = _place(name)
        return Quantity(str(name), variant, dataset or "", offset=place, **(window or {}))

    def epochs(self, first: Token, final: Token | None = None) -> Mapping[str, Any]:
        ends = int(first), int(final or first)
        if ends[0] > ends[1]:
            problem = f"{first}..{final} is empty: the first epoch comes first"
            raise ClaimError(problem, _place(first))
        return {"epochs": ends}

    def last(self, count: Token) -> Mapping[str, Any]:
        if int(count) < 1:
            raise ClaimError("last=0 is no epoch at all", _place(count))
        return {"last": int(count)}

    def level(self, curve: Token, level: Number) -> Mapping[str, Any]:
        return {"reaching": (str(curve), level.value)}

    def published(self, word: Token, quantity: Quantity) -> Quantity:
        return replace(quantity, published=True, offset=_place(word))

    def number(self, sign: Token | None, figures: Token, unit: Token | None) -> Number:
        factor = UNITS.get(unit or "", 1.0)
        value = float(figures.replace("_", "")) * factor * (-1.0 if sign == "-" else 1.0)
        named = str(unit) if unit and factor == 1 else ""
        return Number(value, named, offset=_place(sign or figures))

    def name(self, name: Token) -> str:
        return str(name)[1:-1] if name.type == "QUOTED" else str(name)
