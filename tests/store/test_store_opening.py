"""Opening: srbench's databases are opened, all others refused and not changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from store_samples import claimed, database, doctored, finish_all, plan, url_of

import srbench.store
from srbench.core.errors import DatabaseError, ReadOnly, UserError
from srbench.store import Store, check_folder, open_store
from srbench.store.address import find
from srbench.store.engine import reading, writing
from srbench.store.migrate import SCHEMA
from srbench.store.problems import BUSY_SECONDS
from srbench.store.sql import ask


def test_a_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "100% my.sqlite"
    with pytest.raises(UserError, match="there is no database yet"):
        open_store(path, create=False)
    assert not path.parent.exists()
    store = open_store(path)
    assert (store.root, path.exists()) == (path.parent, True)
    assert open_store(url_of(store), create=False).address.path == path
    empty = path.with_name("empty.sqlite")
    empty.touch()
    with pytest.raises(UserError, match="holds no studies yet"):
        open_store(empty, create=False)


def test_the_place_is_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    assert find(None).path == tmp_path / "db" / "srbench.sqlite"
    monkeypatch.setenv("SRBENCH_DB", "elsewhere.db")
    assert find(None).path == tmp_path / "elsewhere.db"
    assert find("sqlite:///given.db").path == tmp_path / "given.db"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("mysql://somebody:secret@host/name", "databases of kind 'mysql' are unknown"),
        ("sqlite://", "a database in memory is lost"),
        ("://", "is no database URL"),
        ("postgresql://host:port/name", "is no database URL"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(typed: str, answer: str) -> None:
    with pytest.raises(UserError, match=answer) as refused:
        open_store(typed)
    assert "secret" not in str(refused.value)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_bytes(b"question: is this a study?\n" * 99), "SQLite"),
    "a letter": (lambda path: path.write_bytes(b"x"), "is not an SQLite database"),
    "a head": (lambda path: path.write_bytes(b"SQLite format 3\0" + b"?" * 4096), "SQLite"),
    "a folder": (Path.mkdir, "is a folder"),
    "a table": (
        partial(doctored, statement="CREATE TABLE songs (title)"),
        r"something else .*'songs'",
    ),
    "a view": (partial(doctored, statement="CREATE VIEW mine AS SELECT 1"), "something else"),
}


@pytest.mark.parametrize(("make", "answer"), OTHERS.values(), ids=OTHERS)
def test_what_is_not_ours_is_refused_and_left_untouched(
    tmp_path: Path, make: Callable[[Path], object], answer: str
) -> None:
    path = tmp_path / "something.sqlite"
    make(path)
    before = path.is_file() and path.read_bytes()
    with pytest.raises(UserError, match=answer):
        open_store(path)
    assert (path.is_file() and path.read_bytes()) == before
    assert os.listdir(tmp_path) == ["something.sqlite"]


def test_a_path_through_a_file_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a part of the path is a file"):
        open_store(tmp_path / "file" / "srbench.sqlite")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UserError, match="no ordinary file"):
            open_store(tmp_path / "pipe")


def test_a_newer_database_is_refused(store: Store) -> None:
    with writing(store.engine) as connection:
        connection.exec_driver_sql("UPDATE srbench_version SET version_num = 'v0099'")
    with pytest.raises(
        UserError, match=rf"newer srbench \(schema v0099; this one knows {SCHEMA}\)"
    ):
        open_store(url_of(store))


@pytest.fixture
def role(postgres: str) -> Iterator[URL]:
    """The URL of the database for a role without rights."""
    engine = create_engine(find(postgres).url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE guest LOGIN"))
        yield make_url(postgres).set(username="guest")
        connection.execute(text("DROP OWNED BY guest"))
        connection.execute(text("DROP ROLE guest"))
    engine.dispose()


@pytest.mark.slow
def test_a_role_is_told_what_to_have_granted_and_that_suffices(postgres: str, role: URL) -> None:
    guest = role.render_as_string(hide_password=False)
    owner = create_engine(find(postgres).url)

    def refused(what: str, doing: Callable[[], object], kind: type = ReadOnly) -> None:
        with pytest.raises(kind, match=f"^[^\n]*permission denied for {what}: the role") as error:
            doing()
        with owner.begin() as connection:
            connection.execute(text(str(error.value).partition("grants it: ")[2]))

    refused("schema public", lambda: open_store(guest))
    open_store(postgres).close()
    refused("table srbench_version", lambda: open_store(guest))
    store = open_store(guest)
    assert ask(store, "SELECT count(*) FROM runs")[1] == [(0,)]
    refused("table studies", lambda: store.published.expect_study("one"))
    finish_all(store, store.plans.add(plan()))
    with pytest.raises(DatabaseError, match=r"sql: column .nothing. does not exist; views are"):
        ask(store, "SELECT nothing FROM runs")
    store.close()
    owner.dispose()


@pytest.mark.slow
def test_a_server_that_refuses_is_one_line_with_what_to_do(postgres: str, role: URL) -> None:
    for url, problem in (
        (role.set(username="nobody"), 'role "nobody" does not exist: name a role'),
        (role.set(database="nothing"), "does not exist: name one .* createdb -E UTF8"),
        (role.update_query_dict({"host": "/nowhere"}), "No such file or directory: does the ser"),
        (role.update_query_dict({"colour": "red"}), 'invalid connection option "colour"'),
    ):
        with pytest.raises(DatabaseError, match=problem) as refused:
            open_store(url.render_as_string(hide_password=False))
        assert "\n" not in str(refused.value)
        assert "sqlite" not in str(refused.value)


@pytest.mark.slow
def test_a_server_remembers_the_folder_of_run_files(
    postgres: str, role: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "deeper" / "second"
    monkeypatch.chdir(tmp_path)

    def root(url: str = postgres, files: str | None = None) -> Path:
        with closing(open_store(url, files=Path(files) if files else None)) as store:
            return store.root

    assert root(files="first") == root() == first
    monkeypatch.chdir(first)
    assert root() == first
    with closing(open_store(postgres)) as owner, writing(owner.engine) as connection:
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest"))
    assert root(role.render_as_string(hide_password=False)) == first
    with pytest.raises(UserError, match=f"^--files ../no: is no folder; move the files of {first}"):
        root(files="../no")
    second.parent.mkdir()
    first.rename(second)
    assert root() == first
    with pytest.raises(UserError, match=f"^{first}: the folder of run files is not here: put it"):
        check_folder(first)
    assert root(files=str(second)) == root() == second
    with pytest.raises(UserError, match="--files is for PostgreSQL"):
        open_store(database(tmp_path), files=second)


@pytest.mark.slow
@pytest.mark.parametrize(("encoding", "fits"), [("SQL_ASCII", True), ("LATIN1", False)])
def test_a_database_in_another_encoding_holds_every_name_or_says_why_not(
    postgres: str, encoding: str, fits: bool
) -> None:
    url = make_url(postgres)
    owner = create_engine(find(postgres).url, isolation_level="AUTOCOMMIT")
    name = f"{url.database}_{encoding}".lower()
    with owner.connect() as connection:
        options = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
    store = open_store(url.set(database=name).render_as_string(hide_password=False))
    try:
        store.plans.add(plan("résumé"))
        assert store.plans.latest("résumé") == 1
        if fits:
            store.plans.add(plan("a → b"))
            assert sorted(store.reading.studies()["study"]) == ["a → b", "résumé"]
        else:
            with pytest.raises(DatabaseError, match=r"LATIN1.*: the encoding .*-E UTF8"):
                store.plans.add(plan("a → b"))
    finally:
        store.close()
        with owner.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        owner.dispose()


@pytest.mark.slow
def test_a_shared_postgresql_database_is_accepted_unless_names_collide(postgres: str) -> None:
    store = open_store(postgres)
    with writing(store.engine) as connection:
        connection.exec_driver_sql("CREATE TABLE somebody_elses (x int)")
    open_store(postgres).close()
    with writing(store.engine) as connection:
        connection.exec_driver_sql("DROP TABLE srbench_version")
    with pytest.raises(UserError, match="something else"):
        open_store(postgres)
    store.close()


def test_a_server_that_does_not_answer_is_one_line() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(UserError) as refused:
        open_store("postgresql://somebody:secret@127.0.0.1:1/name")
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_full_disk_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    with reading(store.engine) as connection:  # the one connection of the pool
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(UserError, match="free some space"):
        store.plans.add(plan(seeds=tuple(range(2000))))
    assert len(store.reading.studies()) == 0


def test_connections_are_set_up_for_safety(tmp_path: Path) -> None:
    """Also after a migration, which works without foreign keys."""
    store = open_store(database(tmp_path))
    with reading(store.engine) as connection:
        names = ("synchronous", "foreign_keys", "busy_timeout", "trusted_schema")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert found == [2, 1, BUSY_SECONDS * 1000, 0]


def test_a_reader_does_not_keep_a_writer_out(store: Store) -> None:
    number = store.plans.add(plan())
    with reading(store.engine) as connection:
        connection.exec_driver_sql("SELECT 1 FROM plans").all()
        if store.journal.mode == "wal" or store.address.path is None:
            claimed(store, number)
        seen = connection.exec_driver_sql("SELECT count(*) FROM runs WHERE state = 'running'")
        assert seen.scalar() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_store_that_crossed_a_fork_says_so(store: Store) -> None:
    store.reading.studies()
    child = os.fork()
    if child == 0:
        try:
            store.plans.latest("demo")
        except RuntimeError as error:
            os._exit(7 if "fork" in str(error) else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_only_one_file_makes_engines() -> None:
    package = Path(srbench.store.__file__).parents[1]
    users = [path for path in package.rglob("*.py") if "create_engine" in path.read_text("utf-8")]
    assert [path.relative_to(package).as_posix() for path in users] == ["store/engine.py"]


def test_a_finished_study_is_asked_without_heavy_imports(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    store.close()
    code = (
        "import sys; from srbench.store import open_store; s = open_store(sys.argv[1]);"
        "s.queue.states(s.plans.latest('demo')); s.measurements.missing_scores(1);"
        "print([m for m in ('pandas', 'numpy', 'alembic', 'torch') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, database(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="this user may write everything"
)
def test_a_store_that_may_not_be_written_can_be_read(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    store.plans.add(plan())
    store.close()
    Path(database(tmp_path)).chmod(0o444)
    tmp_path.chmod(0o555)
    assert open_store(database(tmp_path)).plans.latest("demo") == 1
    tmp_path.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_closed_store_keeps_no_file_open(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    store.plans.add(plan())
    store.close()
    kept = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{fd}")]  # fmt: skip
    assert not [path for path in kept if path.startswith(str(tmp_path))]
