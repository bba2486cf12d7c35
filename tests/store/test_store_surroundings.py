"""Copies, links, network disks, and what the doctor says of them."""

from __future__ import annotations

import ast
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import ELSEWHERE, claimed, database, finish_all, plan

import srbench
from srbench.cli.checkup import checkup
from srbench.core.errors import UserError
from srbench.store import open_store
from srbench.store.copies import copy_database
from srbench.store.journal import NETWORK, choose, disk_of

LINE = "36 22 0:41 / {point} rw,relatime shared:1 master:2 - {kind} source rw\n"


@pytest.mark.parametrize("kind", NETWORK)
def test_every_network_file_system_is_known_by_its_mount(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    local = LINE.format(point="/", kind="ext4")
    mounts.write_text(local + LINE.format(point=tmp_path / "net", kind=kind))
    disk = disk_of(tmp_path / "net" / "db", mounts)
    assert (disk.network, choose((3, 52, 0), disk).mode) == (kind, "truncate")
    assert disk_of(tmp_path / "nets", mounts).network is None


@pytest.mark.parametrize("line", ["", "x", "1 2 3 4 / rw -", "36 22 0:41 / / rw - \n", "\0 - \0"])
def test_a_list_of_mounts_that_says_nothing_is_no_reason_to_fail(tmp_path: Path, line: str) -> None:
    (tmp_path / "mountinfo").write_text(line)
    assert disk_of(tmp_path, tmp_path / "mountinfo").network is None


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


def test_a_pipe_or_device_is_refused(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="no ordinary file"):
        open_store(tmp_path / "pipe")


def test_a_copy_is_whole_while_others_write(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    copy = copy_database(Path(database(tmp_path)), tmp_path / "copy.sqlite")
    store.plans.add(plan("later"))
    copy_database(Path(database(tmp_path)), tmp_path / "copy.sqlite")
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.sqlite"]
    assert open_store(copy, create=False).queue.states(1) == {"done": 4}
    assert len(open_store(copy, create=False).reading.studies()) == 2


def test_a_copy_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    open_store(database(tmp_path)).close()
    with pytest.raises(UserError) as refused:
        copy_database(Path(database(tmp_path)), tmp_path / "nowhere" / "copy.sqlite")
    assert str(refused.value).startswith(str(tmp_path / "nowhere" / "copy.sqlite"))


def test_the_doctor_names_journal_leases_copies_and_links(tmp_path: Path) -> None:
    store = open_store(database(tmp_path), clock=lambda: 1000.0)
    claimed(store, store.plans.add(plan()), ELSEWHERE)
    copy_database(Path(database(tmp_path)), tmp_path / "srbench.before-0003.sqlite")
    store.close()
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert "1 running, 1 left by their owner" in found["leases"].found
    assert found["copies"].found == "srbench.before-0003.sqlite"
    assert found["journal"].found.split(":")[0] in ("truncate", "wal")
    assert sqlite3.sqlite_version in found["database"].found
    assert found["integrity"].ok
    os.link(database(tmp_path), tmp_path / "second name.sqlite")
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert not found["disk"].ok
    assert "2 names" in found["disk"].found


def test_the_doctor_sees_damage(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    finish_all(store, store.plans.add(plan()))
    store.close()
    with closing(sqlite3.connect(database(tmp_path))) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE runs SET state = 'happy' WHERE id = 1")
        connection.commit()
    found = {check.what: check for check in checkup(database(tmp_path))}
    assert not found["integrity"].ok


UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_nothing_of_ours_unpickles() -> None:
    """Checkpoints are read with `weights_only`; foreign weights have a room of their own."""
    home = Path(srbench.__file__).parent
    for path in {*home.rglob("*.py")} - {*(home / "core").glob("weights_*.py")}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in getattr(node, "names", [])] if isinstance(
                node, ast.Import) else [getattr(node, "module", None) or ""]  # fmt: skip
            assert not {name.split(".")[0] for name in names if name} & UNSAFE, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load"):
                options = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert options.get("weights_only") == "True" or (
                    ast.unparse(node.func) == "np.load" and "allow_pickle" not in options
                ), path


def test_no_sampler_of_ours_reads_pickles_out_of_a_database() -> None:
    """Optuna's CMA-ES keeps its state as a pickle in the trials, and journals keep snapshots."""
    for path in Path(srbench.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "CmaEsSampler" not in text, path
        assert "JournalStorage" not in text, path


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_closed_store_keeps_no_file_open(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    store.plans.add(plan())
    store.close()
    kept = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{fd}")]  # fmt: skip
    assert not [path for path in kept if path.startswith(str(tmp_path))]
