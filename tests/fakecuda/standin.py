"""Builds the stand-in for CUDA and runs processes on it.

`python standin.py SCRIPT ARGUMENTS` runs a script on it; FAKE_NDEV and the other variables of the
README say what the devices are like.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CUDA = 13  # the runtime's functions have other names and parameters in former versions

OPTIONS = {
    option: f"FAKE_{option.strip('_').upper()}"
    for option in ("verbose", "name", "mem", "old", "broken", "breaks", "broken_file", "assert_",
                   "assert_file", "oom_capture")
}  # fmt: skip
"""What `environment` takes, and the variables that it sets; the README explains them."""


class NoStandIn(RuntimeError):
    """The stand-in cannot be built here, for a reason that is no fault of srbench."""


def build() -> Path:
    """The folder with the built libraries, compiled the first time.

    Raises:
        NoStandIn: there is no compiler, or torch has no CUDA or not its headers.
        RuntimeError: the compiler refuses the source.
    """
    headers = _headers()
    missing = [name for name in ("g++", "gcc") if shutil.which(name) is None]
    if missing:
        raise NoStandIn(f"{missing[0]} is not installed")
    folder = platformdirs.user_cache_path("srbench") / "fakecuda" / _key()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    shared = ("-O1", "-shared", "-fPIC", "-Wall")
    runtime = [str(HERE / name) for name in ("runtime.cpp", "cublas.cpp")]
    includes = [f"-I{path}" for path in headers]
    _compile("g++", *shared, *includes, *runtime, "-o", str(made / "libfakecuda.so"))
    soname = "-Wl,-soname,libcuda.so.1"
    driver = str(HERE / "driver.c")
    _compile("gcc", *shared, soname, driver, "-o", str(made / "libcuda.so.1"), "-ldl")
    with suppress(OSError):  # another process was first
        made.rename(folder)
    shutil.rmtree(made, ignore_errors=True)
    return folder


def environment(
    *, devices: int = 1, paths: Sequence[Path] = (), **options: str | int | Path
) -> dict[str, str]:
    """Variables for a process on the stand-in; `paths` come first where it looks for modules.

    Raises:
        NoStandIn: it cannot be built here.
        KeyError: not one of OPTIONS.
    """
    hidden = ("CUDA_VISIBLE_DEVICES", "SRBENCH_DB", "SRBENCH_DATA", "FORCE_COLOR")
    kept = {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("FAKE_")}
    folders = [*paths, HERE / "site", ROOT]
    return {
        **kept,
        **_preloaded(build(), os.environ),
        **{OPTIONS[name]: str(value) for name, value in options.items()},
        "FAKE_NDEV": str(devices),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in folders),
    }


def start(
    *command: str | Path,
    devices: int = 1,
    folder: Path | None = None,
    paths: Sequence[Path] = (),
    **options: str | int | Path,
) -> subprocess.Popen[str]:
    """Start Python with these arguments on the stand-in: a script's file, or `-m`, ..."""
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environment(devices=devices, paths=paths, **options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*command: str | Path, timeout: float = 300, **how: Any) -> subprocess.CompletedProcess[str]:
    """The same, to its end; `how` is what `start` takes."""
    process = start(*command, **how)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _headers() -> list[Path]:
    """Folders with the CUDA runtime's headers, from the packages that come with torch."""
    import torch

    if torch.version.cuda is None:
        raise NoStandIn(f"torch {torch.__version__} is built without CUDA")
    if int(torch.version.cuda.split(".")[0]) != CUDA:
        raise NoStandIn(f"torch has CUDA {torch.version.cuda}, the stand-in is for CUDA {CUDA}")
    packages = Path(torch.__file__).parents[1]
    found = [file.parent for file in sorted(packages.glob("nvidia/*/include/cuda_runtime_api.h"))]
    found += sorted(packages.glob("triton/backends/nvidia/include"))  # crt/host_defines.h
    if not any((folder / "cuda_runtime_api.h").is_file() for folder in found):
        raise NoStandIn("the headers of the CUDA runtime are not installed")
    return found


def _key() -> str:
    """Of what the libraries are made of: another version is another folder."""
    import torch

    digest = hashlib.sha256(torch.__version__.encode())
    for file in sorted(HERE.glob("*.[ch]*")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _compile(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the stand-in does not compile:\n{done.stderr}")


def _preloaded(built: Path, here: Mapping[str, str]) -> dict[str, str]:
    folders = [str(built), *filter(None, [here.get("LD_LIBRARY_PATH")])]
    return {
        "LD_PRELOAD": str(built / "libfakecuda.so"),
        "LD_LIBRARY_PATH": os.pathsep.join(folders),
    }


def main(arguments: Sequence[str]) -> None:
    """Run a script on the stand-in, in place of this process."""
    given = {k: v for k, v in os.environ.items() if k.startswith("FAKE_")}
    os.execve(sys.executable, [sys.executable, *arguments], environment() | given)


if __name__ == "__main__":
    main(sys.argv[1:])
