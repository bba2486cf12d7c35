"""A real study under kill -9: nothing lost, nothing twice.

SRBENCH_KILLS=1000 pytest tests/faults/test_kills.py -m campaign -s
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import history
import kills
import pytest
import tiny
from phases import PHASES

KILLS = int(os.environ.get("SRBENCH_KILLS", "200"))  # of the campaign


@pytest.mark.parametrize(
    ("number", "each"),
    [
        pytest.param(20, 0, marks=pytest.mark.slow),
        pytest.param(KILLS, KILLS // 40, marks=pytest.mark.campaign),
    ],
)
def test_a_study_killed_again_and_again_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, undisturbed: history.Found, number: int, each: int
) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    hits = kills.campaign(tmp_path, number, random.Random(seed), undisturbed)
    print(hits)
    assert kills.victims(hits) >= number
    assert {phase: hits[phase] for phase in PHASES if hits[phase] < each} == {}


def change(query: str) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        with closing(sqlite3.connect(folder / tiny.DB)) as connection:
            connection.execute("pragma ignore_check_constraints = on")
            connection.execute(query)
            connection.commit()

    return changed


def rot_weights(folder: Path) -> None:
    file = next((folder / "db" / "runs").glob("*/0/weights.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def tear_a_picture(folder: Path) -> None:
    file = next((folder / "db" / "runs" / "images").glob("*-hr.png"))
    file.write_bytes(file.read_bytes()[:500])


def write_after_a_later_claim(folder: Path) -> None:
    file = next((folder / "history").glob("*.jsonl"))
    now = time.monotonic_ns()
    finish = next(c for c in history.calls_of(folder) if c.op == "finish")
    claim = {"call": now, "op": "claim", "pid": 1, "at": now}
    answer = {"call": now, "end": "ok", "run": finish.run, "fence": 9, "at": now + 1}
    late = {"call": now + 2, "op": "interrupt", "run": finish.run, "fence": 1, "at": now + 2}
    ok = {"call": now + 2, "end": "ok", "at": now + 3}
    with file.open("a") as notes:
        notes.writelines(json.dumps(note) + "\n" for note in (claim, answer, late, ok))


@pytest.fixture(scope="module")
def sound(server: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    kills.undisturbed(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (change("delete from segments where first <= 7"), "I1"),
        (
            change("update segments set numbers = json_set(numbers, '$[6]', (numbers ->> 6) + 1)"),
            "I1",
        ),
        (change("update runs set state = 'interrupted' where id = 1"), "I1"),
        (change("delete from segments where first + stride * (count - 1) > 30"), "I3"),
        (change("update scores set value = value * (1 + 1e-15)"), "I7"),
        (change("update curves set run_id = 99 where id = 1"), "I6"),
        (rot_weights, "I3"),
        (tear_a_picture, "picture"),
        (write_after_a_later_claim, "I5"),
    ],
    ids=range(9),
)
def test_the_judge_sees_what_it_looks_for(
    sound: Path, tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    folder = shutil.copytree(sound, tmp_path / "harmed")
    expected = history.outcome(folder)
    assert history.check(folder, expected) == []
    harm(folder)
    assert any(found.startswith(said) for found in history.check(folder, expected))
