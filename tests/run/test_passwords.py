"""The password of a database stands in no output, no file and no row. Half a minute."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny
from sqlalchemy import create_engine, inspect, make_url, text

pytestmark = pytest.mark.slow
SECRET = "s3cretW0rd"
SHORT = tiny.STUDY.replace("seeds: 2", "seeds: 1").replace("  residual: {skip: bilinear}\n", "")


def rows(url: str) -> str:
    """Every row of every table, as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        found = [str(connection.execute(text(f"SELECT * FROM {t}")).all()) for t in tables]
    engine.dispose()
    return "\n".join(found)


def test_a_password_is_neither_printed_nor_stored(
    tmp_path: Path,
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = make_url(postgres).set(drivername="postgresql", password=SECRET)
    wrong = url.set(username="nobody").render_as_string(hide_password=False)
    typed = url.render_as_string(hide_password=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny.lay_out(tmp_path, SHORT)

    def said(*command: str, code: int = 0) -> str:
        process = tiny.start(tmp_path, *command)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        return out + err

    outputs = [
        said("run", "tiny.yaml", "--db", typed),
        said("run", "tiny.yaml", f"--db={typed}"),  # everything is there
        said("plan", "tiny.yaml", "--db", typed),
        said("report", "tiny", "--db", typed),
        said("show", "1", "--db", typed),
        said("sql", "SELECT * FROM provenances", "--db", typed),
        said("export", "tiny", "-o", "exported", "--db", typed),
        said("doctor", "--db", typed),
        said("run", "tiny.yaml", typed, code=2),
        said("report", "nothing", "--db", typed, code=2),
        said("report", "tiny", "--db", wrong, code=2),
        said("report", "tiny", "--db", typed.replace("postgresql:", "mysql:"), code=2),
        rows(typed.replace("postgresql:", "postgresql+psycopg:")),
    ]
    assert [text for text in outputs if SECRET in text] == []
    assert "***" in outputs[-1]  # of a command, so the rows were searched
    files = [Path(at) / name for at, _, names in os.walk(tmp_path) for name in names]
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []
    assert [file for file in files if file.name == "index.html"]
