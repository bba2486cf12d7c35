"""A sample of bad inputs of each kind, and that the fuzzer sees what it is there to see.

Thousands of them: pytest tests/faults/test_fuzz.py -m campaign
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import fuzz
import fuzz_images
import fuzz_names
import fuzz_studies
import fuzz_weights
import pytest
import tiny

from srbench.core.errors import UserError
from srbench.study.read import read

Captured = pytest.CaptureFixture[str]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds are set by Linux's means")


@pytest.mark.parametrize(
    ("inputs", "cases"),
    [
        *(pytest.param(*sample, marks=pytest.mark.slow) for sample in (
            (fuzz_studies, 400), (fuzz_images, 800), (fuzz_weights, 500), (fuzz_names, 2))),
        *(pytest.param(*whole, marks=pytest.mark.campaign) for whole in (
            (fuzz_studies, 10_000), (fuzz_images, 10_000), (fuzz_weights, 5_000),
            (fuzz_names, 200))),
    ],
)  # fmt: skip
def test_bad_inputs_are_handled_or_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured, inputs: ModuleType, cases: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    check = inputs.prepare(tmp_path)
    longest_s = 60 if inputs is fuzz_names else fuzz.LONGEST_S
    assert 0 < fuzz.refused(check, cases, tmp_path, capfd, longest_s) <= cases


def test_what_is_not_spoilt_is_accepted(tmp_path: Path) -> None:
    for n, text in enumerate(fuzz_studies.texts()):
        file = tmp_path / f"good {n}.yaml"
        file.write_text(text, encoding="utf-8")
        assert read(file).variants


def refusal(file: Path) -> str:
    try:
        read(file)
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_the_command_refuses_what_reading_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = 0
    for number in range(40):
        file = tmp_path / f"case {number}.yaml"
        file.write_bytes(fuzz_studies.made(number))
        said = refusal(file)
        if said:
            assert tiny.called("plan", str(file)) == 2
            assert capsys.readouterr() == ("", f"srbench: error: {said}\n")
            refused += 1
    assert refused > 20


def raises(number: int, folder: Path) -> str:
    raise KeyError("a mistake of ours")


def hangs(number: int, folder: Path) -> str:
    while True:
        pass


def waits(number: int, folder: Path) -> str:
    time.sleep(60)
    return ""


def grows(number: int, folder: Path) -> str:
    return str(len(bytearray(4 * 2**30)))


def chatters(number: int, folder: Path) -> str:
    os.write(2, b"libsomething: warning\n")
    return ""


def says_two_lines(number: int, folder: Path) -> str:
    return "first\nsecond"


def says_escapes(number: int, folder: Path) -> str:
    return "x: \x1b[31m is unknown"


FAULTS = {
    raises: (KeyError, "a mistake"), hangs: (TimeoutError, "hangs"), waits: (TimeoutError, "hangs"),
    grows: (MemoryError, None), chatters: (AssertionError, "chatter"),
    says_two_lines: (AssertionError, "not one printable line"),
    says_escapes: (AssertionError, "not one printable line"),
}  # fmt: skip


@pytest.mark.parametrize("check", FAULTS, ids=lambda check: check.__name__)
def test_the_fuzzer_sees(tmp_path: Path, capfd: Captured, check: fuzz.Check) -> None:
    kind, words = FAULTS[check]
    with pytest.raises(kind, match=words) as caught:
        fuzz.refused(check, 1, tmp_path, capfd, 0.1)
    assert caught.value.__notes__ == ["in case 0"]
