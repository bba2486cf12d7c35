"""The harness is worth what it catches: bugs planted in copies of the package, each to be seen.

pytest tests/faults/test_planted_bugs.py -m campaign
"""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest

CHECKS = sorted({mutant.check for mutant in mutants.MUTANTS})


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_still_be_planted(tmp_path: Path, mutant: mutants.Mutant) -> None:
    mutants.planted(mutant, tmp_path / "package")


@pytest.mark.campaign
@pytest.mark.parametrize("check", CHECKS)
def test_the_package_as_it_is_passes_the_check(tmp_path: Path, check: str) -> None:
    code, said = mutants.run_check(check, mutants.PACKAGE.parent, tmp_path)
    if code == mutants.SKIPPED:
        pytest.skip(said)
    assert code == 0, said


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(tmp_path: Path, mutant: mutants.Mutant) -> None:
    code, said = mutants.checked(mutant, tmp_path)
    if code == mutants.SKIPPED:
        pytest.skip(said)
    assert code != 0, f"{mutant.check} does not see: {mutant.name}\n{said}"
