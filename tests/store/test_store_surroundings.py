"""Disks and journals, copies, links, and what the doctor says of them."""

from __future__ import annotations

import ast
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from store_samples import ELSEWHERE, claimed, database, doctored, finish_all, plan

import srbench
from srbench.cli.checkup import checkup
from srbench.core.errors import UserError
from srbench.store import Store, open_store
from srbench.store.doctor import database_facts
from srbench.store.journal import NETWORK, choose, disk_of, is_wal_safe
from srbench.store.migrate import SCHEMA, copy_database


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
    assert choose(version, "ext4").mode == ("wal" if safe else "truncate")


MOUNTS = """\
22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw shared:2 master:7 - {kind} server:/home rw
31 30 0:41 / /home/my\\040data rw - xfs /dev/sdb rw
"""


@pytest.mark.parametrize("kind", NETWORK)
def test_wal_is_not_used_across_a_network(tmp_path: Path, kind: str) -> None:
    """The disk of a file is the nearest mount."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(kind=kind))
    found = {path: disk_of(Path(path), mounts) for path in
             ("/srv/x", "/home/me/x", "/home/my data/x", "/homes")}  # fmt: skip
    assert [*found.values()] == ["ext4", kind, "xfs", "ext4"]
    journal = choose((3, 52, 0), found["/home/me/x"])
    assert (journal.mode, kind in journal.why) == ("truncate", True)


@pytest.mark.parametrize("line", ["", "x", "1 2 3 4 / rw -", "36 22 0:41 / / rw - \n", "\0 - \0"])
def test_a_list_of_mounts_that_says_nothing_leaves_the_safe_journal(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / "mountinfo").write_text(line)
    for mounts in (tmp_path / "mountinfo", tmp_path / "nothing"):
        disk = disk_of(tmp_path, mounts)
        assert disk not in NETWORK
        assert choose((3, 52, 0), disk).mode == "truncate"


def test_a_file_leaves_wal_where_wal_is_unsafe(tmp_path: Path) -> None:
    open_store(database(tmp_path)).close()
    with closing(sqlite3.connect(database(tmp_path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    found = database_facts(open_store(database(tmp_path)))
    assert found["journal"] == choose(sqlite3.sqlite_version_info, disk_of(tmp_path)).mode


def test_a_link_to_a_database_is_the_database(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    link = tmp_path / "here" / "link.sqlite"
    link.symlink_to(Path(database(tmp_path / "there")))
    store = open_store(link)
    store.plans.add(plan())
    assert store.root == tmp_path / "there"
    assert open_store(database(tmp_path / "there")).plans.latest("demo") == 1
    assert os.listdir(tmp_path / "here") == ["link.sqlite"]


def test_a_copy_is_whole_while_others_write(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    copy = copy_database(Path(database(tmp_path)), tmp_path / "copy.sqlite")
    store.plans.add(plan("later"))
    copy_database(Path(database(tmp_path)), tmp_path / "copy.sqlite")
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.sqlite"]
    assert open_store(copy, create=False).queue.states(1) == {"done": 4}
    assert len(open_store(copy, create=False).reading.studies()) == 2
    with pytest.raises(UserError) as refused:
        copy_database(Path(database(tmp_path)), tmp_path / "nowhere" / "copy.sqlite")
    assert str(refused.value).startswith(str(tmp_path / "nowhere" / "copy.sqlite"))


def test_the_doctor_sees_every_database(store: Store) -> None:
    finish_all(store, store.plans.add(plan()))
    found = database_facts(store)
    assert (found["integrity"], found["schema"]) == ("ok", SCHEMA)
    assert found["journal"] == (store.journal.mode if store.address.path else None)
    assert found["size_bytes"] > 1000
    assert found["network_file_system"] is None


def test_the_doctor_names_journal_leases_copies_links_and_damage(tmp_path: Path) -> None:
    store = replace(open_store(database(tmp_path)), clock=lambda: 1000.0)
    claimed(store, store.plans.add(plan()), ELSEWHERE)
    copy_database(Path(database(tmp_path)), tmp_path / "srbench.before-0003.sqlite")
    store.close()
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert "1 running, 1 without an owner" in found["leases"].found
    assert found["weights"].found == f"0 files of finished runs, in {tmp_path}"
    assert found["copies"].found == "srbench.before-0003.sqlite"
    assert found["journal"].found.split(":")[0] in ("truncate", "wal")
    assert sqlite3.sqlite_version in found["database"].found
    assert found["integrity"].ok
    os.link(database(tmp_path), tmp_path / "second name.sqlite")
    doctored(database(tmp_path), "UPDATE runs SET state = 'happy' WHERE id = 1")
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert not found["integrity"].ok
    assert not found["disk"].ok
    assert "2 names" in found["disk"].found


def test_the_doctor_misses_weights_and_names_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(database(tmp_path))) as store:
        finish_all(store, store.plans.add(plan()))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert not found["weights"].ok
    assert "missing below" in found["weights"].found
    assert "srbench run STUDY --fresh" in found["weights"].found
    assert not found["disk"].ok
    assert "free some space" in found["disk"].found


UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_nothing_of_ours_unpickles() -> None:
    """Checkpoints are read with `weights_only`; foreign weights have a room of their own.

    Optuna's CMA-ES keeps its state as a pickle in the trials, and journals keep snapshots.
    """
    home = Path(srbench.__file__).parent
    for path in home.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "CmaEsSampler" not in source, path
        assert "JournalStorage" not in source, path
        if path.match("core/weights_*.py"):
            continue
        for node in ast.walk(ast.parse(source)):
            names = [a.name for a in getattr(node, "names", [])] if isinstance(
                node, ast.Import) else [getattr(node, "module", None) or ""]  # fmt: skip
            assert not {name.split(".")[0] for name in names if name} & UNSAFE, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load"):
                options = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert options.get("weights_only") == "True" or (
                    ast.unparse(node.func) == "np.load" and "allow_pickle" not in options
                ), path
