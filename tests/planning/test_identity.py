"""What changes an identity, and what does not: code does, words about it do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from srbench.planning.identity import code_only, digest

PART = "from pack.inner import g\n\n\ndef f():\n    return g()\n"
INNER = "def g():\n    return 1\n"


def source_digest(folder: Path, **files: str) -> str:
    """The digest of the part `pack.part.f`, as a fresh process sees these files."""
    package = folder / "pack"
    package.mkdir(exist_ok=True)
    for name, text in {"__init__": "", "part": PART, "inner": INNER, "other": "", **files}.items():
        (package / f"{name}.py").write_text(text)
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); sys.dont_write_bytecode = True\n"
        "import pack.part, srbench.planning.identity as i; print(i.source_digest([pack.part.f]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("part", '"""Words."""\n\n# a remark\n' + PART.replace("()\n", "()  # why\n"), True),
        ("part", PART.replace("g()\n", "g()\n\n\n"), True),
        ("part", PART.replace("g()\n", "g() + 0\n"), False),
        ("part", PART.replace("from pack.inner", "from .inner"), False),
        ("inner", 'def g():\n    """One."""\n    return 1\n', True),
        ("inner", "def g():\n    return 2\n", False),
        ("inner", "import pack.other\n" + INNER, False),
        ("other", "x = 1\n", True),
    ],
)
def test_code_counts_and_words_do_not(tmp_path: Path, file: str, text: str, same: bool) -> None:
    before = source_digest(tmp_path)
    assert (source_digest(tmp_path, **{file: text}) == before) == same


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
def test_code_is_followed_through_every_kind_of_import(tmp_path: Path, import_: str) -> None:
    part = f"{import_}\n\n\ndef f():\n    return g()\n"
    before = source_digest(tmp_path, part=part)
    assert source_digest(tmp_path, part=part, inner="def g():\n    return 2\n") != before


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("x = 1  # one\n", "x = 1"),
        ("x = '# no comment'\n", "x = '# no comment'"),
        ('def f():\n    """Words\n    and more."""\n\n    return 1\n', "def f():\n    return 1"),
        ('class A:\n    """Words."""\n\n    x = "kept"\n', 'class A:\n    x = "kept"'),
        ('x = """not\n# a docstring"""\n', 'x = """not\n# a docstring"""'),
        ("", ""),
    ],
)
def test_what_is_left_is_code(source: str, code: str) -> None:
    assert code_only(source) == code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('def f(): "words"; return 1', 'def f(): "words"; return 2'),
        ('class A: "words"', 'class B: "words"'),
        ("x = 1", "x = 2"),
        ("if a:\n    b()\nc()", "if a:\n    b()\n    c()"),
    ],
)
def test_different_code_is_never_taken_for_the_same(one: str, other: str) -> None:
    assert code_only(one) != code_only(other)


def test_a_digest_does_not_see_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2.5, None]}) == digest({"b": (1, 2.5, None), "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
    assert digest({"a": 1}) != digest({"a": 1.0}) != digest({"a": "1"})
