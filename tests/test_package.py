"""The package that people install: wheel and sdist, used outside the checkout.

The environment is empty but for the wheel; what srbench depends on comes by a .pth file from the
environment of the tests, which takes 7 GB. tests/test_walls.py checks that it is all declared.
About a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from srbench import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
MB = 10**6
SCRIPT = """\
import srbench

study = srbench.read("quickstart.yaml", set={"train.epochs": 5})
planned = srbench.plan(study)
found = srbench.run(study, on_progress=lambda progress: print(progress.variant, progress.step))
reveal_type(planned.workers)
reveal_type(found.effects)
"""


def build(folder: Path, *options: str) -> Path:
    """Build into a folder; the wheel."""
    words = [sys.executable, "-m", "build", "--no-isolation", *options, "-o", str(folder)]
    subprocess.run([*words, str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is made of the sdist, which lies beside it."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin"


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, stood in, where nothing leads to the checkout."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("PYTHON", "SRBENCH"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tmp_path


def printed(program: Path, *arguments: str) -> str:
    ran = subprocess.run([str(program), *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def contents(wheel: Path) -> dict[str, int]:
    """Checksum of each file."""
    with ZipFile(wheel) as opened:
        return {one.filename: one.CRC for one in opened.infolist()}


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    files = {
        p for p in (ROOT / "srbench").rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert {str(p.relative_to(ROOT)) for p in files} == {
        name for name in contents(wheel) if name.startswith("srbench/")
    }
    assert wheel.stat().st_size < 1.5 * MB


def test_the_sdist_makes_the_same_wheel_as_the_checkout(wheel: Path, tmp_path: Path) -> None:
    assert contents(build(tmp_path, "--wheel")) == contents(wheel)
    sdist = wheel.parent / f"srbench-{__version__}.tar.gz"
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "ablations/quickstart.yaml"} <= names
    assert sdist.stat().st_size < 2 * MB


def test_a_study_runs_from_the_wheel_outside_the_checkout(environment: Path, outside: Path) -> None:
    assert printed(environment / "python", "-m", "srbench", "--version").split()[-1] == __version__
    home = printed(environment / "python", "-c", "import srbench; print(srbench.__file__)")
    assert Path(home.strip()).is_relative_to(environment.parent)
    assert "quickstart.yaml" in printed(environment / "srbench", "new", "quickstart")
    short = ["--seeds", "1", "--only", "skip*"]
    short += ["--set", "train.epochs=1", "--set", "data.patches=4"]
    ran = printed(environment / "srbench", "run", "quickstart", *short)
    assert "This takes about" in ran  # before anything is trained
    assert "srbench report quickstart --open" in ran
    printed(environment / "srbench", "report", "quickstart")
    assert (outside / "reports" / "quickstart" / "index.html").is_file()


def test_a_script_is_type_checked_against_the_wheel(environment: Path, outside: Path) -> None:
    (outside / "script.py").write_text(SCRIPT)
    mypy = ["-m", "mypy", "--strict", "--python-executable", str(environment / "python")]
    checked = printed(Path(sys.executable), *mypy, "script.py")
    assert 'Revealed type is "int"' in checked
    assert "DataFrame" in checked
