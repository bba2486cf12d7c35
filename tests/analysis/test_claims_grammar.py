"""The language of claims: what parses, what is refused, and the place of a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_metrics import METRICS

from srbench.analysis import claims_parser
from srbench.analysis.claims_parser import parse
from srbench.analysis.claims_tree import (
    Arithmetic,
    ClaimError,
    Comparison,
    Happens,
    Inside,
    Leaf,
    Number,
    Quantity,
    Rank,
)
from srbench.analysis.claims_vocabulary import Vocabulary, check

GRAMMAR = Path(claims_parser.__file__).with_name("claims.lark")
STUDY = Vocabulary(
    variants=("full", "atrous", "se+atrous", "lr 1e-3"),
    metrics=("psnr_y", "ssim_y", "hue"),
    datasets=("photos", "urban 100"),
    curves=("loss",),
    published=("full", "atrous"),
    min_effects={"psnr_y": 0.03},
    metric_facts=METRICS,
)

NAMES = st.sampled_from(["full", "se+atrous", "lr 1e-3", "12-channels", "and", "a(b)", "x=1"])
QUANTITIES = st.builds(
    Quantity,
    st.sampled_from(["psnr_y", "loss", "validate/ssim_y"]),
    NAMES,
    dataset=st.sampled_from(["", "urban 100"]),
    epochs=st.sampled_from([None, (3, 3), (276, 300)]),
    published=st.booleans(),
)
NUMBERS = st.builds(
    Number,
    st.floats(-1e9, 1e9) | st.integers(-(10**6), 10**6).map(float),
    st.sampled_from(["", "dB", "ms", "%"]),
)
VALUES = st.recursive(
    NUMBERS | QUANTITIES,
    lambda inner: st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
    max_leaves=5,
)
SIGNS = st.sampled_from(["<", ">", "<=", ">=", "=", "≈"])
PLAIN = st.builds(Number, st.floats(-1, 1))
EVERY = st.builds(Quantity, st.just("loss"), st.just("*"), last=st.just(25))
LEAVES = (
    st.builds(Comparison, SIGNS, VALUES, VALUES, st.none() | PLAIN)
    | st.builds(lambda v, a, b: Inside(v, *sorted((a, b), key=lambda n: n.value)),
                VALUES, PLAIN, PLAIN)
    | st.builds(Rank, st.none() | EVERY, st.floats(-1, 1), st.none() | EVERY)
    | st.builds(Happens, st.sampled_from(["diverges", "collapses"]), NAMES)
)  # fmt: skip


@given(LEAVES)
def test_a_printed_comparison_parses_to_itself(test: Leaf) -> None:
    assert parse(str(test)) == test


@given(
    st.text(alphabet="ab_y(),.<>≈=~ []0123+-*/'\"published notandor of best*rank\n", max_size=60)
)
def test_any_text_parses_or_has_a_mistake_with_a_place(text: str) -> None:
    offset = 0
    try:
        parse(text)
    except ClaimError as problem:
        offset = problem.offset
    assert 0 <= offset <= len(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("psnr_y(a) ~= psnr_y(b)", "psnr_y(a) ≈ psnr_y(b)"),
        ("psnr_y(a) ≥ psnr_y(b)", "psnr_y(a) >= psnr_y(b)"),
        ("ratio(params(a), params(b)) in [1, 2]", "params(a) / params(b) in [1, 2]"),
        ("a(x) < b(x) < c(x)", "a(x) < b(x) and b(x) < c(x)"),
        ("params(a) = 964.163k", "params(a) = 964163"),
        ("params(a) = 964_163", "params(a) = 964163"),
        ("psnr_y(a) is best of (b, c)", "psnr_y(a) best of (b, c)"),
        ("not a(x) < 1 and b(x) < 1 or c(x) < 1", "((not (a(x) < 1)) and b(x) < 1) or c(x) < 1"),
        ("a(x) - b(x) - c(x) < 1 - 2 * 3", "((a(x) - b(x)) - c(x)) < (1 - (2 * 3))"),
    ],
)
def test_two_ways_to_write_the_same(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "a quantity such as psnr_y(variant), a number"),
        ("atrous < full", 7, "expected (, found '<'"),
        ("psnr_y(full) <", 14, "and the text ends"),
        ("psnr_y(full", 11, "expected ,, ), and the text ends; inside { } a test with a comma"),
        ("psnr_y(full)", 12, "expected < <= = ≈ >, >=,"),
        ("psnr_y(full) psnr_y(atrous)", 13, "best, worst, highest, lowest, in, is, found"),
        ("psnr_y(full) < 3 mB", 17, "expected a unit (dB, ms, s, %, k, M, G)"),
        ("psnr_y(full) < 3mB", 16, "found 'mB'"),
        ("psnr_y(full) in [2, 1]", 17, "lower end comes first"),
        ("loss(full, epoch=x) < 1", 17, "expected a whole number, found 'x'"),
        ("loss(full, epoch=3, last=2) < 1", 18, "expected ), found ','"),
        ("rank agrees >= 2 with published", 15, "from -1 to 1"),
        ("rank of loss(full) agrees >= 0.5 with published", 8, "over all variants"),
        ("1 < (psnr_y(full) < 1)", 18, "), found '<'"),
        ("(psnr_y(full) < 1) < 2", 19, "expected the end, and, or, found '<'"),
        ("psnr_y(full) < 1 and", 20, "the text ends"),
        ("psnr_y(full) < 1 andpsnr_y(full) < 2", 17, "found 'andpsnr_y'"),
        ("not " * 101 + "psnr_y(full) < 1", 400, "nested more than 100 deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, at: int, says: str) -> None:
    with pytest.raises(ClaimError) as problem:
        parse(text)
    assert says in problem.value.problem
    assert problem.value.offset == at


@pytest.mark.parametrize(
    "text",
    [
        "psnr_y(se+atrous) < psnr_y(full)",
        'psnr_y("lr 1e-3", "urban 100") > 30 dB',
        "loss(full, last=25) < published(loss(atrous, epoch=300))",
        "psnr_y(full, epoch=3) < psnr_y(full, epoch=300)",
        "params(atrous) = 964163 and dead_params(atrous) = 0",
        "latency(atrous) ≈ latency(full) within 5 %",
        "ssim_y(atrous) ≈ ssim_y(full) within 0.001",
        "psnr_y(full) - psnr_y(atrous) ≈ psnr_y(se+atrous) - psnr_y(full)",
        "epochs_to(full, loss=0.02) < epochs_to(atrous, loss=0.02)",
        "hue(full) highest of *",
    ],
)
def test_what_makes_sense_passes(text: str) -> None:
    check(parse(text), STUDY)


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("psnr_y(ful) < 30", 0, "variant 'ful' is unknown; did you mean 'full'?"),
        ("1 < pnsr_y(full)", 4, "did you mean 'psnr_y'?"),
        ("psnr_y(full, fotos) < 30", 0, "data set 'fotos' is unknown; did you mean 'photos'?"),
        ("published(loss(se+atrous)) < 1", 0, "published variant 'se+atrous' is unknown"),
        ("diverges(nobody)", 0, "variant 'nobody' is unknown"),
        ("psnr_y(full) < 30 ms", 0, "dB beside ms"),
        ("psnr_y(full) + params(full) < 3", 0, "dB beside a plain number"),
        ("psnr_y(full) = psnr_y(atrous)", 0, "= is for exact counts"),
        ("ssim_y(full) ≈ ssim_y(atrous)", 0, "≈ has no min_effect"),
        ("psnr_y(full) < psnr_y(atrous) within 1 dB", 37, "within belongs to ≈"),
        ("psnr_y(full) ≈ psnr_y(atrous) within 0 dB", 37, "above 0 is expected"),
        ("hue(full) best of *", 0, "highest of or lowest of"),
        ("psnr_y(full) best of (full)", 0, "compared with itself"),
        ("params(full, photos) < 3", 0, "takes a variant only"),
        ("params(full, epoch=3) < 3", 0, "has no epochs"),
        ("psnr_y(full, photos, epoch=3) < 3", 0, "validation set"),
        ("psnr_y(full) / latency(full) < 3", 0, "do not pair"),
        ("loss(full, loss=3) < 3", 0, "no setting 'loss'"),
        ("epochs_to(full) < 3", 0, "needs a level"),
        ("psnr_y(*) < 3", 0, "variant '*' is unknown"),
        ("1 < 2", 0, "measured quantity"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(text: str, at: int, says: str) -> None:
    with pytest.raises(ClaimError) as problem:
        check(parse(text), STUDY)
    assert says in problem.value.problem
    assert problem.value.offset == at


EXAMPLES = re.findall(r"(?<=e\.g\. ).+", GRAMMAR.read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_grammar_file_parse(example: str) -> None:
    parse(example)


def test_figures_that_may_still_come_are_of_any_variant() -> None:
    """A study is read before, or after, they are imported; their quantity must be known."""
    study = Vocabulary(variants=("full",), metrics=("psnr_y",), datasets=("photos",))
    check(parse("psnr_y(full) > published(psnr_y(of_theirs, Set5))"), study)
    with pytest.raises(ClaimError, match="quantity 'psnr' is unknown"):
        check(parse("psnr_y(full) > published(psnr(full))"), study)
    with pytest.raises(ClaimError, match="variant 'of_theirs' is unknown"):
        check(parse("psnr_y(of_theirs) > published(psnr_y(full))"), study)
