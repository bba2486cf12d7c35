"""One store per test, on each database that srbench supports."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from modes import in_mode
from postgres_server import control, postgres, server  # noqa: F401
from store_samples import database

from srbench.store import Store, open_store
from srbench.store.journal import Journal


@pytest.fixture(params=["truncate", "wal", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store. The journal mode is set by force: the gate has tests of its own."""
    if request.param == "postgresql":
        opened = open_store(request.getfixturevalue("postgres"))
        opened = replace(opened, address=replace(opened.address, root=tmp_path))
    else:
        shutil.copy(request.getfixturevalue("empty"), database(tmp_path))
        opened = in_mode(database(tmp_path), Journal(request.param, "asked for by the test"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite file with the schema and no rows, made once."""
    path = database(tmp_path_factory.mktemp("empty"))
    open_store(path).close()
    return path
