"""What the tests on the stand-in share: it is built once, or they are skipped with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import standin


@pytest.fixture(scope="session")
def fakecuda() -> Path:
    """The folder with the stand-in's libraries."""
    try:
        return standin.build()
    except standin.NoStandIn as reason:
        pytest.skip(f"no stand-in for CUDA: {reason}")
