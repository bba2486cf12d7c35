"""Peak memory of a run does not depend on what its worker ran before. About 10 s."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import standin

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]


def test_the_peak_of_a_run_is_its_own() -> None:
    done = standin.run(Path(__file__).with_name("memory.py"))
    assert done.returncode == 0, done.stderr
    first, third, fifth = json.loads(done.stdout)
    assert first == third == fifth > 0
