"""Small images on disk, and the folder of real ones where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import PIL.Image
import pytest
from pictures import Save, noise

REAL = Path(os.environ.get("SRBENCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes an image below the test's folder: save("a/b.png", height, width)."""

    def write(name: str, height: int = 8, width: int = 8, seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(noise(height, width, seed)).save(path)
        return path

    return write


@pytest.fixture
def real() -> Path:
    if not (REAL / "Set5").is_dir():
        pytest.skip(f"no real images: {REAL} has no Set5 (SRBENCH_DATA names another folder)")
    return REAL
