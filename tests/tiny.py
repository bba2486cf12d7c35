"""A study small enough to be run whole by a test: real photographs, real commands, real processes.

Three crops of 48x48, a CARN of four channels; most of a run's few seconds are process starts.
The folder's name has spaces and brackets, which people's folders have too.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from srbench.cli.main import main

CROPS = {"astronaut": (180, 60), "chelsea": (150, 100), "coffee": (250, 100)}
DB = "db/srbench.sqlite"

STUDY = """\
question: Does a bilinear residual help a tiny CARN?
scale: 2
data:
  train: {folder: {path: photos}}
  patches: 12
  patch: 16
  validate: {folder: {path: photos}}
  eval: [{folder: {path: photos}}]
train: {epochs: 3, batch: 4, optimizer: {adam: {lr: 2.0e-3}}, validations: 3}
seeds: 2
base: {carn: {channels: 4, blocks: 1, units: 1}}
interpolations: [bicubic]
min_effect: 0.3 dB
variants:
  plain: {}
  residual: {skip: bilinear}
"""

PARTS = '''\
"""Parts that try a harness: one takes its time, and others go wrong while a file is there."""

import os
import signal
import time
from multiprocessing import parent_process
from pathlib import Path

from srbench.core.part_facts import MetricFacts
from srbench.core.slots import loss, metric


def l1(x, y):
    return (x - y).abs().mean()


@loss.register("patient")
def patient(*, ms: int = 10):
    """L1 that takes `ms` milliseconds more. Ours."""

    def slowly(x, y):
        if len(x) > 1:  # planning tries a loss on one image
            time.sleep(ms / 1000)
        return l1(x, y)

    return slowly


@loss.register("stumbling")
def stumbling(*, flag: str = "stumble"):
    """L1 that raises while the file `flag` is there. Ours."""

    def raising(x, y):
        if len(x) > 1 and Path(flag).exists():
            raise ArithmeticError("stumbled over the flag")
        return l1(x, y)

    return raising


@loss.register("deadly")
def deadly(*, flag: str = "die"):
    """L1 that kills its process while the file `flag` is there. Ours."""

    def killing(x, y):
        if len(x) > 1 and Path(flag).exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return l1(x, y)

    return killing


@metric.register("risky", facts=MetricFacts(better="higher"))
def risky(*, flag: str = "unscored"):
    """A metric that raises in a worker while the file `flag` is there. Ours."""

    def raising(sr, hr):
        if parent_process() and Path(flag).exists():
            raise ArithmeticError("no score while the flag is there")
        return 1.0

    return raising
'''


def lay_out(folder: Path, text: str = STUDY, *, name: str = "tiny") -> Path:
    """A folder to work in: `tiny.yaml` and the photographs it names; the folder."""
    photos = folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for crop in CROPS:
        save_crop(crop, photos / f"{crop}.png")
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def save_crop(photo: str, file: Path, side: int = 48) -> None:
    """A square out of one of scikit-image's photographs."""
    package = find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    x, y = CROPS[photo]
    with Image.open(Path(package.origin).parent / "data" / f"{photo}.png") as whole:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole.convert("RGB").crop((x, y, x + side, y + side)).save(file)


def plug_in(folder: Path, parts: str = PARTS) -> None:
    """Install parts, those above, for commands that run in this folder."""
    home = folder / "plugin"
    about = home / "tiny_parts-1.0.dist-info"
    about.mkdir(parents=True)
    (home / "tiny_parts.py").write_text(parts)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-parts\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[srbench.parts]\ntiny = tiny_parts\n")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command of srbench in a process group of its own, as a shell starts it."""
    return started(folder, sys.executable, "-m", "srbench", *arguments)


def started(folder: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def environment(folder: Path) -> dict[str, str]:
    """One thread, wide lines, nothing set by the user, and the folder's plug-in if it has one."""
    hidden = ("SRBENCH_DB", "SRBENCH_DATA", "FORCE_COLOR")
    paths = [str(folder / "plugin"), str(Path(__file__).parents[1])]
    return {
        **{name: value for name, value in os.environ.items() if name not in hidden},
        "CUDA_VISIBLE_DEVICES": "",
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }


def ended(process: subprocess.Popen[str], code: int) -> str:
    """What a command printed, once it has ended with this exit code and no traceback."""
    try:
        out, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"does not end\n{out}\n{err}") from None
    assert (process.returncode, "Traceback" in err) == (code, False), f"{out}\n{err}"
    return out + err


def srbench(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command to its end in a process of its own; what it printed."""
    return ended(start(folder, *arguments), code)


def words(folder: Path, *arguments: str) -> str:
    """What a command printed, its lines joined."""
    return " ".join(srbench(folder, *arguments).split())


def called(*arguments: str) -> int:
    """Run a command in this process, which has torch already; its exit code."""
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("the command did not exit")


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What the folder's database answers, asked by SQLite itself."""
    connection = sqlite3.connect(f"file:{folder / DB}?mode=ro".replace(" ", "%20"), uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def changed(folder: Path, statement: str) -> None:
    """Change the rows of the folder's database."""
    with closing(sqlite3.connect(folder / DB)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


@contextmanager
def shown(folder: Path, study: str = "tiny") -> Iterator[Any]:
    """The study as Optuna itself loads it."""
    import optuna  # late: it takes a second

    storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/db/optuna.sqlite")
    yield optuna.load_study(study_name=study, storage=storage)
    storage.remove_session()
    storage.engine.dispose()


@cache
def finished(base: Path) -> Path:
    """A folder with the study run to its end, made once; for reading only."""
    folder = lay_out(base / "a [photos] study")
    (folder / "said.txt").write_text(srbench(folder, "run", "tiny.yaml"))
    return folder


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Ask until the answer is true; the answer."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, f"{what} was awaited for {seconds} s"
        time.sleep(0.002)
    return answer


def workers(conductor: int) -> list[int]:
    """The worker processes of a conductor."""
    try:
        children = Path(f"/proc/{conductor}/task/{conductor}/children").read_text().split()
        lines = {int(p): Path(f"/proc/{p}/cmdline").read_bytes() for p in children}
    except OSError:
        return []
    return [pid for pid, line in lines.items() if b"spawn_main" in line]
