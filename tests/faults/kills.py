"""A study killed again and again, -9, at drawn moments and in chosen phases, until it is done.

    python tests/faults/kills.py --kills 1000 --lanes 2

Victims are a worker, the conductor, or the whole process group. What phase the victim was in is
read after its death from the file it had mapped, so the table tells hits, not aims.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]

import history  # noqa: E402
import tiny  # noqa: E402
from kills_nursery import Child, Nursery, environment  # noqa: E402
from kills_phases import PHASES, read  # noqa: E402

ROUND = 25  # kills of one study, at most
EACH = 5  # hits that every phase is to have at least

STUDY = tiny.STUDY
for old, new in {
    "patches: 12": "patches: 40",
    "patch: 16": "patch: 32",
    "epochs: 3": "epochs: 4",
}.items():
    assert old in STUDY
    STUDY = STUDY.replace(old, new)

OF_CONDUCTOR = ("claim", "commit", "tell")
OF_WORKER = ("step", "checkpoint", "scoring")


@dataclass
class Tally:
    """Hits and troubles of all lanes."""

    wanted: int
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)  # phase, victim
    kills: int = 0
    studies: int = 0
    lost: int = 0  # attempts given up, because two workers were killed in one
    troubles: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, phase: str) -> int:
        return sum(number for (found, _), number in self.hits.items() if found == phase)

    def rarest(self) -> str:
        return min(PHASES, key=self.of)

    def table(self) -> str:
        victims = ("worker", "conductor", "group")
        names = sorted({*PHASES, *(phase for phase, _ in self.hits)}, key=lambda n: -self.of(n))
        lines = [f"{'phase':12}" + "".join(f"{victim:>11}" for victim in victims)]
        for name in names:
            lines.append(f"{name:12}" + "".join(f"{self.hits[name, v]:11}" for v in victims))
        return "\n".join(lines)


class Study:
    """One study under fire: its folder, and the conductor that works on it now."""

    def __init__(self, nursery: Nursery, folder: Path, chance: random.Random) -> None:
        self.nursery, self.folder, self.chance = nursery, folder, chance
        tiny.lay_out(folder, STUDY)
        self.checkpoint_s = chance.choice(["0", "0", "0.05", "0.2"])
        self.child = self.start()

    def start(self, workers: str = "forked") -> Child:
        options = ("--workers", "2", "--checkpoint-s", self.checkpoint_s)
        return self.nursery.start(self.folder, "run", "tiny.yaml", *options, workers=workers)

    def phase(self, kind: str, pid: int) -> str:
        try:
            return read(self.folder / "trace" / f"{self.child.pid}-{kind}-{pid}")
        except FileNotFoundError:
            return "import"  # has not come to its first line

    def workers(self) -> list[int]:
        """Those of this conductor that live."""
        files = (self.folder / "trace").glob(f"{self.child.pid}-worker-*")
        return [pid for pid in (int(f.name.rpartition("-")[2]) for f in files) if alive(pid)]

    def until(self, found: Callable[[], object], seconds: float) -> bool:
        """Wait for a moment; False where the conductor ended, or it did not come."""
        end = time.monotonic() + seconds
        turn = 0
        while not found():
            turn += 1
            if time.monotonic() > end or (turn % 64 == 0 and self.child.poll() is not None):
                return False
            time.sleep(0.0003)
        return True

    def kill_worker(self, phase: str | None) -> list[tuple[str, str]]:
        """Kill one worker: in this phase, or at a drawn moment."""
        chosen: list[int] = []

        def there() -> bool:
            chosen[:] = [p for p in self.workers() if phase in (None, self.phase("worker", p))]
            return bool(chosen)

        if phase is None:
            time.sleep(self.chance.random() * 0.4)
        if not self.until(there, 8):
            return []
        pid = self.chance.choice(chosen)
        kill(pid)
        return [(self.phase("worker", pid), "worker")]

    def kill_conductor(self, phase: str | None, victim: str) -> list[tuple[str, str]]:
        """Kill the conductor alone or with its group; a phase may be its own or a worker's."""
        if phase is None:
            time.sleep(self.chance.random() * 1.2)
        else:
            kind = "worker" if phase in OF_WORKER else "conductor"

            def there() -> bool:
                pids = self.workers() if kind == "worker" else [self.child.pid]
                return any(self.phase(kind, pid) == phase for pid in pids)

            if not self.until(there, 8):
                return []
        if self.child.poll() is not None:
            return []
        workers = self.workers()
        if victim == "group":
            self.kill_group()
        else:
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()
        hit = [(self.phase("conductor", self.child.pid), victim)]
        if victim == "group":
            hit += [(self.phase("worker", pid), victim) for pid in workers]
        return hit

    def kill_group(self) -> None:
        if self.child.poll() is None:
            with suppress(ProcessLookupError):  # only just forked, and no leader yet
                os.killpg(self.child.pid, signal.SIGKILL)
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def kill_import(self) -> list[tuple[str, str]]:
        """Kill a conductor, or a worker, that is a process of its own and still imports."""
        if self.chance.random() < 0.7:
            command = [sys.executable, "-m", "srbench", "run", "tiny.yaml"]
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment(), start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(self.chance.uniform(0.03, 1.0))
            loaded = Path(f"/proc/{process.pid}/maps").read_text()
            process.kill()
            process.wait()
            return [("import" if "libtorch_cpu" not in loaded else "plan", "conductor")]
        self.kill_group()
        self.child = self.start(workers="spawned")
        if not self.until(lambda: tiny.workers(self.child.pid), 15):
            return []
        pid = tiny.workers(self.child.pid)[0]
        time.sleep(self.chance.uniform(0.0, 0.8))
        kill(pid)
        hit = [("import", "worker"), ("wait", "group")]
        self.kill_group()  # or it would be seconds until the next
        return hit


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.0005)


def shoot(study: Study, tally: Tally) -> list[tuple[str, str]]:
    """One kill: half of them in the phase hit least so far, the others at a drawn moment."""
    chance = study.chance
    phase = tally.rarest() if tally.of(tally.rarest()) < EACH or chance.random() < 0.5 else None
    if phase == "import":
        return study.kill_import()
    victims = ["worker", "worker", "conductor", "group"]
    if phase in OF_CONDUCTOR:
        victims = ["conductor", "group"]
    elif phase in OF_WORKER:
        victims = ["worker", "worker", "group"]
    victim = chance.choice(victims)
    if victim == "worker":
        return study.kill_worker(phase)
    return study.kill_conductor(phase, victim)


def one_study(
    nursery: Nursery, folder: Path, chance: random.Random, tally: Tally, undisturbed: history.Found
) -> None:
    """A study from nothing to its end, with kills until there are enough; then judged."""
    study = Study(nursery, folder, chance)
    kills = workers = 0
    while True:
        code = study.child.poll()
        if code is not None:
            if code not in (0, 1, 2, -signal.SIGKILL):
                tally.troubles.append(f"{folder}: exit code {code}: {study.child.said()[-1500:]}")
                return
            if "Traceback" in study.child.said():
                tally.troubles.append(f"{folder}: {study.child.said()[-1500:]}")
                return
            if code == 2 and "could not start" not in study.child.said():
                tally.troubles.append(f"{folder}: exit code 2: {study.child.said()[-1500:]}")
                return
            if code == 0:
                states = states_of(folder)
                if states == ["done"]:
                    break
                tally.troubles.append(f"{folder}: exit code 0, but the runs are {states}: "
                                      f"{study.child.said()[-500:]}")  # fmt: skip
                return
            study.child = study.start()
        if kills >= ROUND or tally.kills >= tally.wanted:
            study.child.wait()
            continue
        hit = shoot(study, tally)
        if hit:
            kills += 1
            workers += hit[0][1] == "worker"
            with tally.lock:
                tally.kills += 1
                tally.hits.update(hit)
        tally.troubles += [f"{folder}: {trouble}" for trouble in history.torn(folder)]
    again = study.start()
    if again.wait() != 0:
        tally.troubles.append(f"{folder}: once more: {again.said()[-1500:]}")
    found = history.check(folder, undisturbed)
    with tally.lock:
        tally.troubles += [f"{folder}: {trouble}" for trouble in found]
        tally.studies += 1
        lost = "select count(*) from runs where reason = 'lost'"
        number = history.rows(folder, lost)[0][0]
        tally.lost += number
        if 2 * number > workers:
            tally.troubles.append(f"{folder}: {number} given up after {workers} kills of workers")


def states_of(folder: Path) -> list[str]:
    return [state for (state,) in history.rows(folder, "select distinct state from v_runs")]


def undisturbed(nursery: Nursery, folder: Path) -> history.Found:
    tiny.lay_out(folder, STUDY)
    child = nursery.start(folder, "run", "tiny.yaml", "--workers", "2", "--checkpoint-s", "0.1")
    assert child.wait() == 0, child.said()
    assert history.check(folder) == []
    return history.outcome(folder)


def folders(home: Path, lane: int) -> Iterator[Path]:
    number = 0
    while True:
        number += 1
        yield home / f"lane {lane} [study] {number}"


def campaign(home: Path, kills: int, lanes: int, seed: int, nursery: Nursery) -> Tally:
    """So many kills, in several studies at a time; the studies in trouble stay in `home`."""
    expected = undisturbed(nursery, home / "undisturbed")
    tally = Tally(kills)

    def lane(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        for folder in folders(home, number):
            if tally.kills >= tally.wanted or tally.troubles:
                return
            try:
                one_study(nursery, folder, chance, tally, expected)
            except Exception as problem:
                tally.troubles.append(f"{folder}: {type(problem).__name__}: {problem}")
                raise

    threads = [threading.Thread(target=lane, args=(n,)) for n in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.randrange(10**6)
    home = Path(tempfile.mkdtemp(prefix="kills-"))
    print(f"seed {seed}, in {home}")
    nursery, begun = Nursery(), time.monotonic()
    tally = campaign(home, asked.kills, asked.lanes, seed, nursery)
    nursery.close()
    took = time.monotonic() - begun
    print(tally.table())
    print(f"{tally.kills} kills in {tally.studies} studies, {tally.lost} attempts given up, "
          f"{took:.0f} s, {tally.kills / took:.2f} kills/s")  # fmt: skip
    print("\n".join(tally.troubles) or "nothing lost, nothing twice, nothing torn")
    sys.exit(1 if tally.troubles else 0)


if __name__ == "__main__":
    main()
