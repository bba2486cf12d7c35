"""What several rooms' tests share: the folder of real images, where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

REAL = Path(os.environ.get("SRBENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))

settings.register_profile("srbench", deadline=None)  # a busy machine is no failure
settings.load_profile("srbench")


@pytest.fixture
def data_folder() -> Path:
    """The folder with Set5 and the others; SRBENCH_DATA names it."""
    if not (REAL / "Set5").is_dir():
        pytest.skip(f"no real images: {REAL} has no Set5 (SRBENCH_DATA names another folder)")
    return REAL


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, whatever the machine: for tests that compare bits or many digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
