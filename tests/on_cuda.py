"""CUDA as a parameter and as a mark of tests; both are skipped where there is no device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

MARKS = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
)
CUDA = pytest.param("cuda", marks=[*MARKS, pytest.mark.values])


def needs_cuda(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that compares no values."""
    for mark in MARKS:
        test = mark(test)
    return test


def compares_values(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that compares values or times of a real device."""
    marked: Callable[..., Any] = pytest.mark.values(needs_cuda(test))
    return marked
