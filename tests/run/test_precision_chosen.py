"""--precision: stored with the run, part of its identity, and refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import tiny

from srbench.core.devices import MemoryOrder, Precision, choose_precision
from srbench.core.errors import UserError
from srbench.study.plan import Numerics


@pytest.mark.parametrize("order", get_args(MemoryOrder))
@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize(
    ("device", "threads"), [("cpu", 1), ("cpu", 2), ("NVIDIA bf16y", 1), ("NVIDIA H100, big", 1)]
)
def test_numerics_are_read_back_as_they_were_stored(
    device: str, threads: int, precision: Precision, order: MemoryOrder
) -> None:
    made = Numerics(device, threads, precision, order)
    assert Numerics.parse(str(made)) == made


def test_a_text_of_no_numerics_is_refused() -> None:
    with pytest.raises(ValueError, match="'cpu fp8' names no device with its precision"):
        Numerics.parse("cpu fp8")


def test_an_unknown_precision_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UserError, match=r"'tf32' is unknown on cpu .known: auto, fp32, bf16"):
        choose_precision("tf32", "cpu")
    with pytest.raises(UserError, match=r"'fp16' is unknown on cuda:0 .known: auto, fp32, tf32"):
        choose_precision("fp16", "cuda:0")


@pytest.mark.slow
def test_other_numerics_make_another_run_which_is_reproduced_with_them(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    only = ("--seeds", "1", "--only", "plain", "--workers", "1")
    numerics = (("fp32", "auto"), ("bf16", "auto"), ("fp32", "channels_last"))
    for precision, order in numerics:
        options = ("--precision", precision, "--memory-order", order)
        tiny.srbench(folder, "run", "tiny.yaml", *only, *options)
    asked = "SELECT numerics, weights_sha256 FROM runs JOIN trainings USING (fingerprint)"
    rows = tiny.rows(folder, asked + " WHERE weights_sha256 IS NOT NULL")
    assert [numerics for numerics, _ in sorted(rows)] == [
        "cpu bf16, 1 thread", "cpu fp32, 1 thread", "cpu fp32, 1 thread, channels last",
    ]  # fmt: skip
    assert len({sha for _, sha in rows}) >= 2  # the order of sums may be the same
    tiny.srbench(folder, "reproduce", "3")
