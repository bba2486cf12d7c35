"""A real study under kill -9, and one with losses that go wrong: nothing lost, nothing twice.

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
        (change("delete from points where step = 7"), "I1"),
        (change("update points set value = value + 1e-12 where step = 7"), "I1"),
        (change("update runs set state = 'interrupted' where id = 1"), "I1"),
        (change("delete from points where step > 30"), "I3"),
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


# runs that go wrong by themselves

ACCIDENT = '''

@loss.register("accident")
def accident(*, kind: str = "none", step: int = 1):
    """L1 that goes wrong at a step. Ours."""
    import torch

    taken = 0

    def wrong(x, y):
        nonlocal taken
        taken += len(x) > 1  # planning tries a loss on one image
        if taken == step and kind == "nan":
            return l1(x, y) * float("nan")
        if taken == step and kind == "oom":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if taken == step and kind == "error":
            raise ValueError("the accident happened")
        return l1(x, y)

    return wrong
'''
REASONS = {"nan": "diverged", "oom": "oom", "error": "error"}
SAID = {"nan": "not finite at step {}", "oom": "out of memory", "error": "the accident happened"}
STEPS = 9


@pytest.mark.slow
def test_runs_that_go_wrong_say_so_and_leave_the_others_alone(tmp_path: Path) -> None:
    chance = random.Random()
    wrong = {name: (name, chance.randint(1, STEPS)) for name in REASONS}
    sound = {f"sound {n}": ("none", n) for n in range(3)}
    lines = [
        f"  {name}: {{train.loss: {{accident: {{kind: {kind}, step: {step}}}}}}}\n"
        for name, (kind, step) in (wrong | sound).items()
    ]
    text = tiny.STUDY.replace("seeds: 2", "seeds: 1").replace("  residual: {skip: bilinear}\n", "")
    folder = tiny.lay_out(tmp_path, text + "".join(lines))
    tiny.plug_in(folder)
    with (folder / "plugin" / "tiny_parts.py").open("a") as parts:
        parts.write(ACCIDENT)
    tiny.srbench(folder, "run", "tiny.yaml", code=1)

    query = "select variant, state, reason, steps, message from v_runs where variant <> 'bicubic'"
    found = {name: row for name, *row in history.rows(folder, query)}
    for kind, step in wrong.values():
        state, reason, steps, message = found.pop(kind)
        assert (state, reason, steps) == ("failed", REASONS[kind], step - (kind != "nan"))
        assert SAID[kind].format(step) in message
    assert {tuple(row[:3]) for row in found.values()} == {("done", None, STEPS)}
    losses = "select value from v_curves where name = 'loss_step' and variant = '{}' order by step"
    plain = history.rows(folder, losses.format("plain"))
    assert len(plain) == STEPS
    for name in found:
        assert history.rows(folder, losses.format(name)) == plain  # the same L1, the same bits
    assert history.rows(folder, "select count(*) from runs where state = 'running'") == [(0,)]
    assert history.trials(folder)["RUNNING"] == 0
    assert history.trials(folder)["FAIL"] == len(wrong)
