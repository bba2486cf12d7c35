"""A process that has everything imported and forks a child for each fault: 20 ms instead of 5 s.

    python tests/faults/shim_server.py                  every call of every life
    python tests/faults/shim_server.py train --calls 20  of one life, 20 calls from end to end
    python tests/faults/shim_server.py train --first 300  from a call on: where a campaign broke off
    python tests/faults/shim_server.py train --thorough   errors also within a row of like writes

It starts itself again under the shim. Each case is a copy of the prepared folder, a child that
meets the fault, and a child that must find everything acknowledged, repair it and get done. Two
lives and two forks a case, 0.3 s of processor: ten minutes for `train`, twenty if thorough.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "store"), str(HERE)]

from shim import FAULTS, Fault, Shim, can_meet, compiled, is_within  # noqa: E402

CHILD_SECONDS = 120
OURS = "srbench: error: "


@dataclass(frozen=True)
class Ended:
    """How a child ended: a signal is negative; what it said on its error stream."""

    code: int
    said: str


def in_child(folder: Path, work: Callable[[], Any], armed: Callable[[], None]) -> Ended:
    """Do the work in a fork, through the command line's own way of telling mistakes."""
    said = folder.with_name(folder.name + ".stderr")
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_SECONDS)
        errors = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        gc.disable()  # a child lives for a tenth of a second
        armed()
        os._exit(through_cli(work))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, said.read_text(encoding="utf-8", errors="replace"))


def through_cli(work: Callable[[], Any]) -> int:
    """The work as a command of srbench; its exit code."""
    import traceback

    from srbench.cli import main

    commands = main.app.registered_commands
    main.app.command("life")(lambda: work())
    try:
        main.main(["life"])
    except SystemExit as end:
        sys.stderr.flush()
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    finally:
        commands.pop()
    return 0


def noted(folder: Path) -> list[list[Any]]:
    path = notes_of(folder)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def notes_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".notes")


def noting(folder: Path) -> Callable[..., None]:
    file = os.open(notes_of(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda *what: os.write(file, json.dumps(what).encode() + b"\n") and None


def wrong_end(ended: Ended, fault: Fault, fired: bool, folder: Path) -> list[str]:
    """Whether the child told its fault as a person wants it told."""
    if "Traceback" in ended.said:
        return [f"a traceback: {ended.said.splitlines()[-1]}"]
    wrong: list[str] = []
    if fault.kills and fired:
        return wrong if ended.code == -signal.SIGKILL else [*wrong, f"exit {ended.code}"]
    if ended.code == 0:
        return wrong
    lines = [line for line in ended.said.splitlines() if not line.startswith("srbench: warning: ")]
    place = lines[0].removeprefix(OURS).split(": ")[0] if lines else ""
    told = len(lines) == 1 and lines[0].startswith(OURS) and "/" in place
    remedy = any(word in ended.said for word in ("same command", "run this again", "recover"))
    if not (ended.code == 2 and told and remedy):
        wrong.append(f"exit {ended.code}, said {ended.said!r}")
    return wrong


def campaign(
    shim: Shim, name: str, most: int | None, first: int = 1, thorough: bool = True
) -> dict[str, Any]:
    """Calls of a life, each with every fault: all, or so many; figures and what went wrong.

    What goes wrong is said on the error stream at once, and every 50 calls how far it has come.
    """
    from shim_lives import LIVES

    life = LIVES[name]
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    place = Path(tempfile.mkdtemp(prefix="srbench-every-call-", dir=fast))
    base, folder = place / "base", place / "case"
    base.mkdir()
    begun = time.monotonic()
    prepared = in_child(base, lambda: life.prepare(base), lambda: None)
    assert prepared.code == 0, prepared.said
    warm_up(life, base, place / "warm")

    def live() -> None:
        life.live(folder, noting(folder))

    def case(fault: Fault, number: int) -> tuple[Ended, bool]:
        shutil.rmtree(folder, ignore_errors=True)
        notes_of(folder).unlink(missing_ok=True)
        shutil.copytree(base, folder)
        ended = in_child(folder, live, lambda: shim.arm(folder, fault, number))
        return ended, shim.disarm()

    plain, _ = case(Fault("list", "list"), 0)
    assert plain.code == 0, plain.said
    calls = shim.calls()
    told: Counter[str] = Counter()
    wrong: list[str] = []
    cases = 0
    chosen = [number for number in evenly(len(calls), most) if number >= first]
    for place, number in enumerate(chosen, 1):
        if most is None and place % 50 == 0:
            print(f"{name}: call {number} of {len(calls)}, {cases} cases", file=sys.stderr)
        for fault in FAULTS:
            if not can_meet(fault, number, calls) or (
                not thorough and not fault.kills and is_within(number, calls)
            ):
                continue
            ended, fired = case(fault, number)
            if not fired:
                wrong.append(f"{name}, call {number}, {fault.name}: never came to be")
                continue
            cases += 1
            told[f"{fault.name}: {'killed' if ended.code < 0 else f'exit {ended.code}'}"] += 1
            found = wrong_end(ended, fault, fired, folder)
            found += aftermath(life, folder, live)
            what = f"{name}, call {number} ({' '.join(calls[number - 1])}), {fault.name}"
            wrong += [f"{what}: {line}" for line in found]
            for line in found:
                print(f"{what}: {line}", file=sys.stderr)
    shutil.rmtree(place, ignore_errors=True)
    return {
        "life": name, "calls": len(calls), "cases": cases, "told": dict(sorted(told.items())),
        "seconds": round(time.monotonic() - begun, 1), "wrong": wrong,
    }  # fmt: skip


def evenly(calls: int, most: int | None) -> list[int]:
    """The numbers of all calls, or of so many from the first to the last."""
    if most is None or most >= calls:
        return list(range(1, calls + 1))
    return sorted({1 + round(k * (calls - 1) / max(most - 1, 1)) for k in range(most)})


def warm_up(life: Any, base: Path, folder: Path) -> None:
    """Live once in this process, so that its children need not import and compile again."""
    shutil.copytree(base, folder)
    here, out = os.getcwd(), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = through_cli(lambda: life.live(folder, lambda *what: None))
    os.dup2(out, 1)
    os.chdir(here)
    shutil.rmtree(folder)
    assert code == 0
    gc.collect()
    gc.freeze()
    left = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd > "2"
            and os.path.exists(f"/proc/self/fd/{fd}")]  # fmt: skip
    assert not [path for path in left if ".sqlite" in path], "a database would cross the fork"


def aftermath(life: Any, folder: Path, live: Callable[[], None]) -> list[str]:
    """What is wrong right after the fault, and after the next start, both seen from a fork."""
    answer = folder.with_name(folder.name + ".answer")
    answer.unlink(missing_ok=True)

    def look() -> None:
        found = life.crashed(folder, noted(folder))
        code = through_cli(live)
        answer.write_text(json.dumps(found + (life.examine(folder) if code == 0 else [code])))

    ended = in_child(folder, look, lambda: None)
    if ended.code != 0 or not answer.exists():
        return [f"could not be examined: {ended.said}"]
    found: list[Any] = json.loads(answer.read_text())
    if found and isinstance(found[-1], int):
        found[-1] = f"the next start ended with {found[-1]}: {ended.said}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lives", nargs="*")
    parser.add_argument("--calls", type=int, default=None)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--thorough", action="store_true")
    options = parser.parse_args()
    if "SHIM_CONTROL" not in os.environ:
        again_under_shim()
    shim = Shim(Path(os.environ["SHIM_CONTROL"]))
    from shim_lives import LIVES

    bad = 0
    for name in options.lives or LIVES:
        found = campaign(shim, name, options.calls, options.first, options.thorough)
        bad += len(found["wrong"])
        print(json.dumps(found), flush=True)
    sys.stdout.flush()
    os._exit(1 if bad else 0)  # torch complains of its own leaks on the way out


def again_under_shim() -> None:
    place = Path(tempfile.mkdtemp(prefix="srbench-shim-"))
    library = compiled(place)
    if library is None:
        sys.exit("no C compiler is here")
    shim = Shim(place / "control")
    more = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "SRBENCH_DB": ""}
    environment = os.environ | more | shim.environment(library)
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


if __name__ == "__main__":
    main()
