"""The generated reference is whole: what the code has, the pages name, with a meaning."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

import srbench
from srbench.core import slots
from srbench.store import open_store
from srbench.store.run_files import TABLE
from srbench.study.keys import Key
from srbench.study.study_keys import KEYS
from srbench.study.vocabulary import read_parts

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference() -> Any:
    sys.path.insert(0, str(DOCS))
    yield import_module("reference")
    sys.path.remove(str(DOCS))


def test_every_key_of_a_study_has_a_meaning_and_an_example(reference: Any) -> None:
    keys: list[Key] = [
        *KEYS.values(),
        *(k for inside in reference.INSIDE.values() for k in inside.values()),
    ]
    assert [key for key in keys if not key.about or not key.example] == []
    page = reference.study_page()
    assert [name for name in KEYS if f"## `{name}`" not in page] == []


def test_every_setting_of_every_part_has_a_meaning() -> None:
    """A docstring explains a setting by a line: its name, two spaces, its meaning."""
    without = [
        f"{slot} {part}: {setting}"
        for slot, about in read_parts().items()
        for part, found in about["parts"].items()
        for setting, one in found["settings"].items()
        if not one["about"]
    ]
    assert without == []


def test_every_part_is_on_the_page_of_its_slot(reference: Any) -> None:
    slots.load()
    for slot in slots.SLOTS.values():
        page = reference.PAGES[f"reference/parts/{slot.name}.md"]()
        assert [name for name in slot.parts if f"## `{name}`" not in page] == []


def test_every_public_name_is_on_the_page_about_python(reference: Any) -> None:
    page = reference.python_page()
    assert [
        n for n in srbench.__all__ if f"srbench.{n}\n" not in page and f"`{n}`" not in page
    ] == []


def test_every_table_and_column_of_a_database_has_a_meaning(reference: Any, tmp_path: Path) -> None:
    page = reference.tables()
    store = open_store(tmp_path / "srbench.sqlite")
    found = inspect(store.engine)
    names = {*found.get_table_names(), *found.get_view_names()}
    store.close()
    assert {line[4:] for line in page.splitlines() if line.startswith("### ")} == names | {TABLE}
    assert "|  |" not in page
