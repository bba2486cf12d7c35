"""A sample of each fuzzing campaign, and that the fuzzer sees what it is there to see.

The whole of it: `python tests/faults/fuzz.py --all`, some 30 minutes; studies, images and weights
alone, 25,000 cases, are the campaign here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from pathlib import Path

import fuzz
import fuzz_studies
import pytest
import tiny

from srbench.core.errors import UserError
from srbench.study.read import read

CAMPAIGNS = fuzz.campaigns()


def figures_of(name: str, cases: int) -> fuzz.Figures:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, 3.12 on
        return fuzz.run(CAMPAIGNS[name], 0, cases)


@pytest.mark.slow
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_bad_inputs_are_handled_or_refused_in_one_line(name: str) -> None:
    figures = figures_of(name, CAMPAIGNS[name].sample)
    assert figures.faults == []
    assert figures.cases == CAMPAIGNS[name].sample
    assert figures.refused > 0


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["studies", "images", "weights"])
def test_thousands_of_bad_inputs_are_handled_or_refused(name: str) -> None:
    figures = figures_of(name, CAMPAIGNS[name].cases)
    print(name, figures)
    assert figures.faults == []
    assert 0 < figures.refused < figures.cases


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


def dies(number: int, folder: Path) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def says_two_lines(number: int, folder: Path) -> str:
    return "first\nsecond"


def says_escapes(number: int, folder: Path) -> str:
    return "x: \x1b[31m is unknown"


FAULTS = {
    raises: "KeyError", hangs: "TimeoutError", waits: "TimeoutError", grows: "MemoryError",
    chatters: "chatter on stderr", dies: "ended with status 9",
    says_two_lines: "not one printable line",
    says_escapes: "not one printable line",
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="children are measured by Linux's means")
@pytest.mark.parametrize("check", FAULTS, ids=lambda check: check.__name__)
def test_the_fuzzer_sees(check: fuzz.Check) -> None:
    figures = fuzz.run(fuzz.Campaign(1, 1, lambda folder: check, longest_s=0.3), 0, 1)
    assert len(figures.faults) == 1
    assert FAULTS[check] in figures.faults[0]
