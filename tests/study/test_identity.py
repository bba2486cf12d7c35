"""What changes an identity: the version of srbench's parts, the source of parts of others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from srbench.core import slots
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


def version(folder: Path, **files: str) -> str:
    """The version of the part `theirs`, as a fresh process sees these files."""
    package = folder / "pack"
    package.mkdir(exist_ok=True)
    for name, text in {"__init__": "", "part": PART, "inner": INNER, "other": "", **files}.items():
        (package / f"{name}.py").write_text(text)
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); sys.dont_write_bytecode = True\n"
        "import pack.part; from srbench.core.slots import attention\n"
        "from srbench.study.identity import versions\n"
        "print(versions([attention.parse('theirs')])['attention theirs'])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_a_part_of_srbench_is_known_by_a_number() -> None:
    found = versions(slots.model.parse({"carn": {"attention": "scse"}}).choices())
    assert found["model carn"] == slots.model.versions["carn"] >= 1
    assert found["attention scse"] == slots.attention.versions["scse"] >= 1


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
