"""Bad inputs drawn by hypothesis: each is handled, or refused in one line, within bounds.

A sample of each kind; thousands of them: pytest tests/faults/test_fuzz.py -m campaign
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import fuzz
import fuzz_images
import fuzz_names
import fuzz_studies
import fuzz_weights
import pytest
import tiny
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from srbench.core.errors import UserError
from srbench.study.read import read

Captured = pytest.CaptureFixture[str]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds are set by Linux's means")
SAMPLE = {fuzz_studies: 400, fuzz_images: 800, fuzz_weights: 500, fuzz_names: 2}
WHOLE = {fuzz_studies: 10_000, fuzz_images: 10_000, fuzz_weights: 5_000, fuzz_names: 200}


def for_each(cases: SearchStrategy[Any], number: int, work: Callable[[Any], None]) -> None:
    """Call for so many cases; a sample is the same every time, and a case of minutes as it came."""
    chosen = settings(
        max_examples=number,
        derandomize=number < 1000,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if cases is fuzz_names.CASES else [Phase.generate, Phase.shrink],
    )
    chosen(given(cases)(lambda case: work(case)))()


@pytest.mark.parametrize(
    ("inputs", "number"),
    [
        *(pytest.param(*sample, marks=pytest.mark.slow) for sample in SAMPLE.items()),
        *(pytest.param(*whole, marks=pytest.mark.campaign) for whole in WHOLE.items()),
    ],
)
def test_bad_inputs_are_handled_or_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Captured,
    inputs: ModuleType,
    number: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    refused: list[str] = []

    def tried(case: Any) -> None:
        with fuzz.bounded(60 if inputs is fuzz_names else fuzz.LONGEST_S):
            refused.append(fuzz.one_line(inputs.check(case, tmp_path)))
        assert capfd.readouterr() == ("", ""), "chatter"

    for_each(inputs.CASES, number, tried)
    assert any(refused)
    assert inputs is fuzz_names or not all(refused)


def test_what_is_not_spoilt_is_accepted(tmp_path: Path) -> None:
    for n, text in enumerate(fuzz_studies.texts()):
        file = tmp_path / f"good {n}.yaml"
        file.write_text(text, encoding="utf-8")
        assert read(file).variants


@pytest.mark.slow
def test_the_command_refuses_what_reading_refuses(tmp_path: Path, capsys: Captured) -> None:
    file, refused = tmp_path / "case.yaml", []

    def tried(content: bytes) -> None:
        file.write_bytes(content)
        said = ""
        try:
            read(file)
        except UserError as error:
            said = str(error)
        if said:
            assert tiny.called("plan", str(file)) == 2
            assert capsys.readouterr() == ("", f"srbench: error: {said}\n")
            refused.append(said)

    for_each(fuzz_studies.CASES, 40, tried)
    assert len(refused) > 10


def hangs() -> None:
    while True:
        pass


def waits() -> None:
    time.sleep(60)


def grows() -> None:
    bytearray(4 * 2**30)


@pytest.mark.parametrize(
    ("work", "problem"), [(hangs, TimeoutError), (waits, TimeoutError), (grows, MemoryError)]
)
def test_the_bounds_hold(work: Callable[[], None], problem: type[Exception]) -> None:
    with pytest.raises(problem), fuzz.bounded(0.1):
        work()


@pytest.mark.parametrize("refusal", ["first\nsecond", "x: \x1b[31m is unknown"])
def test_two_lines_and_escapes_are_no_line(refusal: str) -> None:
    with pytest.raises(AssertionError, match="not one printable line"):
        fuzz.one_line(refusal)
