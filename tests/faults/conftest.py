"""What the fault tests share: a parent of quick processes, and how a study ends undisturbed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS), str(TESTS / "store")]  # for the tiny study, and the store's samples

import history  # noqa: E402
import kills  # noqa: E402
import pytest  # noqa: E402
from kills_nursery import Nursery  # noqa: E402


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="session")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> history.Found:
    return kills.undisturbed(nursery, tmp_path_factory.mktemp("undisturbed"))
