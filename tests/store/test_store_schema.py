"""The schema is written down; from the first release on, a change of it is a migration.

`SRBENCH_UPDATE_GOLDEN=1 pytest tests/store/test_store_schema.py` writes the schema of this version.
That of a version that was released never changes.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from store_samples import database

from srbench.store import open_store
from srbench.store.migrate import SCHEMA

GOLDEN = Path(__file__).parent / "golden" / f"schema-{SCHEMA}.sql"
UPDATES = bool(os.environ.get("SRBENCH_UPDATE_GOLDEN"))


def schema_of(path: Path) -> str:
    """Every table, view and index as SQL, one word after another, by name."""
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query).fetchall()
    return "".join(" ".join(sql.split()) + ";\n" for (sql,) in rows)


def test_a_change_of_a_table_or_view_is_seen(tmp_path: Path) -> None:
    open_store(database(tmp_path)).close()
    found = schema_of(Path(database(tmp_path)))
    if UPDATES:
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
