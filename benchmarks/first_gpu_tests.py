"""The check of `first_gpu.py` that runs the project's own tests for a GPU."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from first_gpu_checks import Finding, Given, figure

ROOT = Path(__file__).resolve().parents[1]
TEST = re.compile(r"^(\S+\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)
WHY = re.compile(r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?) - (.+)$", re.MULTILINE)
END_S = 5.0  # kept back to stop the tests and read what they said


def tests(given: Given, case: str) -> Iterator[Finding]:
    """`pytest -m gpu` of the project: what passes, what fails, what is skipped."""
    files = [str(file) for file in _files(given.tests)]
    if not files or find_spec("pytest") is None:
        why = "pytest is not installed" if files else f"{given.tests} has no test for a GPU"
        yield Finding("", "skipped", why)
        return
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "-rfE", "--tb=short",
               "-p", "no:cacheprovider", *files]  # fmt: skip
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True
        )
        code = None
        try:
            code = process.wait(given.seconds - END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.seek(0)
        text = said.read()
    print(text, flush=True)
    yield from _found(text, code, given.seconds)


def _files(folder: str) -> list[Path]:
    """Files that name the mark: importing the others takes time, and may fail for other reasons."""
    found = ROOT / folder
    files = sorted(found.rglob("test_*.py")) if found.is_dir() else [found]
    return [file for file in files if file.is_file() and "mark.gpu" in file.read_text("utf-8")]


def _found(text: str, code: int | None, seconds: float) -> Iterator[Finding]:
    ends = {name: outcome.lower() for name, outcome in TEST.findall(text)}
    why = dict(WHY.findall(text))
    for name, outcome in ends.items():
        if outcome in ("failed", "error"):
            yield Finding(name, "failed", why.pop(name, "pytest ended before it said why"))
    for name, reason in why.items():  # a file that cannot be imported, for one
        if name not in ends:
            yield Finding(name, "failed", reason)
    number = Counter(ends.values())
    counts = {kind: number[kind] for kind in ("passed", "failed", "error", "skipped")}
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if code is None:
        yield Finding("pytest -m gpu", "failed", f"not ended within {seconds:.0f} s; {listed}")
    elif code == 0 and number["passed"]:
        yield Finding("pytest -m gpu", "passed", listed, dict(counts))
    elif code == 1:  # the failures are named above
        yield figure("pytest -m gpu", listed, **counts)
    else:
        last = (text.strip().splitlines() or ["it said nothing"])[-1]
        yield Finding("pytest -m gpu", "failed", f"{listed}; exit code {code}: {last}")
