"""Damaged, doctored and foreign databases: a right answer or one line, never a traceback.

Here some dozens of mutants; SRBENCH_MUTANTS=2000 tries so many, and SRBENCH_FIRST=500 begins
there: seconds each, so they are best shared between processes.
"""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from modes import in_mode
from store_samples import claimed, database, doctored, finish_all, plan

from srbench.core.errors import DatabaseError, ReadOnly, UserError
from srbench.store import LeaseLost, Point, Store, open_store, this_process
from srbench.store.doctor import database_facts
from srbench.store.export import export
from srbench.store.journal import Journal
from srbench.store.sql import ask

MUTANTS = int(os.environ.get("SRBENCH_MUTANTS", "30"))
FIRST = int(os.environ.get("SRBENCH_FIRST", "0"))
PAGE = 4096
WORDS = (b'"epochs"', b"photos", b"demo", b"queued", b"done", b"psnr_y", b'["', b'{"', b"2026",
         b"null", b"facts", b"runs", b"baseline", b"v0002", b"sr-y-v1", b"nan")  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with a finished study, one that failed and one that runs."""
    path = Path(database(tmp_path_factory.mktemp("whole")))
    store = open_store(path)
    finish_all(store, store.plans.add(plan(seeds=(0,))))
    other = store.plans.add(plan("other", ("plain", "atrous", "scse"), (1,)))
    claim = claimed(store, other)
    store.measurements.write_points(claim, [Point("loss", 1, 0.1, float("nan"))])
    store.queue.fail(claim, "oom", "no memory", steps=3)
    claimed(store, other)
    store.close()
    return path.read_bytes()


def mutated(whole: bytes, draw: random.Random) -> bytes:
    """Bits, bytes, pages or words exchanged, or an end cut off."""
    data, at = bytearray(whole), draw.randrange(len(whole))
    here, there = (PAGE * draw.randrange(len(whole) // PAGE) for _ in range(2))
    word = draw.choice(WORDS)
    place = max(whole.find(word, at), 0)
    bits = [draw.randrange(len(whole)) for _ in range(draw.choice([1, 3, 30]))]
    some = draw.randbytes(min(draw.choice([1, 16, 200, PAGE]), len(whole) - at))
    match draw.randrange(6):
        case 0:
            for bit in bits:
                data[bit] ^= 1 << draw.randrange(8)
        case 1:
            data[at : at + len(some)] = some
        case 2:
            del data[at:]
        case 3:
            data[draw.randrange(100)] = draw.randrange(256)
        case 4:
            data[here : here + PAGE] = data[there : there + PAGE]
        case 5:
            other = draw.choice([draw.randbytes(1), b"[", b"1", b"n", b"\xff"])
            data[place : place + len(word)] = other * len(word)
    return bytes(data)


def verbs(folder: Path) -> dict[str, Callable[[Store], object]]:
    """Every way to read, and the ways a run writes."""

    def train(store: Store) -> None:
        number = store.plans.add(plan("third", ("plain", "new"), (0, 1)))
        store.queue.retry_failed(number)
        store.measurements.missing_scores(number)
        while (claim := store.queue.claim(number, this_process("test"))) is not None:
            store.measurements.write_points(claim, [Point("loss", 1, 0.1, 1.0)], steps=1)
            store.queue.interrupt(claim, 1)
            break
        store.queue.states(number)
        store.queue.elsewhere(number, this_process())
        store.plans.find("key")
        store.runs.step_seconds({"x"}, "cpu")

    return {
        "studies": lambda store: store.reading.studies(),
        "results": lambda store: [store.reading.results(name) for name in ("demo", "other")],
        "show": lambda store: [store.runs.show(number) for number in (1, 3)],
        "sql": lambda store: [ask(store, f"SELECT * FROM {v}") for v in ("v_runs", "v_scores")],
        "export": lambda store: export(store, folder / "csv"),
        "export study": lambda store: store.reading.results("demo").to_folder(folder / "one"),
        "facts": lambda store: database_facts(store),
        "finished": lambda store: store.runs.finished(),
        "train": train,
    }


def tried(path: Path, verb: Callable[[Store], object]) -> str:
    """Why one verb was refused; empty where it went well; anything else raises."""
    try:
        with closing(open_store(path, create=False)) as store:
            verb(store)
    except UserError as refused:
        return str(refused)
    except LeaseLost:
        pass  # the run is no longer what it was: not written, which is right
    return ""


@pytest.mark.slow
def test_a_mutant_is_read_rightly_or_refused_in_one_line(whole: bytes, tmp_path: Path) -> None:
    answers = []
    faults = []
    for number in range(FIRST, FIRST + MUTANTS):
        path = Path(database(tmp_path))
        data = mutated(whole, random.Random(number))
        for name, verb in verbs(tmp_path).items():
            path.write_bytes(data)
            for journal in tmp_path.glob("srbench.sqlite-*"):
                journal.unlink()
            try:
                answers.append(tried(path, verb))
            except Exception:
                faults.append(f"mutant {number}, {name}: {traceback.format_exc()}")
    assert not faults, "\n".join(faults)
    assert not [refused for refused in answers if "\n" in refused or len(refused) > 600]
    assert MUTANTS // 2 < sum(map(bool, answers)) < len(answers) - MUTANTS // 2


DOCTORED = {
    "text for a number": "UPDATE segments SET scale = 'high'",
    "a word among numbers": """UPDATE segments SET numbers = '["high"]', count = 1""",
    "a curve without its last number": "UPDATE segments SET count = count + 1",
    "bytes for text": "UPDATE variants SET change = x'00ff'",
    "numbers that are no UTF-8": "UPDATE segments SET numbers = CAST(x'ff80' AS TEXT)",
    "a state that does not exist": "UPDATE runs SET state = 'happy'",
    "a path out of the folder": "UPDATE pictures SET path = '../../etc/passwd'",
    "an absolute path": "UPDATE runs SET weights = '/etc/passwd'",
    "a path of Windows": "UPDATE runs SET weights = 'C:/boot.ini'",
    "facts that are a list": "UPDATE plans SET facts = '[1, 2]'",
    "facts without a name": "UPDATE plans SET facts = '{}'",
    "seeds that are words": "UPDATE plans SET facts = json_set(facts, '$.seeds[0]', 'one')",
    "facts that are a number": "UPDATE plans SET facts = 12",
    "metrics that are a number": "UPDATE plans SET metrics = '12'",
    "metrics that are no names": "UPDATE plans SET metrics = '[1]'",
    "two versions": "INSERT INTO srbench_version VALUES ('0000')",
    "a baseline that is no variant": "UPDATE plans SET facts = json_set(facts, '$.baseline', 'x')",
}


@pytest.mark.parametrize("statement", DOCTORED.values(), ids=DOCTORED)
def test_a_doctored_database_is_refused_by_name(
    whole: bytes, tmp_path: Path, statement: str
) -> None:
    path = Path(database(tmp_path))
    path.write_bytes(whole)
    doctored(path, statement)
    with pytest.raises(UserError, match=r"[Rr]estore a backup") as refused:
        open_store(path, create=False).reading.results("demo")
    assert str(refused.value).startswith(f"{path}: ")


def test_a_truncated_file_is_refused_at_any_length(whole: bytes, tmp_path: Path) -> None:
    path = Path(database(tmp_path))
    for length in (1, 15, 16, 17, 99, 100, 101, 512, PAGE - 1, PAGE, PAGE + 1, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError) as refused:
            open_store(path).reading.results("demo")
        assert str(path) in str(refused.value)
        assert path.read_bytes()[:100] == whole[:length][:100]


LOSSES: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (Path.unlink, "was deleted or moved while it was in use: put it back"),
    "moved": (lambda file: file.rename(file.with_name("x")), "was deleted or moved while it was"),
    "emptied": (lambda file: os.truncate(file, 0), "was emptied while it was in use: restore a"),
    "cut": (lambda file: os.truncate(file, 30000), "was truncated, 30,000 of [0-9,]+ bytes are"),
}
MODES = {"truncate": LOSSES, "wal": ("deleted", "moved")}  # with a log a cut shows only later


@pytest.mark.parametrize(("mode", "how"), [(mode, how) for mode in MODES for how in MODES[mode]])
def test_a_file_that_is_lost_under_an_open_store_is_called_that(
    whole: bytes, tmp_path: Path, mode: Any, how: str
) -> None:
    path = Path(database(tmp_path))
    path.write_bytes(whole)
    lose, called = LOSSES[how]
    with closing(in_mode(str(path), Journal(mode, "asked for by the test"))) as store:
        lease = claimed(store, store.plans.add(plan("third")))
        lose(path)
        for verb in (
            lambda: store.queue.heartbeat(lease),
            lambda: store.measurements.write_points(lease, [Point("loss", 1, 0.1, 1.0)], steps=1),
            lambda: store.reading.results("demo"),
        ):
            with pytest.raises(DatabaseError, match=f"^{path}: {called}") as refused:
                verb()
            assert not isinstance(refused.value, ReadOnly)
            assert "\n" not in str(refused.value)
