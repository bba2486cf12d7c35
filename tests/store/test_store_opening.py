"""Opening: what is ours is opened, what is not is refused and left as it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import claimed, database, finish_all, plan

import srbench.store
from srbench.core.errors import UserError
from srbench.store import Store, open_store
from srbench.store.address import find
from srbench.store.doctor import database_facts
from srbench.store.engine import BUSY_SECONDS, reading, writing
from srbench.store.journal import Disk, choose, disk_of, is_wal_safe
from srbench.store.migrate import SCHEMA


def test_a_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "100% my.sqlite"
    store = open_store(path)
    assert (store.root, path.exists()) == (path.parent, True)
    assert open_store(store.url, create=False).address.path == path


def test_without_create_nothing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "db" / "srbench.sqlite"
    with pytest.raises(UserError, match="there is no database yet"):
        open_store(path, create=False)
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    with pytest.raises(UserError, match="holds no studies yet"):
        open_store(path, create=False)


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


@pytest.mark.parametrize(
    "content", [b"question: is this a study?\n" * 99, b"x", b"SQLite format 3\0" + b"?" * 4096]
)
def test_a_file_of_another_kind_is_refused_and_left_untouched(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match="SQLite database"):
        open_store(path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["study.yaml"]


def test_a_damaged_file_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    store.close()
    whole = Path(database(tmp_path)).read_bytes()
    for start in range(0, len(whole), 8192):
        Path(database(tmp_path)).write_bytes(whole[:start] + b"\xff" * 4096 + whole[start + 4096 :])
        with contextlib.suppress(UserError):  # where no row was hit, it works
            damaged = open_store(database(tmp_path))
            assert database_facts(damaged)["integrity"] != "ok"
            damaged.reading.results("demo")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        open_store(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a part of the path is a file"):
        open_store(tmp_path / "file" / "srbench.sqlite")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "music.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title)")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"something else .*'songs'"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_newer_database_is_refused(store: Store) -> None:
    with writing(store.engine) as connection:
        connection.exec_driver_sql("UPDATE srbench_version SET version_num = 'v0099'")
    with pytest.raises(
        UserError, match=rf"newer srbench \(schema v0099; this one knows {SCHEMA}\)"
    ):
        open_store(store.url)


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


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False),
        ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True),
        ((3, 52, 0), True), ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_wal_is_used_only_where_sqlite_is_safe_for_it(version: tuple[int, ...], safe: bool) -> None:
    assert is_wal_safe(version) == safe
    assert choose(version, Disk("ext4")).mode == ("wal" if safe else "truncate")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "lustre", ""])
def test_wal_is_not_used_across_a_network(kind: str) -> None:
    journal = choose((3, 52, 0), Disk(kind))
    assert journal.mode == "truncate"
    assert kind in journal.why


MOUNTS = """\
22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw shared:2 master:7 - nfs4 server:/home rw
31 30 0:41 / /home/my\\040data rw - xfs /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/x", "ext4"), ("/home/me/x", "nfs4"), ("/home/my data/x", "xfs"), ("/homes", "ext4")],
)
def test_the_disk_of_a_file_is_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert disk_of(Path(path), mounts).kind == kind
    assert disk_of(Path(path), tmp_path / "nothing").kind == ""


def test_a_file_leaves_wal_where_wal_is_unsafe(tmp_path: Path) -> None:
    open_store(database(tmp_path)).close()
    with closing(sqlite3.connect(database(tmp_path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    found = database_facts(open_store(database(tmp_path)))
    assert found["journal"] == choose(sqlite3.sqlite_version_info, disk_of(tmp_path)).mode


def test_the_doctor_is_told_everything(store: Store) -> None:
    finish_all(store, store.plans.add(plan()))
    found = database_facts(store)
    assert (found["integrity"], found["schema"]) == ("ok", SCHEMA)
    assert found["journal"] == (store.journal.mode if store.address.path else None)
    assert found["size_bytes"] > 1000
    assert found["network_file_system"] is None


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
