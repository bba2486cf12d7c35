"""What the fault tests share: a server of quick processes, and how a study ends undisturbed."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS), str(TESTS / "store")]  # for the tiny study, and the store's samples

import conductors  # noqa: E402
import history  # noqa: E402
import kills  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(scope="session")
def server() -> None:
    conductors.start_server()


@pytest.fixture(scope="session")
def undisturbed(server: None, tmp_path_factory: pytest.TempPathFactory) -> history.Found:
    return kills.undisturbed(tmp_path_factory.mktemp("undisturbed"))
