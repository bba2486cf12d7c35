"""The schema of each version is written down; a change of it must be a migration.

`SRBENCH_UPDATE_GOLDEN=1 pytest tests/store/test_store_schema.py` writes the schema of a version
that is new, and a small database with it. That of a version that was released never changes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import database, finish_all, plan

from srbench.store import open_store
from srbench.store.migrate import SCHEMA

GOLDEN = Path(__file__).parent / "golden"
UPDATES = bool(os.environ.get("SRBENCH_UPDATE_GOLDEN"))


def schema_of(path: Path) -> str:
    """Every table, view and index as SQL, one word after another, by name."""
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query).fetchall()
    return "".join(" ".join(sql.split()) + ";\n" for (sql,) in rows)


def made(folder: Path) -> Path:
    store = open_store(database(folder))
    finish_all(store, store.add_plan(plan(seeds=(0,))))
    store.close()
    return Path(database(folder))


def test_a_change_of_a_table_or_view_needs_a_migration(tmp_path: Path) -> None:
    golden, found = GOLDEN / f"schema-{SCHEMA}.sql", schema_of(made(tmp_path))
    if UPDATES:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
        shutil.copy(database(tmp_path), GOLDEN / f"schema-{SCHEMA}.sqlite")
    assert found == golden.read_text(encoding="utf-8"), (
        f"the schema is no longer that of version {SCHEMA}: raise SCHEMA and add a migration"
    )


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.sqlite")), ids=lambda path: path.stem)
def test_a_database_of_every_version_is_brought_up_to_date(path: Path, tmp_path: Path) -> None:
    copy = shutil.copy(path, database(tmp_path))
    store = open_store(copy, create=False)
    assert store.facts()["schema"] == SCHEMA
    assert store.plan_states(store.latest_plan("demo")) == {"done": 2}
    assert len(store.results("demo").scores) == 8
    assert store.facts()["integrity"] == "ok"
    store.close()
    assert schema_of(Path(copy)) == schema_of(made(tmp_path / "new"))


def test_every_version_has_its_database() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sqlite")} >= {
        f"schema-{number:04d}" for number in range(1, int(SCHEMA) + 1)
    }
