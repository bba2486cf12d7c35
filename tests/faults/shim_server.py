"""A process that has everything imported and forks a child for each fault: 20 ms instead of 5 s.

    python tests/faults/shim_server.py train               every call of a life
    python tests/faults/shim_server.py train 20            20 calls from end to end
    python tests/faults/shim_server.py train all thorough  errors also within a row of like writes

It starts itself again under the shim. Each case is a copy of the prepared folder, a child that
meets the fault, and a child that must find everything acknowledged, repair it and get done.
0.3 s of processor a case: ten minutes for `train`, twenty if thorough. The last line is JSON.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "store"), str(HERE)]

from shim import FAULTS, Fault, Shim, can_meet, compiled, is_within  # noqa: E402

CHILD_SECONDS = 120
OURS = "srbench: error: "
Ended = tuple[int, str]  # exit code, negative for a signal; the error stream


def in_child(folder: Path, work: Callable[[], Any], armed: Callable[[], None]) -> Ended:
    """Do the work in a fork, through the command line's own way of telling mistakes."""
    said = beside(folder, "stderr")
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_SECONDS)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        gc.disable()  # a child lives for a tenth of a second
        armed()
        os._exit(through_cli(work))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, said.read_text(encoding="utf-8", errors="replace")


def through_cli(work: Callable[[], Any]) -> int:
    """The work as a command of srbench; its exit code."""
    import traceback

    from srbench.cli import main

    commands = main.app.registered_commands
    main.app.command("life")(lambda: work())
    try:
        main.main(["life"])
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
        commands.pop()
    return 0


def beside(folder: Path, name: str) -> Path:
    """A file for this folder that the faults cannot reach."""
    return folder.with_name(f"{folder.name}.{name}")


def noting(folder: Path) -> Callable[..., None]:
    """Writes what the store has acknowledged."""
    file = os.open(beside(folder, "notes"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda *what: os.write(file, json.dumps(what).encode() + b"\n") and None


def noted(folder: Path) -> list[list[Any]]:
    path = beside(folder, "notes")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wrong_end(code: int, said: str, fault: Fault) -> list[str]:
    """Whether a fault ended the child as a person wants it: killed, well, or one plain line."""
    if "Traceback" in said:
        return [f"a traceback: {said.splitlines()[-1]}"]
    if fault.kills:
        return [] if code == -signal.SIGKILL else [f"exit {code}"]
    if code == 0:
        return []
    lines = [line for line in said.splitlines() if not line.startswith("srbench: warning: ")]
    place = lines[0].removeprefix(OURS).split(": ")[0] if lines else ""
    plain = len(lines) == 1 and lines[0].startswith(OURS) and "/" in place
    remedy = any(word in said for word in ("same command", "run this again", "recover"))
    return [] if code == 2 and plain and remedy else [f"exit {code}, said {said!r}"]


def campaign(shim: Shim, name: str, most: int | None, thorough: bool) -> dict[str, Any]:
    """Calls of a life, each with every fault: all, or so many; what went wrong."""
    from shim_lives import LIVES

    life = LIVES[name]
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    place = Path(tempfile.mkdtemp(prefix="srbench-every-call-", dir=fast))
    base, folder = place / "base", place / "case"
    base.mkdir()
    code, said = in_child(base, lambda: life.prepare(base), lambda: None)
    assert code == 0, said
    warm_up(life, base, place / "warm")

    def case(fault: Fault, number: int) -> tuple[Ended, bool]:
        shutil.rmtree(folder, ignore_errors=True)
        beside(folder, "notes").unlink(missing_ok=True)
        shutil.copytree(base, folder)
        ended = in_child(folder, lambda: life.live(folder, noting(folder)),
                         lambda: shim.arm(folder, fault, number))  # fmt: skip
        return ended, shim.disarm()

    (code, said), _ = case(Fault("list", "list"), 0)
    assert code == 0, said
    calls = shim.calls()
    last = len(calls)
    some = most or last
    chosen = sorted({1 + round(k * (last - 1) / max(some - 1, 1)) for k in range(some)})
    met, wrong = [], []
    for number in chosen:
        for fault in FAULTS:
            inside = is_within(number, calls) and not fault.kills and not thorough
            if inside or not can_meet(fault, number, calls):
                continue
            (code, said), fired = case(fault, number)
            met.append(fault.name)
            found = [*wrong_end(code, said, fault), *aftermath(life, folder)]
            found = found if fired else ["never came to be"]
            what = f"{name}, call {number} ({' '.join(calls[number - 1])}), {fault.name}"
            wrong += [f"{what}: {line}" for line in found]
    shutil.rmtree(place, ignore_errors=True)
    return {"calls": last, "cases": len(met), "faults": sorted(set(met)), "wrong": wrong}


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


def aftermath(life: Any, folder: Path) -> list[str]:
    """What is wrong right after the fault, and after the next start, both seen from a fork."""
    answer = beside(folder, "answer")
    answer.unlink(missing_ok=True)

    def look() -> None:
        found = life.crashed(folder, noted(folder))
        code = through_cli(lambda: life.live(folder, noting(folder)))
        found += life.examine(folder) if code == 0 else [f"the next start ended with {code}"]
        answer.write_text(json.dumps(found))

    code, said = in_child(folder, look, lambda: None)
    if code != 0 or not answer.exists():
        return [f"could not be examined: {said}"]
    found: list[str] = json.loads(answer.read_text())
    return [f"{line}: {said}" if line.startswith("the next start") else line for line in found]


def main(life: str, most: str = "all", *thorough: str) -> None:
    if "SHIM_CONTROL" not in os.environ:
        again_under_shim()
    shim = Shim(Path(os.environ["SHIM_CONTROL"]))
    found = campaign(shim, life, None if most == "all" else int(most), bool(thorough))
    print(json.dumps(found), flush=True)
    os._exit(bool(found["wrong"]))  # torch complains of its own leaks on the way out


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
    main(*sys.argv[1:])
