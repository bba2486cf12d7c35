"""The finished study that most tests of this room look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny
from postgres_server import postgres, server  # noqa: F401


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study run to its end; for reading only."""
    return tiny.finished(tmp_path_factory.getbasetemp())


@pytest.fixture
def copy(done: Path, tmp_path: Path) -> Path:
    """The finished study, to change."""
    return shutil.copytree(done, tmp_path / "copy")
