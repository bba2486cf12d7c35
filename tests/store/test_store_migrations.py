"""The schema is made by migrations, equals the tables, and changes whole or not at all.

It is written down: `SRBENCH_UPDATE_GOLDEN=1 pytest tests/store/test_store_migrations.py` writes
that of this version. From the first release on, a change of it is a migration, and a released
schema stays.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.schema import CreateTable
from store_samples import database, finish_all, plan, url_of

from srbench.cli.main import main
from srbench.core.errors import DatabaseError, UserError
from srbench.store import Store, open_store, run_files
from srbench.store.doctor import database_facts
from srbench.store.engine import reading, writing
from srbench.store.migrate import SCHEMA, SCRIPTS, bring_up_to_date
from srbench.store.sql import ask
from srbench.store.tables import Base

GOLDEN = Path(__file__).parent / "golden" / f"schema-{SCHEMA}.sql"
SECOND = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "v0003", "v0002"

def upgrade():
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("mood", sa.Text()))
        runs.alter_column("message", new_column_name="words")
    {more}
"""


def scripts(folder: Path, more: str = "") -> Path:
    """The migrations with a second one that rebuilds the table of runs."""
    made = folder / "migrations"
    shutil.copytree(SCRIPTS, made)
    (made / "versions" / "v0003_second.py").write_text(SECOND.format(more=more))
    return made


def checks_of(statement: str) -> list[str]:
    return sorted(line.strip(" ,") for line in statement.splitlines() if " CHECK " in line)


def test_migrations_make_the_tables_that_are_described(store: Store) -> None:
    with reading(store.engine) as connection:
        ours = {"include_name": lambda name, *_: name != run_files.TABLE}
        options = {"version_table": "srbench_version", "compare_type": True, **ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_make_the_checks_that_are_described(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    made = dict(ask(store, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")[1])
    for table in Base.metadata.sorted_tables:
        wanted = str(CreateTable(table).compile(store.engine))
        assert checks_of(wanted) == checks_of(made[table.name])
        assert ("WITHOUT ROWID" in wanted) == ("WITHOUT ROWID" in made[table.name])


def test_a_change_of_a_table_or_view_is_seen(tmp_path: Path) -> None:
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    rows = ask(open_store(database(tmp_path)), query)[1]
    found = "".join(" ".join(sql.split()) + ";\n" for (sql,) in rows)
    if os.environ.get("SRBENCH_UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_an_upgrade_keeps_every_row_and_a_copy(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    bring_up_to_date(
        store.engine, store.address, create=False, scripts=scripts(tmp_path), schema="v0003"
    )
    assert ask(store, "SELECT count(*), count(mood), count(words) FROM runs")[1] == [(4, 0, 0)]
    assert ask(store, "SELECT count(*) FROM v_scores")[1] == [(16,)]
    copy = open_store(tmp_path / "srbench.before-v0003.sqlite", create=False)
    assert copy.queue.states(1) == {"done": 4}
    with pytest.raises(UserError, match="newer"):
        open_store(url_of(store))


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    failing = scripts(tmp_path, "raise OSError('power cut')")
    with pytest.raises(OSError, match="power cut"):
        bring_up_to_date(store.engine, store.address, create=False, scripts=failing, schema="v0003")
    assert len(store.reading.results("demo").runs) == 4
    names = ask(store, "SELECT name FROM sqlite_schema WHERE name LIKE '%alembic%'")[1]
    assert names == []
    assert database_facts(store)["schema"] == "v0002"


def test_an_upgrade_that_breaks_a_link_is_rolled_back(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    store.plans.add(plan())
    breaking = scripts(tmp_path, "op.execute('DELETE FROM studies')")
    with pytest.raises(RuntimeError, match="broke 1 links"):
        bring_up_to_date(
            store.engine, store.address, create=False, scripts=breaking, schema="v0003"
        )
    assert store.plans.latest("demo") == 1


@pytest.mark.parametrize("found", ["0001", "v0001"])
def test_a_database_of_a_development_version_is_refused_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], found: str
) -> None:
    store = open_store(database(tmp_path))
    with writing(store.engine) as connection:
        connection.execute(text(f"UPDATE srbench_version SET version_num = '{found}'"))
    store.close()
    before = Path(database(tmp_path)).read_bytes()
    with pytest.raises(DatabaseError, match=f"development version .*{found}.* run its studies"):
        open_store(database(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["show", "--db", database(tmp_path)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert Path(database(tmp_path)).read_bytes() == before
