"""A study killed again and again, -9, at drawn moments and in chosen phases, until it is done.

Victims are a worker, the conductor, or the whole process group. What phase the victim was in is
read after its death from the file it had mapped, so what is counted are hits, not aims.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import conductors
import history
import tiny
from conductors import Conductor
from phases import OF_CONDUCTOR, OF_WORKER, PHASES

ROUND = 25  # kills of one study, at most
STUDY = tiny.STUDY
for old, new in {
    "patches: 12": "patches: 40",
    "patch: 16": "patch: 32",
    "epochs: 3": "epochs: 4",
}.items():
    assert old in STUDY
    STUDY = STUDY.replace(old, new)


def undisturbed(folder: Path) -> history.Found:
    """What a study without faults ends with."""
    tiny.lay_out(folder, STUDY)
    conductor = conductors.run(folder, checkpoint_s="0.1")
    assert conductor.wait() == 0, conductor.printed()
    assert history.check(folder) == []
    return history.outcome(folder)


def campaign(
    home: Path, kills: int, chance: random.Random, expected: history.Found
) -> Counter[str]:
    """So many kills, in as many studies as they need; how many hit each phase and each victim."""
    hits: Counter[str] = Counter()
    number = 0
    while (left := kills - victims(hits)) > 0:
        number += 1
        folder = tiny.lay_out(home / f"a [study] {number}", STUDY)
        one_study(folder, min(left, ROUND), chance, hits)
        found = history.check(folder, expected)
        assert found == [], f"{folder}: {found}"
    return hits


def victims(hits: Counter[str]) -> int:
    return hits["worker"] + hits["conductor"] + hits["group"]


def one_study(folder: Path, kills: int, chance: random.Random, hits: Counter[str]) -> None:
    """A study from nothing to its end, through so many kills; then once more, undisturbed."""
    checkpoint_s = chance.choice(["0", "0", "0.05", "0.2"])
    conductor = conductors.run(folder, checkpoint_s=checkpoint_s)
    before = hits.copy()
    while True:
        code = conductor.poll()
        if code is not None:
            ended_well(conductor, code)
            if code == 0:
                break
            conductor = conductors.run(folder, checkpoint_s=checkpoint_s)
        if victims(hits) - victims(before) < kills:
            hits.update(shoot(conductor, chance, hits))
        else:
            conductor.wait()
        assert history.torn(folder) == []
    again = conductors.run(folder)
    assert again.wait() == 0, again.printed()
    (lost,) = history.rows(folder, "select count(*) from runs where reason = 'lost'")[0]
    # two workers have to be killed in an attempt before it is given up
    assert 2 * lost <= hits["worker"] - before["worker"], f"{folder}: {lost} attempts given up"


def ended_well(conductor: Conductor, code: int) -> None:
    """The exit code is one that a kill explains, and nothing is a surprise."""
    said = conductor.printed()
    assert "Traceback" not in said, said
    assert code in (0, 1, -signal.SIGKILL) or (code == 2 and "could not start" in said), said
    if code == 0:
        states = history.rows(conductor.folder, "select distinct state from v_runs")
        assert states == [("done",)], said


def shoot(conductor: Conductor, chance: random.Random, hits: Counter[str]) -> list[str]:
    """Kill a victim; its kind and the phases it died in. Nothing where the moment did not come.

    Half of the kills are in the phase that was hit least so far, the others at a drawn moment.
    """
    phase = chance.choice([None, min(PHASES, key=lambda name: hits[name])])
    kinds = ("conductor", "group") if phase in OF_CONDUCTOR else ("worker", "worker", "group")
    victim = chance.choice((*kinds, "conductor") if phase is None else kinds)
    if phase is None:
        time.sleep(chance.random() * 0.8)

    def there() -> list[int]:
        if phase in OF_WORKER or victim == "worker":
            return conductor.workers(phase)
        return [conductor.pid] if phase in (None, conductor.phase()) else []

    pids = conductor.until(there, 8)
    if not pids or conductor.poll() is not None:
        return []
    if victim == "worker":
        pid = chance.choice(pids)
        conductors.kill(pid)
        return [victim, conductor.phase_of(pid)]
    workers = conductor.workers()
    if victim == "group":
        conductor.kill_group()
        return [victim, conductor.phase(), *(conductor.phase_of(pid) for pid in workers)]
    os.kill(conductor.pid, signal.SIGKILL)
    conductor.wait()
    return [victim, conductor.phase()]
