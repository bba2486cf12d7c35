"""PostgreSQL for tests: the server that SRBENCH_TEST_POSTGRES names, else one started here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from srbench.store.address import find
from srbench.store.engine import open_engine
from srbench.store.journal import Journal


@pytest.fixture
def postgres(server: str) -> Iterator[str]:
    """The URL of a fresh database on a PostgreSQL server."""
    name = f"srbench_{uuid.uuid4().hex}"
    administrator = open_engine(find(server), Journal("truncate", "unused"))
    administrator = administrator.execution_options(isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with administrator.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administrator.dispose()


@dataclass
class Control:
    """The server started here, to be stopped and started by a test."""

    folder: Path
    call: Callable[..., None]

    def start(self) -> None:
        options = f"-c listen_addresses='' -c fsync=off -k {self.folder}"
        self.call("-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        self.call("-m", "fast", "-w", "stop")


@pytest.fixture
def control(server: str) -> Control:
    """Stops and starts the server; skipped where it is not ours."""
    folder = make_url(server).query.get("host", "")
    if not isinstance(folder, str) or folder not in CONTROLS:
        pytest.skip("the PostgreSQL server was not started here")
    return CONTROLS[folder]


CONTROLS: dict[str, Control] = {}


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    if given := os.environ.get("SRBENCH_TEST_POSTGRES"):
        yield given
        return
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: neither SRBENCH_TEST_POSTGRES nor its programs are there")
    folder = Path(tempfile.mkdtemp(prefix="srbench-pg-", dir="/tmp"))
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to be root
    try:
        if user:
            shutil.chown(folder, user)
    except LookupError:
        pytest.skip("PostgreSQL does not run as root, and there is no user for it")
    data = folder / "data"

    def call(*command: str | Path) -> None:
        subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)

    call(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N")
    CONTROLS[str(folder)] = own = Control(folder, partial(call, programs / "pg_ctl", "-D", data))
    own.start()
    yield f"postgresql://postgres@/postgres?host={folder}"
    call(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def postgres_programs() -> Path | None:
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)
