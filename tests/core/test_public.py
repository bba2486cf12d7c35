"""What `import srbench` gives: the names that the documentation lists, imported late."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import getdoc
from pathlib import Path

import pytest

import srbench

HOUSE = Path(srbench.__file__).parent
PAGE = (HOUSE.parent / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_page_lists_every_public_name() -> None:
    table = PAGE[PAGE.index("## All names") :]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert sorted(re.findall(r"`(\w+)`", "\n".join(rows))) == sorted(srbench.__all__)


def test_type_checkers_see_the_same_names() -> None:
    stub = (HOUSE / "__init__.pyi").read_text(encoding="utf-8")
    found = {name: home for home, name in re.findall(r"from (\S+) import (\w+) as", stub)}
    core = dict.fromkeys(("document", "slots"), "srbench.core")
    assert found == srbench.HOME_OF | core


@pytest.mark.parametrize("name", srbench.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    found = getattr(srbench, name)
    assert getdoc(found) or name in srbench.slots.SLOTS or name == "Positive"


def test_a_function_is_not_hidden_by_the_room_of_its_name() -> None:
    code = """
import srbench, srbench.run.session, srbench.report.files, sys
assert callable(srbench.run) and callable(srbench.report), srbench.run
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_it_takes_no_other_package() -> None:
    code = "import sys, importlib, types; before = set(sys.modules); import srbench"
    code += "; print(set(sys.modules) - before)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "{'srbench'}"


def test_what_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = srbench.nothing
