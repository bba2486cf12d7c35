"""What a study may write, its errors, and the parts that are refused when they register."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.core import registry
from srbench.core.errors import UserError, brief
from srbench.core.part_docstrings import source_of
from srbench.core.registry import Choice, Positive, Range, Slot, in_words, type_name

attention = Slot("attention", gives=("channels",))
network = Slot("network", gives=("scale",))
Attention = Annotated[Callable[[int], Any], attention]


@attention.register("none")
def no_attention(channels: int) -> str:
    """Nothing.

    Ours.
    """
    return f"none({channels})"


@attention.register("se")
def se(channels: int, *, reduction: Positive = 16, kind: Literal["a", "b"] = "a") -> str:
    """Squeeze, then excite.

    Someone et al., A title,
    2018. https://example.org/1
    """
    return f"se({channels}, {reduction}, {kind})"


@attention.register("both")
def both(channels: int, *, of: tuple[Attention, ...] = (se, no_attention)) -> str:
    """Several. Ours."""
    return "+".join(make(channels) for make in of)


strong_se = partial(se, reduction=8)


@network.register("net")
def net(
    scale: int,
    *,
    attention: Attention = strong_se,
    rates: tuple[Positive, ...] = (),
    slope: float = 0.1,
    deep: bool = False,
    clip: Annotated[float, Range(0, 1)] | None = None,
    names: tuple[str, ...] = (),
    factor: Literal[1, 2] = 1,
) -> str:
    """A network. Ours."""
    return f"{attention(4)} x{scale} {rates} {slope} {deep} {clip} {names} {factor}"


def told(written: object, slot: Slot = network) -> str:
    with pytest.raises(UserError) as caught:
        slot.parse(written, ("base",))
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("nett", "base: network 'nett' is unknown; did you mean 'net'? (known: net)"),
        (7, "base: network 7 is unknown (known: net)"),
        ({}, "base: one network is expected here, found nothing"),
        ({"net": {}, "x": {}}, "base: one network is expected here, found net, x"),
        ({"net": 3}, "base.net: settings are written as {name: value}, found 3"),
        (
            {"net": {"slop": 1.0}},
            "base.net.slop: net: setting 'slop' is unknown; did you mean 'slope'? "
            "(known: attention, clip, deep, factor, names, rates, slope)",
        ),
        ({"net": {"slope": "0.1"}}, "base.net.slope: '0.1' is not a number"),
        ({"net": {"slope": True}}, "base.net.slope: True is not a number"),
        ({"net": {"slope": float("nan")}}, "base.net.slope: nan is not a number"),
        ({"net": {"deep": 1}}, "base.net.deep: 1 is not a true | false"),
        ({"net": {"clip": 2}}, "base.net.clip: 2 is not 0 to 1"),
        (
            {"net": {"rates": 1}},
            "base.net.rates: 1 is not a list of whole number, 1 or more; write [a, b]",
        ),
        ({"net": {"rates": [1, 0]}}, "base.net.rates.1: 0 is not 1 or more"),
        ({"net": {"rates": [1, 2.0]}}, "base.net.rates.1: 2.0 is not a whole number"),
        ({"net": {"names": "abc"}}, "base.net.names: 'abc' is not a list of text; write [a, b]"),
        ({"net": {"factor": 3}}, "base.net.factor: value 3 is unknown (known: 1, 2)"),
        ({"net": {"factor": "2"}}, "base.net.factor: value '2' is unknown (known: 1, 2)"),
        ({"net": {"factor": True}}, "base.net.factor: value True is unknown (known: 1, 2)"),
        (
            {"net": {"attention": "sse"}},
            "base.net.attention: attention 'sse' is unknown; did you mean 'se'? "
            "(known: both, none, se)",
        ),
        (
            {"net": {"attention": {"both": {"of": ["none", {"se": {"kind": []}}]}}}},
            "base.net.attention.both.of.1.se.kind: value [] is unknown (known: a, b)",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(written: object, message: str) -> None:
    assert told(written) == message


def test_a_choice_has_every_setting_and_says_only_what_was_changed() -> None:
    choice = network.parse({"net": {"slope": 1}})
    assert choice["slope"] == 1.0
    assert isinstance(choice["slope"], float)
    assert choice["attention"] == attention.parse({"se": {"reduction": 8}})
    assert str(choice) == "net: {slope: 1.0}"
    assert str(network.parse("net")) == "net"


def test_settings_that_are_slots_arrive_as_factories() -> None:
    written = {"net": {"attention": {"both": {"of": ["none", {"se": {"kind": "b"}}]}}}}
    assert network.parse(written).build()(2).startswith("none(4)+se(4, 16, b) x2 ()")


def test_null_is_the_part_called_none() -> None:
    assert attention.parse(None) == attention.parse("none")


@pytest.mark.parametrize(
    ("path", "written", "found"),
    [
        ("slope", 2, "net: {slope: 2.0}"),
        ("attention", "none", "net: {attention: none}"),
        ("attention.kind", "b", "net: {attention: {se: {reduction: 8, kind: b}}}"),
        ("rates", [1, 2], "net: {rates: [1, 2]}"),
        ("clip", 0.5, "net: {clip: 0.5}"),
    ],
)
def test_a_change_reaches_any_place(path: str, written: object, found: str) -> None:
    assert str(network.parse("net").set(path, written)) == found


def test_a_change_reaches_into_lists() -> None:
    start = network.parse({"net": {"rates": [1, 1], "attention": "both"}})
    changed = start.set("rates.1", 4).set("attention.of.0.reduction", 2)
    assert changed["rates"] == (1, 4)
    assert changed["attention"]["of"][0]["reduction"] == 2
    assert changed["attention"]["of"][1].name == "none"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("slop", "at: net: setting 'slop' is unknown; did you mean 'slope'?"),
        ("slope.x", "at: 0.1 has no setting 'x'"),
        ("rates.2", "at: '2' is not a place in a list of 1"),
        ("rates.x", "at: 'x' is not a place in a list of 1"),
        (
            "attention.raduction",
            "at: se: setting 'raduction' is unknown; did you mean 'reduction'?",
        ),
    ],
)
def test_a_change_that_leads_nowhere_is_refused(path: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        network.parse({"net": {"rates": [1]}}).set(path, 1, ("at",))
    assert str(caught.value).startswith(message)


SE = st.fixed_dictionaries(
    {}, optional={"reduction": st.integers(1, 99), "kind": st.sampled_from("ab")}
)
ATTENTIONS = st.sampled_from(["none", "se", None]) | SE.map(lambda settings: {"se": settings})
SEVERAL = st.lists(ATTENTIONS, max_size=3).map(lambda of: {"both": {"of": of}})
NETWORKS = st.fixed_dictionaries(
    {},
    optional={
        "attention": ATTENTIONS | SEVERAL,
        "rates": st.lists(st.integers(1, 9), max_size=4),
        "slope": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "deep": st.booleans(),
        "clip": st.none() | st.floats(0, 1),
        "names": st.lists(st.text(max_size=5), max_size=2),
        "factor": st.sampled_from([1, 2]),
    },
).map(lambda settings: {"net": settings})


@given(NETWORKS)
def test_a_choice_survives_json(written: object) -> None:
    choice = network.parse(written)
    assert network.parse(json.loads(json.dumps(choice.to_json()))) == choice
    assert hash(network.parse(choice)) == hash(choice)


@given(NETWORKS)
def test_setting_every_leaf_to_itself_changes_nothing(written: object) -> None:
    choice = network.parse(written)
    for path, value in choice.leaves():
        if path != "network" and not isinstance(value, str):
            assert choice.set(path, value) == choice


@given(NETWORKS, NETWORKS)
def test_different_choices_have_different_leaves(a: object, b: object) -> None:
    one, other = network.parse(a), network.parse(b)
    assert (one == other) == (list(one.leaves()) == list(other.leaves()))


def test_leaves_name_every_place() -> None:
    found = dict(network.parse({"net": {"rates": [3]}}).leaves())
    assert found["network"] == "net"
    assert (found["attention"], found["attention.reduction"], found["rates.0"]) == ("se", 8, 3)


def test_choices_are_found_inside_choices() -> None:
    choice = network.parse({"net": {"attention": "both"}})
    assert [c.name for c in choice.choices()] == ["net", "both", "se", "none"]


def without_default(channels: int, *, reduction: int) -> None: ...


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (lambda channels, **kwargs: None, "would hide misspelt settings"),
        (lambda *args: None, "would hide misspelt settings"),
        (lambda channels, *, reduction=1: None, "setting reduction needs a type and a default"),
        (without_default, "setting reduction needs a type and a default"),
        (
            lambda channels, height: None,
            r"given \(channels\), found \(channels, height\); settings",
        ),
        (lambda: None, r"is given \(channels\), found \(\)"),
    ],
)
def test_a_part_whose_signature_is_no_schema_is_refused_at_import(
    part: Callable[..., Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        attention.register("x")(part)
    assert "x" not in attention.parts


def test_a_name_is_given_once() -> None:
    with pytest.raises(TypeError, match="'se' is registered twice"):
        attention.register("se")(no_attention)


def test_a_default_that_is_not_a_part_of_its_slot_is_named() -> None:
    slot = Slot("slot")

    def part(*, attention: Attention = print) -> None: ...

    slot.register("part")(part)
    with pytest.raises(TypeError, match=r"print.* is not registered as attention"):
        slot.parse("part")


def test_the_source_is_the_last_paragraph() -> None:
    assert source_of(se) == "Someone et al., A title, 2018. https://example.org/1"
    assert source_of(no_attention) == "Ours."


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("attention", "attention"), ("rates", "list of whole number, 1 or more"),
        ("slope", "number"), ("deep", "true | false"), ("clip", "number, 0 to 1 | none"),
        ("names", "list of text"), ("factor", "1 | 2"),
    ],
)  # fmt: skip
def test_a_type_has_a_name_in_words(setting: str, words: str) -> None:
    assert type_name(registry.settings(net)[setting][0]) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"), (True, "true"), (1e-4, "0.0001"), ("x", "x"), ((1, 2), "[1, 2]"),
        (attention.parse("none"), "none"),
        (attention.parse({"se": {"kind": "b"}}), "{se: {kind: b}}"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_in_a_study(value: object, words: str) -> None:
    assert in_words(value) == words


def test_a_choice_of_another_slot_is_no_choice_here() -> None:
    with pytest.raises(UserError):
        network.parse(Choice(attention, "se"))


def test_a_message_is_one_line_that_no_terminal_obeys() -> None:
    error = UserError("'\x1b[2J' is unknown\nsrbench: done", ("a\tb",), "x\u202e.yaml")
    assert str(error) == "x\\u202e.yaml a\\tb: '\\x1b[2J' is unknown\\nsrbench: done"


def test_a_long_value_is_cut_short_in_messages() -> None:
    deep: object = "x" * 10**6
    for _ in range(20):
        deep = [deep] * 10
    assert len(brief(deep)) < 4_000
    assert brief("short") == "'short'"
