"""--precision: stored with the run, part of its identity, and refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

from srbench.machine.devices import choose_precision
from srbench.planning.plan import Numerics, precision_of
from srbench.registry import StudyError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "made",
    [
        Numerics("cpu", 1),
        Numerics("NVIDIA bf16y", 1),
        Numerics("cpu", 2, "bf16"),
        Numerics("NVIDIA H100", 1, "bf16"),
    ],
    ids=str,
)
def test_the_precision_is_read_back_from_stored_numerics(made: Numerics) -> None:
    assert precision_of(str(made)) == made.precision


def test_an_unknown_precision_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(StudyError, match=r"'fp16' is unknown .known: auto, fp32, bf16"):
        choose_precision("fp16", "cpu")


def test_a_run_in_bf16_is_another_run_and_is_reproduced_in_bf16(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    only = ("--seeds", "1", "--only", "plain", "--workers", "1")
    for precision in ("fp32", "bf16"):
        tiny.srbench(folder, "run", "tiny.yaml", *only, "--precision", precision)
    asked = "SELECT numerics, weights_sha256 FROM runs JOIN trainings USING (fingerprint)"
    rows = tiny.rows(folder, asked + " WHERE weights_sha256 IS NOT NULL")
    assert {numerics for numerics, _ in rows} == {"cpu fp32, 1 thread", "cpu bf16, 1 thread"}
    assert len({sha for _, sha in rows}) == len(rows) == 2
    tiny.srbench(folder, "reproduce", "2")
