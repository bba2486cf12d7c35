"""YAML with its places, and nothing that surprises; tests/faults/test_bombs.py has its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.core import document
from srbench.core.document import MAX_DEPTH, MAX_VALUES, parse
from srbench.core.errors import UserError


def told(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(text, "s.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4), ("1.0e-4", 1e-4), ("1E+3", 1000.0), (".5", 0.5), ("5.", 5.0),
        ("-3", -3), ("+3", 3), ("007", 7), ("1e", "1e"), ("1_000", "1_000"), ("0x10", "0x10"),
        ("12:30", "12:30"), ("2019-01-02", "2019-01-02"), ("no", "no"), ("on", "on"), ("y", "y"),
        ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None),
        ('"1"', "1"), ("'true'", "true"), ("'null'", "null"), (".inf", ".inf"), (".nan", ".nan"),
        ("x < y", "x < y"), ("[1, [a, ~]]", [1, ["a", None]]), ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("1: x", {"1": "x"}), ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)  # fmt: skip
def test_a_word_means_what_it_looks_like(text: str, value: object) -> None:
    found = parse(text).value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "s.yaml:3:1: the key 'a' appears twice"),
        ("x: {b: 1, 'b': 2}", "s.yaml:1:11: the key 'b' appears twice"),
        ("[a]: 1", "s.yaml:1:1: a key must be a plain word"),
        (
            "a: !!python/object:os.system {}",
            "s.yaml:1:4: tags such as tag:yaml.org,2002:python/object:os.system",
        ),
        ("a: !!binary aGk=", "s.yaml:1:4: tags such as tag:yaml.org,2002:binary are not read"),
        ("a: !mine 1", "s.yaml:1:4: tags such as !mine are not read"),
        ("a: [1, 2", "s.yaml:1:9: not YAML: expected ',' or ']'"),
        ("a: 1\n\tb: 2", "s.yaml:2:1: not YAML: found character '\\t'"),
        ('a: "C:\\photos"', "s.yaml:1:8: not YAML: found unknown escape character 'p' (within"),
        ('a: "C:\\Users\\me"', "but found 's' (within double quotes \\ starts an escape"),
        ('a: "C:\\new"', "s.yaml:1:4: 'C:\\new' is no path: within double quotes"),
        ('a: "D:\\a\\b"', "s.yaml:1:4: 'D:\\x07\\x08' is no path: within double quotes"),
        ("a: 1\n---\nb: 2", "s.yaml:2:1: not YAML: but found another document"),
        ("a: *x", "s.yaml:1:4: not YAML: found undefined alias"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), f"nested more than {MAX_DEPTH} deep"),
        ("- a\n" * 2 * MAX_VALUES, f"s.yaml:10000:3: more than {MAX_VALUES:,} values"),
        ("a: 1\nb: '\u202ex'", "s.yaml:2:5: control character '\\u202e'"),
        ('a: "\\e[2J"', "s.yaml:1:4: control character '\\x1b'"),
        ('"\\a": 1', "s.yaml:1:1: control character '\\x07'"),
        ("a: \x00", "s.yaml:1:4: control character '\\x00'"),
    ],
    ids=lambda text: text[:24].encode("unicode_escape").decode(),
)
def test_what_would_surprise_is_refused_with_its_place(text: str, message: str) -> None:
    assert message in told(text)


def test_every_value_remembers_its_place() -> None:
    found = parse("a: 1\nb:\n  c: [x, {d: 2}]\n", "s.yaml")
    places = {(): "1:1", ("a",): "1:1", ("b",): "2:1", ("b", "c"): "3:3", ("b", "c", 0): "3:7"}
    assert {path: found.place(path) for path in places} == {
        path: f"s.yaml:{place}" for path, place in places.items()
    }
    assert found.place(("b", "c", 1, "d")) == "s.yaml:3:11"


def test_a_place_that_is_not_there_is_the_nearest_above() -> None:
    found = parse("a: {b: 1}", "s.yaml")
    assert found.place(("a", "b", "c")) == "s.yaml:1:5"
    assert found.place(("z",)) == "s.yaml:1:1"
    assert parse("", "s.yaml").place(("z",)) == "s.yaml"


def test_a_place_that_an_error_has_is_kept() -> None:
    found = parse("a: 1", "s.yaml")
    assert str(found.located(UserError("wrong", ("a",)))) == "s.yaml:1:1 a: wrong"
    assert str(found.located(UserError("wrong", ("a",), "--set a=1"))) == "--set a=1 a: wrong"


WORDS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=8)
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | WORDS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_json_is_read_as_what_it_is(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False)).value == value


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"a: \xff")
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read: No such file"):
        document.read(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        document.read(tmp_path)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "utf-16-be-mark"]
)
def test_a_study_is_read_in_utf_8_and_in_what_powershell_writes(
    tmp_path: Path, encoding: str
) -> None:
    text = "question: größer\r\nscale: 2\r\n"
    mark = "\ufeff" if encoding.endswith("-mark") else ""
    (tmp_path / "s.yaml").write_bytes((mark + text).encode(encoding.removesuffix("-mark")))
    found, read = document.read(tmp_path / "s.yaml")
    assert (found, read.value) == (text, {"question": "größer", "scale": 2})
    assert read.place(("scale",)).endswith("s.yaml:2:1")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\nb: ü".encode("cp1252"), r"not UTF-8 text \(line 2\); save it as UTF-8; a study"),
        ("a: 1".encode("utf-16-le"), "UTF-16 text without a byte order mark, or no text; save it"),
        (b"\xff\xfea", r"not UTF-16 text \(line 1\); save it as UTF-8; a study"),
        (b"\x89PNG\0\xff", r"not UTF-8 text \(line 1\); a study is a YAML file"),
    ],
)
def test_another_encoding_is_named_with_its_remedy(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    with pytest.raises(UserError, match=rf"s\.yaml: {says}"):
        document.read(tmp_path / "s.yaml")
