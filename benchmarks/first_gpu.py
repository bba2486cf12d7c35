"""The first ten minutes on a GPU: does srbench train there as it should, and how fast?

    python benchmarks/first_gpu.py                              cuda:0, ten minutes at most
    python benchmarks/first_gpu.py --device cuda:1 --minutes 5
    python benchmarks/first_gpu.py --only held convolutions     some checks; --list names them

Checks come in order of importance. Each line is one finding: passed (something was compared, and
nothing differs), failed with the reason, or a figure with its unit; a check for which the time was
too short is "not reached". All findings, with what they were taken on, are in first_gpu.json; what
commands, tests and tracebacks said is in first_gpu.log. Exit code 1 where a check has failed, or
where there is no GPU.

Every check runs in a process that is replaced once something has gone wrong in it, and has a time
limit, so none can spoil or stop another.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from first_gpu_checks import Check, Finding, Given, Outcome, outcome_of
from first_gpu_process import Overdue, Process, Spoilt, serve

sys.path.insert(1, str(Path(__file__).parents[1]))  # a checkout need not be installed
try:
    import first_gpu_bits as bits
    import first_gpu_commands as commands
    import first_gpu_speed as speed
    import first_gpu_tests as tests
    from first_gpu_training import settled
except Exception as problem:  # torch and torchvision of two indexes, a package that is missing
    sys.exit(f"first_gpu: srbench cannot be imported: {type(problem).__name__}: {problem}")

CHECKS = (  # by importance
    Check("doctor", commands.doctor, 60),
    Check("held", bits.held, 120, bits.HELD),
    Check("repeated", bits.repeated, 60),
    Check("memory", commands.memory, 90),
    Check("faults", commands.faults, 150),
    Check("tests", tests.tests, 180),
    Check("steps", speed.steps, 60, speed.STEPS),
    Check("idle", speed.idle, 90, speed.IDLE),
    Check("convolutions", speed.convolutions, 60, tuple(speed.CONVOLUTIONS)),
    Check("host_made", speed.host_made, 60, tuple(speed.HOST_MADE)),
    Check("quickstart", commands.quickstart, 240),
    Check("suite", speed.suite, 90, speed.PROJECTED),
    Check("several", commands.several, 120),
)
BY_NAME = {check.name: check for check in CHECKS}
FACTS, FACTS_S = "facts", 90.0
LEAST_S = 5.0  # of the whole time, without which no check is begun
SMALL = {"steps": 6, "laps": 2, "epochs": 1, "tests": "tests/measure"}
"""Settings that show in a few minutes, without a GPU, that all checks come to an end."""


@dataclass
class Report:
    """What has been found so far; written after each check, so that nothing is lost."""

    file: Path
    facts: dict[str, Any]
    asked: dict[str, Any]
    checks: list[dict[str, Any]] = field(default_factory=list)

    def add(self, check: Check, findings: list[Finding], seconds: float) -> Outcome:
        outcome = outcome_of(findings)
        self.checks.append({
            "name": check.name, "shows": check.shows, "outcome": outcome,
            "seconds": round(seconds, 1), "lines": [asdict(finding) for finding in findings],
        })  # fmt: skip
        whole = {"facts": self.facts, "asked": self.asked, "checks": self.checks}
        beside = self.file.with_name(f".{self.file.name}.new")
        beside.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        beside.replace(self.file)
        return outcome


class Runner:
    """Runs checks in one process after another."""

    def __init__(self, command: list[str], log: IO[str], deadline: float) -> None:
        self.command, self.log, self.deadline = command, log, deadline
        self.process: Process | None = None

    def answers(self, request: dict[str, Any], seconds: float) -> Iterator[Any]:
        """As `Process.answers`; a process that has spoilt is ended, and the next is a new one."""
        if self.process is None:
            self.process = Process(self.command, self.log)
        try:
            yield from self.process.answers(request, seconds)
        except Spoilt:
            self.end()
            raise

    def findings(self, check: Check) -> Iterator[Finding]:
        """Of all cases of a check, one after another, within its seconds and the deadline."""
        until = min(time.monotonic() + check.seconds, self.deadline)
        for case in check.cases:
            left = until - time.monotonic()
            try:
                if left < LEAST_S:
                    raise Overdue(f"the {check.seconds:.0f} s of the check are over")
                for answer in self.answers({"name": check.name, "case": case}, left):
                    yield Finding(**answer)
            except Overdue as late:
                if self.deadline - time.monotonic() < LEAST_S:
                    yield Finding(case, "not reached", "the time is over")
                else:
                    yield Finding(case, "failed", str(late))
            except Spoilt as why:
                yield Finding(case, "failed", str(why))

    def end(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None


def take(checks: list[Check], runner: Runner, report: Report) -> list[Outcome]:
    """Run checks in turn, print each finding as it comes; their outcomes."""
    outcomes: list[Outcome] = []
    for check in checks:
        start, findings = time.monotonic(), list[Finding]()
        for finding in runner.findings(check):
            findings.append(finding)
            print(f"{check.name:13} {finding}", flush=True)
        if not findings:
            findings.append(Finding("", "failed", "it has compared and measured nothing"))
            print(f"{check.name:13} {findings[-1]}", flush=True)
        outcomes.append(report.add(check, findings, time.monotonic() - start))
    return outcomes


def answerer(given: Given) -> Callable[[dict[str, Any]], Iterator[Any]]:
    """What a process does with its requests."""

    def answer(request: dict[str, Any]) -> Iterator[Any]:
        if request["name"] == FACTS:
            yield commands.facts(given)
            return
        with settled(given.device):
            now = replace(given, seconds=request["seconds"])
            for finding in BY_NAME[request["name"]].work(now, request["case"]):
                yield asdict(finding)

    return answer


def first_line(facts: dict[str, Any]) -> str:
    """The machine in one line."""
    about = ", ".join(f"{key} {facts.get(key) or 'unknown'}" for key in ("driver", "cuda", "cudnn"))
    return (
        f"{facts['device']}: {facts['name']}, {facts['memory_mb'] / 1e3:.0f} GB, {about}, "
        f"torch {facts['torch']}; {facts['host']}, {facts['cores']} cores"
    )


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--minutes", type=float, default=10.0, help="that all may take")
    parser.add_argument("--out", type=Path, default=Path("first_gpu.json"))
    parser.add_argument("--only", nargs="+", choices=BY_NAME, metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="name the checks")
    parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Print findings as they come; 1 where a check has failed or there is no GPU."""
    words = asked()
    if words.list:
        print("\n".join(f"{check.name:13} {check.shows}" for check in CHECKS))
        return 0
    if words.device == "cuda":
        words.device = "cuda:0"
    if words.serve:
        serve(answerer(Given(words.device, **(SMALL if words.small else {}))))
        return 0
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    words.out.parent.mkdir(parents=True, exist_ok=True)
    with (
        words.out.with_suffix(".log").open("w", encoding="utf-8") as log,
        TemporaryDirectory(prefix="first_gpu-", ignore_cleanup_errors=True) as scratch,
    ):
        os.environ |= {"OMP_NUM_THREADS": "1", "TMPDIR": scratch}
        return conduct(words, log)


def conduct(words: argparse.Namespace, log: IO[str]) -> int:
    """Ask what there is, then run the checks; the exit code."""
    start, seconds = time.monotonic(), 60 * words.minutes
    command = [sys.executable, __file__, "--serve", "--device", words.device]
    runner = Runner(command + ["--small"] * words.small, log, start + seconds)
    try:
        (facts,) = runner.answers({"name": FACTS}, min(FACTS_S, seconds))
        print(first_line(facts), flush=True)
        began = datetime.now(UTC).isoformat(timespec="seconds")
        wanted = {"minutes": words.minutes, "small": words.small, "began": began}
        checks = [check for check in CHECKS if check.name in (words.only or BY_NAME)]
        outcomes = take(checks, runner, Report(words.out, facts, wanted))
    except Spoilt as why:
        print(f"first_gpu: {str(why).removeprefix('DeviceError: ')}")
        return 1
    finally:
        runner.end()
    counts = ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(outcomes))
    print(f"{len(outcomes)} checks in {time.monotonic() - start:.0f} s: {counts}; {words.out}")
    return int("failed" in outcomes)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
