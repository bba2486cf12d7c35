"""Thousands of bad inputs, each in a child that may not hang, grow or chatter.

    python tests/faults/fuzz.py --all             10,000 studies, 10,000 images, 5,000 weights, …
    python tests/faults/fuzz.py images --cases 500 --first 3000 --shapes

A case is a number: the same number is the same input. The test suite runs a few of each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

LONGEST_S, MOST_MORE_MB = 2.0, 1000  # of the processor's time: a busy machine is no hang
IDLE = 10  # times as long by the clock
STUCK_S = 60.0  # beyond its time, a case that not even the alarm ends, or a start that hangs
BATCH = 250
Check = Callable[[int, Path], str]
"""Tries case n in a folder; what was refused with, "" where it was not. Raises where it failed."""


@dataclass(frozen=True)
class Campaign:
    """One kind of input: how many cases the whole is, and what makes the check for a batch."""

    cases: int
    sample: int
    prepare: Callable[[Path], Check]
    longest_s: float = LONGEST_S
    batch: int = BATCH


@dataclass
class Figures:
    """What came of it."""

    cases: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"{self.cases:,} cases in {self.seconds:.0f} s: {self.refused:,} refused, "
            f"{self.cases - self.refused - len(self.faults):,} handled, "
            f"{len(self.faults)} faults; slowest {self.slowest_s:.2f} s, peak {self.peak_mb:.0f} MB"
        )


def run(campaign: Campaign, first: int, cases: int) -> Figures:
    """Try cases first … first + cases - 1, a child for each batch."""
    figures, begin = Figures(), time.monotonic()
    for start in range(first, first + cases, campaign.batch):
        end = min(start + campaign.batch, first + cases)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            _batch(campaign, range(start, end), Path(folder), figures)
    figures.seconds = time.monotonic() - begin
    return figures


def _batch(campaign: Campaign, numbers: range, folder: Path, figures: Figures) -> None:
    told = folder / "told.jsonl"
    told.touch()
    child = os.fork()
    if child == 0:
        try:
            _in_child(campaign, numbers, folder, told)
        except BaseException:
            _tell(told, {"fault": f"batch {numbers}: {traceback.format_exc()}"})
        finally:
            os._exit(0)
    status = _waited(child, told, campaign.longest_s * IDLE + STUCK_S)
    for line in told.read_text("utf-8").splitlines():
        row = json.loads(line)
        figures.cases += "case" in row
        figures.refused += bool(row.get("refused"))
        figures.slowest_s = max(figures.slowest_s, row.get("seconds", 0))
        figures.peak_mb = max(figures.peak_mb, row.get("peak_mb", 0))
        if row.get("fault"):
            figures.faults.append(f"case {row.get('case')}: {row['fault']}")
        if row.get("refused"):
            figures.shapes[shape(row["refused"])] += 1
    if status:
        figures.faults.append(f"the child of {numbers} ended with status {status}")


def _in_child(campaign: Campaign, numbers: range, folder: Path, told: Path) -> None:
    aside = os.open(folder / "stderr", os.O_RDWR | os.O_CREAT)
    os.dup2(aside, 2)
    os.chdir(folder)
    check = campaign.prepare(folder)
    most = _pages("VmSize") + MOST_MORE_MB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGPROF, _hang)
    signal.signal(signal.SIGALRM, _hang)
    for number in numbers:
        begin, chatter = time.process_time(), os.fstat(aside).st_size
        row: dict[str, object] = {"case": number}
        signal.setitimer(signal.ITIMER_PROF, campaign.longest_s)
        signal.setitimer(signal.ITIMER_REAL, campaign.longest_s * IDLE)
        try:
            row["refused"] = one_line(check(number, folder))
        except BaseException:
            row["fault"] = traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if os.fstat(aside).st_size > chatter:
            said = os.pread(aside, 300, chatter).decode(errors="replace")
            row.setdefault("fault", f"chatter on stderr: {said}")
        row["seconds"] = time.process_time() - begin
        row["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _tell(told, row)


def one_line(refusal: str) -> str:
    """The refusal, once it is known to be one line that a terminal shows as it is."""
    assert refusal.isprintable(), f"not one printable line: {refusal!r}"
    return refusal


def shape(refusal: str) -> str:
    """A refusal with its particulars left out, to count and read the kinds."""
    short = re.sub(r"'[^']*'|\"[^\"]*\"|/\S+/|\(known: .*", "…", refusal)
    return re.sub(r"\d[\d,.]*", "0", short)[:150]


def _hang(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("the case hangs")


def _tell(told: Path, row: dict[str, object]) -> None:
    with told.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _pages(key: str) -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{key}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _waited(child: int, told: Path, longest_s: float) -> int:
    """The child's status, once it has ended, or was ended because nothing moved."""
    size, since = -1, time.monotonic()
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if told.stat().st_size != size:
            size, since = told.stat().st_size, time.monotonic()
        elif time.monotonic() - since > longest_s:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def campaigns() -> dict[str, Campaign]:
    sys.path.append(str(Path(__file__).parents[1]))
    import fuzz_images
    import fuzz_names
    import fuzz_studies
    import fuzz_weights

    return {
        "studies": Campaign(10_000, 400, fuzz_studies.prepare),
        "images": Campaign(10_000, 800, fuzz_images.prepare),
        "weights": Campaign(5_000, 500, fuzz_weights.prepare),
        "names": Campaign(200, 2, fuzz_names.prepare, longest_s=60, batch=50),
    }


def main() -> None:
    known = campaigns()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("campaign", nargs="*", choices=[*known, []], default=[])
    parser.add_argument("--all", action="store_true", help="every campaign, whole")
    parser.add_argument("--cases", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shapes", action="store_true", help="count the kinds of refusal")
    chosen = parser.parse_args()
    failed = False
    for name in known if chosen.all else chosen.campaign:
        figures = run(known[name], chosen.first, chosen.cases or known[name].cases)
        print(f"{name}: {figures}", flush=True)
        for fault in figures.faults[:20]:
            print(fault[-3000:])
        for kind, count in figures.shapes.most_common(400 if chosen.shapes else 0):
            print(f"{count:6} {kind}")
        failed = failed or bool(figures.faults)
    sys.exit(failed)


if __name__ == "__main__":
    main()
