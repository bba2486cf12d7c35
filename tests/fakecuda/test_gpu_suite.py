"""Tests for a GPU that compare no values pass on the stand-in as well. Slow: half a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
import standin

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

TESTS = Path(__file__).parents[1]


def test_gpu_tests_that_compare_no_values_pass() -> None:
    """Plain assertions: explaining how two long states of garbage differ takes gigabytes."""
    texts = {file: file.read_text("utf-8") for file in TESTS.rglob("test_*.py")}
    marked = [f for f, text in texts.items() if "pytest.mark.gpu" in text or "on_cuda" in text]
    files = sorted(f for f in marked if f.parent != Path(__file__).parent)
    which = ("-m", "gpu", "--assert=plain", "--tb=short", "-p", "no:cacheprovider")
    done = standin.run("-m", "pytest", *which, *files, folder=TESTS.parent)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(skipped) > 5
    assert all("needs a real device" in line for line in skipped)
