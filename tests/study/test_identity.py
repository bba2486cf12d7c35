"""What changes an identity: the version of srbench's parts, the source of parts of others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

from srbench.core import slots
from srbench.study import identity
from srbench.study.identity import digest, versions

slots.load()

PART = """\
from srbench.core.slots import attention
from torch import nn
from pack.inner import g


@attention.register("theirs")
def f(channels: int) -> nn.Module:
    return g()
"""
INNER = "from torch import nn\n\n\ndef g():\n    return nn.Identity()\n"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`pack` is found in the test's folder, and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    forget()


def forget() -> None:
    """Have the package of others imported anew, as by another process."""
    for name in [name for name in sys.modules if name.split(".")[0] == "pack"]:
        del sys.modules[name]
    for known in (slots.attention.parts, slots.attention.versions):
        known.pop("theirs", None)
    identity._imports.cache_clear()
    invalidate_caches()


def version(folder: Path, **files: str) -> str:
    """The version of the part `theirs`, imported anew from these files."""
    package = folder / "pack"
    package.mkdir(exist_ok=True)
    for name, text in {"__init__": "", "part": PART, "inner": INNER, "other": "", **files}.items():
        (package / f"{name}.py").write_text(text)
    forget()
    import_module("pack.part")
    return str(versions([slots.attention.parse("theirs")])["attention theirs"])


def test_a_part_of_srbench_is_known_by_a_number() -> None:
    found = versions(slots.model.parse({"carn": {"attention": "scse"}}).choices())
    assert found["model carn"] == slots.model.versions["carn"] >= 1
    assert found["attention scse"] == slots.attention.versions["scse"] >= 1


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("part", PART, True),
        ("part", PART + "# a remark\n", True),
        ("part", PART + "x = 1\n", False),
        ("inner", INNER.replace("Identity", "Dropout"), False),
        ("inner", "import pack.other\n" + INNER, False),
        ("other", "x = 1\n", True),
    ],
)
def test_a_part_of_others_is_known_by_its_source(
    tmp_path: Path, file: str, text: str, same: bool
) -> None:
    before = version(tmp_path)
    assert (version(tmp_path, **{file: text}) == before) == same


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "import_",
    [
        "from .inner import g",
        "from . import inner\ng = inner.g",
        "import pack.inner\ng = pack.inner.g",
        "from pack import inner as g_\ng = g_.g",
        "def g():\n    from pack.inner import g\n\n    return g()\n",
    ],
)
def test_source_is_followed_through_every_kind_of_import(tmp_path: Path, import_: str) -> None:
    part = PART.replace("from pack.inner import g", import_)
    before = version(tmp_path, part=part)
    changed = INNER.replace("Identity", "Dropout")
    assert version(tmp_path, part=part, inner=changed) != before


def test_a_digest_does_not_see_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2.5, None]}) == digest({"b": (1, 2.5, None), "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
    assert digest({"a": 1}) != digest({"a": 1.0}) != digest({"a": "1"})
