"""Bugs to plant: small replacements in the source, each with the quick check that has to see it.

    python tests/faults/mutants.py [PART OF A NAME]

A replacement that no longer applies exactly once is an error: then the table is to be mended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "srbench"
SKIPPED = 77  # what a check answers that cannot be made here


@dataclass(frozen=True)
class Mutant:
    """A planted bug: in `file`, each `old` becomes its `new`; `check` has to fail."""

    name: str
    check: str
    file: str
    changes: tuple[tuple[str, str], ...]


def mutant(name: str, check: str, file: str, *texts: str) -> Mutant:
    return Mutant(name, check, file, tuple(zip(texts[::2], texts[1::2], strict=True)))


MUTANTS = (
    # the store
    mutant("a transaction begins by reading", "claims_race", "store/engine.py",
           'driver.execute("BEGIN IMMEDIATE")', 'driver.execute("BEGIN")'),
    mutant("synchronous is NORMAL", "durable", "store/engine.py",
           "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),
    mutant("links are not looked at", "durable", "store/engine.py",
           'connection.execute("PRAGMA foreign_keys = ON")', "pass"),
    mutant("a claim is a question, then an answer", "claims_race", "store/queue.py",
           "        with writing(self.engine) as connection:\n            first = (",
           "        with reading(self.engine) as connection:\n            first = (",
           "            taken = connection.execute(\n",
           "            chosen = connection.execute(first).scalar_one_or_none()\n"
           "        with writing(self.engine) as connection:\n"
           "            taken = connection.execute(\n",
           "Run.id == first.scalar_subquery()", "Run.id == chosen"),
    mutant("the schema is made without a lock", "first_opening", "store/engine.py",
           "            with connection.begin():\n                lock(connection)\n",
           "            connection.execution_options(reads=True)\n"
           "            with connection.begin():\n"),
    mutant("a claim keeps its fence", "leases", "store/queue.py",
           "fence=Run.fence + 1", "fence=Run.fence"),
    mutant("fences are not compared", "leases", "store/run_rows.py",
           ".where(Run.id == lease.run, Run.fence == lease.fence, Run.state == \"running\")",
           ".where(Run.id == lease.run)"),
    mutant("a lease never runs out", "leases", "store/run_rows.py",
           "or_(run.lease_until < now, *abandoned)", "or_(run.lease_until < 0, *abandoned)"),
    mutant("a lease is worth nothing", "leases", "store/run_rows.py",
           "run.lease_until < now", "run.lease_until < now + LEASE_SECONDS"),
    mutant("a heartbeat does not prolong the lease", "leases", "store/run_rows.py",
           '.values(**{"lease_until": now + LEASE_SECONDS} | values)',
           '.values(**{"state": "running"} | values)'),
    mutant("the living are taken for dead", "the_dead", "store/owners.py",
           "return start_of(owner.pid) != owner.started", "return True"),
    mutant("the dead are taken for living", "the_dead", "store/owners.py",
           "    except ProcessLookupError:\n        return True",
           "    except ProcessLookupError:\n        return False"),
    mutant("NaN is stored as 0", "rows", "store/columns.py",
           "    number = float(value) + 0.0\n",
           "    number = 0.0 if math.isnan(value) else float(value)\n"),
    mutant("the first of two points stays", "rows", "store/measurements.py",
           'replace=["epoch", "value", "not_finite"],', "replace=[],"),
    mutant("points past the checkpoint stay", "rows", "store/measurements.py",
           "Point.step > after)", "Point.step > after + 10**9)"),
    mutant("a diverged run is tried again", "rows", "store/values.py",
           'RETRIED = ("oom", "error", "lost")', 'RETRIED = ("oom", "error", "lost", "diverged")'),
    mutant("done comes before its scores", "half_a_result", "store/measurements.py",
           '            end(connection, lease, self.clock(), "done", **values)\n',
           '            end(connection, lease, self.clock(), "done", **values)\n'
           "        with writing(self.engine) as connection:\n"),
    mutant("done is said before it is written", "study", "run/conductor.py",
           "        self.store.measurements.finish("
           "lease, self.assignments.outcome(lease, done, seat.device))",
           "        import threading\n"
           "        threading.Timer(0.3, self.store.measurements.finish,"
           " (lease, self.assignments.outcome(lease, done, seat.device))).start()"),
    # files
    mutant("no fsync of the checkpoint", "durable", "core/files.py",
           "                os.fsync(file.fileno())\n", ""),
    mutant("no fsync of its folder", "durable", "core/files.py",
           "        flush_folder(path.parent)\n", ""),
    mutant("written in place, not aside", "durable", "core/files.py",
           "file, aside = _open_aside(path.with_name(path.name + ASIDE))",
           'file, aside = path.open("wb"), path'),
    mutant("the checksum is not looked at", "checkpoints", "train/checkpoint.py",
           "if hashlib.sha256(payload).digest() != digest:", "if not digest:"),
    mutant("one checkpoint is kept", "checkpoints", "train/checkpoint.py",
           "KEPT = 2", "KEPT = 1"),
    # training
    mutant("the order comes from a global generator", "resumes", "data/patches.py",
           'streams.generator("order", epoch, "shuffle").permutation(count)',
           "np.random.permutation(count)"),
    mutant("the optimizer starts anew", "resumes", "train/learner.py",
           "        part.load_state_dict(state[name])\n",
           '        name == "optimizer" or part.load_state_dict(state[name])\n'),
    mutant("noise goes on from where torch stands", "resumes", "train/fit.py",
           '                generator.manual_seed(streams.torch_seed("noise", training.step))\n',
           "                pass\n"),
    mutant("a loss that is no number is taken", "resumes", "train/fit.py",
           "if not math.isfinite(value):", "if value == math.inf:"),
    # processes
    mutant("SIGTERM is ignored", "study", "core/signals.py",
           "        stop.number = number", "        stop.number = stop.number"),
    mutant("a worker outlives its conductor", "study", "run/worker.py",
           "        sys.exit(1)\n", "        time.sleep(40)\n"),
    mutant("trials run for ever", "study", "run/optuna_file.py",
           "        self.storage.set_trial_state_values("
           "number, _STATES[trial.state], _values(trial, shown))\n", ""),
)  # fmt: skip


def planted(mutant: Mutant | None, folder: Path) -> Path:
    """A copy of the package below the folder, with the bug in it; the folder to import it from."""
    shutil.copytree(PACKAGE, folder / "srbench", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        file = folder / "srbench" / mutant.file
        text = file.read_text(encoding="utf-8")
        for old, new in mutant.changes:
            if text.count(old) != 1:
                raise ValueError(f"{mutant.name}: found {text.count(old)} times: {old!r}")
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return folder


def run_check(check: str, package: Path, folder: Path) -> tuple[int, str]:
    """Exit code and words of a check on this copy of the package."""
    environment = os.environ | {
        "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [sys.executable, str(HERE / "mutants_checks.py"), check, str(folder)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        said, _ = process.communicate()
        return 1, f"hangs\n{said}"
    return process.returncode, said


def checked(mutant: Mutant, home: Path) -> tuple[int, str]:
    """What the check of a mutant says of it."""
    package, folder = planted(mutant, home / "package"), home / "folder"
    folder.mkdir()
    return run_check(mutant.check, package, folder)


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [m for m in MUTANTS if wanted in m.name]
    caught = 0
    for one in chosen:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            code, said = checked(one, Path(home))
        word = {0: "NOT CAUGHT", SKIPPED: "skipped"}.get(code, "caught")
        caught += word == "caught"
        last = said.strip().splitlines()[-1:]
        print(f"{word:10}  {one.check:14} {one.name}: {' '.join(last)[:100]}", flush=True)
    print(f"{caught} of {len(chosen)} caught")


if __name__ == "__main__":
    main()
