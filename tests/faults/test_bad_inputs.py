"""The table of bad inputs, executed: what is typed, the one line that comes back, exit code 2.

SRBENCH_UPDATE_GOLDEN=1 writes the answers of bad_inputs.yaml anew.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml
from PIL import Image

TABLE = Path(__file__).with_name("bad_inputs.yaml")
CASES: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text("utf-8"))
REAL = ("a misspelt key", "--workers -1", "no database yet", "an escape sequence in a text")
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good study, its images, and what the bad ones name."""
    folder = tiny.lay_out(tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    whole = (folder / "photos" / "coffee.png").read_bytes()
    (folder / "broken" / "cut.png").write_bytes(whole[: len(whole) // 2])
    for crop in tiny.CROPS:  # two of 24x24, as x2 needs, and one of another size
        side = 20 if crop == "coffee" else 24
        (folder / "lr").mkdir(exist_ok=True)
        Image.new("RGB", (side, 24)).save(folder / "lr" / f"{crop}.png")
    (folder / "notes.txt").write_text("This is no database.\n")
    (folder / "locked.yaml").write_text(tiny.STUDY)
    (folder / "locked.yaml").chmod(0)
    return folder


def laid(here: Path, case: dict[str, Any]) -> list[str]:
    """The words of the command, once its study file is there."""
    if "study" in case:
        (here / "bad.yaml").write_text(case["study"], encoding="utf-8")
    return shlex.split(case["command"])


def plain(here: Path, said: str) -> str:
    """The line without the folder's place, and without lists of parts, which grow."""
    line = said.replace(str(here), "{here}").removesuffix("\n")
    return re.sub(r"\(known: (?:[\w-]+, ){3,}[\w-]+\)", "(known: …)", line)


@pytest.mark.parametrize("case", CASES, ids=[case["mistake"] for case in CASES])
def test_a_bad_input_gets_this_very_answer(
    here: Path, capsys: Captured, case: dict[str, Any]
) -> None:
    if "locked" in case["command"] and os.access(here / "locked.yaml", os.R_OK):
        pytest.skip("this user may read every file")
    before = {p.relative_to(here) for p in here.rglob("*")} | {Path("bad.yaml")}
    code = tiny.called(*laid(here, case))
    out, err = capsys.readouterr()
    said = plain(here, err)
    if os.environ.get("SRBENCH_UPDATE_GOLDEN"):
        rewrite(case["mistake"], said)
        return
    assert (code, out, said) == (2, "", f"srbench: error: {case['says']}")
    assert err.removesuffix("\n").isprintable()
    assert {p.relative_to(here) for p in here.rglob("*")} <= before, "files were left behind"


@pytest.mark.slow
@pytest.mark.parametrize("mistake", REAL)
def test_a_real_process_says_the_same(here: Path, mistake: str) -> None:
    case = next(case for case in CASES if case["mistake"] == mistake)
    said = tiny.srbench(here, *laid(here, case), code=2)
    assert plain(here, said) == f"srbench: error: {case['says']}"


def test_the_table_is_long_enough_and_says_where_and_what() -> None:
    assert len(CASES) >= 40
    assert len({case["mistake"] for case in CASES}) == len(CASES)
    for case in CASES:
        if "study" in case:
            assert case["says"].startswith("bad.yaml:"), case


def rewrite(mistake: str, said: str) -> None:
    """Put the answer of today into the table."""
    answer = said.removeprefix("srbench: error: ")
    dumped = yaml.safe_dump(answer, allow_unicode=True, width=10**6).removesuffix("...\n").strip()
    text = TABLE.read_text("utf-8")
    head = re.escape(yaml.safe_dump(mistake, width=10**6).removesuffix("...\n").strip())
    entry = re.compile(rf"(- mistake: {head}\n(?:(?!\n- ).|\n(?!\n- ))*?  says:) [^\n]*")
    assert len(entry.findall(text)) == 1, mistake
    TABLE.write_text(entry.sub(lambda m: f"{m[1]} {dumped}", text), encoding="utf-8")
