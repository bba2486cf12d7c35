"""A study on a Ray cluster: the same bits as here, whatever happens to nodes and processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray_cluster
import tiny
from ray_cluster import Cluster

pytestmark = pytest.mark.slow
pytest.importorskip("ray")

SLOW = "parts: [mine.py]\n" + tiny.STUDY.replace(
    "train: {epochs: 3,", "train: {loss: {patient: {ms: 150}}, epochs: 20,"
).replace("seeds: 2", "seeds: 1")
ROWS = (
    "SELECT fingerprint, seed, attempt, state, steps, weights_sha256 FROM runs ORDER BY 1, 2",
    "SELECT variant, seed, dataset, protocol, image, metric, value FROM v_scores "
    "ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT variant, seed, name, step, epoch, value FROM v_curves ORDER BY 1, 2, 3, 4",
)
RUN = ("run", "tiny.yaml", "--on", "ray")


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the nodes are: no database, no part of the study, and other images than its."""
    folder = tmp_path_factory.mktemp("away")
    for crop in tiny.CROPS:
        tiny.save_crop("coffee", folder / "photos" / f"{crop}.png")
    return folder


@pytest.fixture(scope="module")
def cluster(away: Path) -> Iterator[Cluster]:
    """Two nodes of one core each."""
    made = Cluster(away)
    try:
        made.add()
        made.add()
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def variables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ray_cluster.RAY.items():
        monkeypatch.setenv(name, value)
    if "cluster" in request.fixturenames:  # else `--on ray` takes the newest of this machine
        monkeypatch.setenv("RAY_ADDRESS", request.getfixturevalue("cluster").address)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return slow_study(tmp_path)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, run without a cluster."""
    folder = slow_study(tmp_path_factory.mktemp("there"))
    tiny.srbench(folder, "run", "tiny.yaml")
    return folder


def slow_study(folder: Path, text: str = SLOW) -> Path:
    """A study whose runs take some seconds, by a part in a file of its own."""
    (folder / "mine.py").write_text(tiny.PARTS)
    return tiny.lay_out(folder, text)


def assert_equal(folder: Path, other: Path) -> None:
    for query in ROWS:
        assert tiny.rows(folder, query) == tiny.rows(other, query)
    files, others = ({p.relative_to(f): p for p in runs(f)} for f in (folder, other))
    assert files.keys() == others.keys()
    for name, file in files.items():
        assert file.read_bytes() == others[name].read_bytes(), name


def runs(folder: Path) -> list[Path]:
    found = (folder / "db" / "runs").rglob("*")
    return [p for p in found if p.is_file() and p.parent.name != "plans"]


def checkpoints(folder: Path) -> list[Path]:
    return list((folder / "db" / "runs").rglob("*.checkpoint"))


def wait_for_another_checkpoint(folder: Path) -> None:
    seen = {path.name for path in checkpoints(folder)}
    tiny.wait_for(lambda: {path.name for path in checkpoints(folder)} - seen, 60)


def left_behind(away: Path) -> list[Path]:
    return list(away.glob("srbench-node-*"))


def count(folder: Path, query: str) -> int:
    """What the database counts; 0 before it is made."""
    try:
        return int(tiny.rows(folder, query)[0][0])
    except sqlite3.OperationalError:
        return 0


def begun(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The command, once a checkpoint of a run has come home."""
    process = tiny.start(folder, *RUN, "--checkpoint-s", "0", *options)
    tiny.wait_for(lambda: checkpoints(folder) or process.poll() is not None, 120)
    assert process.poll() is None, "\n".join(process.communicate())
    return process


def test_two_nodes_give_the_bits_rows_and_pictures_of_this_machine(
    cluster: Cluster, away: Path, tmp_path: Path, done: Path
) -> None:
    tiny.lay_out(tmp_path)
    said = tiny.srbench(tmp_path, *RUN)
    assert "2 seats of ray on cpu fp32" in said
    assert_equal(tmp_path, done)
    assert left_behind(away) == []
    hosts = tiny.rows(tmp_path, "SELECT count(*) FROM runs WHERE device IS NULL")
    assert hosts == [(0,)]
    assert "to do" not in tiny.srbench(tmp_path, *RUN)  # everything is there


def test_ray_client_gives_the_same(tmp_path: Path, away: Path, done: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray = (str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--port=0")
    limits = ("--num-cpus=1", f"--object-store-memory={80 * 2**20}", "--include-dashboard=false")
    where = ("--node-ip-address=127.0.0.1", f"--ray-client-server-port={port}")
    head = tiny.started(away, *ray, *limits, *where)
    tiny.lay_out(tmp_path)
    assert head.stdout is not None
    try:
        assert any("Ray runtime started" in line for line in head.stdout)
        said = tiny.srbench(tmp_path, *RUN[:-1], f"ray://127.0.0.1:{port}")
    finally:
        os.killpg(head.pid, signal.SIGKILL)
        head.communicate()
    assert f"1 seat of ray://127.0.0.1:{port}" in said
    assert_equal(tmp_path, done)


def test_the_plan_says_what_the_seats_are(cluster: Cluster, tmp_path: Path) -> None:
    tiny.lay_out(tmp_path)
    said = tiny.srbench(tmp_path, "plan", "tiny.yaml", "--on", "ray")
    assert "4 runs and 1 interpolation without training on cpu fp32, 1 thread, 2 at a time" in said


def test_a_node_that_is_killed_three_times_costs_a_run_nothing(
    cluster: Cluster, here: Path, there: Path
) -> None:
    process = begun(here, "--only", "plain", "--workers", "1")
    for _ in range(3):
        wait_for_another_checkpoint(here)
        (node,) = cluster.busy()
        cluster.kill(node)
        cluster.add()
    said = tiny.ended(process, 0)
    assert said.count("lost with its node") == 3
    assert "its run continues elsewhere from its checkpoint" in said
    tiny.srbench(here, *RUN)
    assert_equal(here, there)


def test_a_frozen_node_writes_nothing_after_it_thaws(
    cluster: Cluster, here: Path, there: Path
) -> None:
    process = begun(here)
    node = cluster.busy()[0]
    pids = cluster.pids(node)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        said = tiny.ended(process, 0)
    finally:
        cluster.add()
    before = {path: path.read_bytes() for path in runs(here)}
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    time.sleep(10)  # the node sees that it was given up, or goes on for nobody
    cluster.kill(node)
    assert "lost with its node" in said
    assert before == {path: path.read_bytes() for path in runs(here)}
    assert_equal(here, there)


def test_a_killed_conductor_leaves_no_worker_and_no_file(
    cluster: Cluster, away: Path, here: Path, there: Path
) -> None:
    process = begun(here)
    pids = [pid for node in cluster.busy() for pid in cluster.pids(node)]
    process.kill()
    process.communicate()
    tiny.wait_for(lambda: not cluster.busy(), 60)
    tiny.wait_for(lambda: not left_behind(away), 60)
    assert pids
    said = tiny.srbench(here, *RUN)
    assert "continues at step" in said
    assert_equal(here, there)


def test_ctrl_c_brings_the_checkpoints_home(
    cluster: Cluster, away: Path, here: Path, there: Path
) -> None:
    process = tiny.start(here, *RUN)
    tiny.wait_for(lambda: len(cluster.busy()) == 2, 120)
    points = "SELECT count(*) FROM runs WHERE state = 'running' AND steps > 3"
    tiny.wait_for(lambda: count(here, points) == 2, 120)
    os.killpg(process.pid, signal.SIGINT)
    tiny.ended(process, 130)
    assert len({path.parent for path in checkpoints(here)}) == 2
    assert left_behind(away) == []
    tiny.srbench(here, *RUN)
    assert_equal(here, there)


def test_a_node_of_other_source_or_versions_is_turned_away_alone(
    cluster: Cluster, here: Path, there: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    source = Path(__file__).parents[2]
    shutil.copytree(source / "srbench", other / "srbench")
    with (other / "srbench" / "run" / "worker.py").open("a") as file:
        file.write("# another\n")
    metadata = other / "versions" / "numpy-0.1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    nodes = [
        cluster.add(PYTHONPATH=str(other)),
        cluster.add(PYTHONPATH=os.pathsep.join([str(metadata.parent), str(source)])),
    ]
    try:
        said = tiny.srbench(here, *RUN)
    finally:
        for node in nodes:
            cluster.kill(node)
    assert said.count("another version of srbench's sources") == 1, said
    away = [line for line in said.splitlines() if "is turned away: it has" in line]
    assert 1 <= len(away) <= 2, said  # of other versions than the first that is ready
    assert all("numpy" in line for line in away)
    assert_equal(here, there)


def test_it_listens_on_loopback_and_answers_nobody_without_the_token(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {address for address, _ in cluster.ports()} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    tiny.lay_out(tmp_path)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another" * 6)
    said = tiny.srbench(tmp_path, *RUN, code=2)
    assert "ray cannot be used" in said
    assert not (tmp_path / "db").exists()


def test_where_no_seat_is_granted_the_command_waits_and_can_be_stopped(
    cluster: Cluster, here: Path
) -> None:
    tiny.lay_out(here, SLOW.replace("epochs: 20", "epochs: 400"))
    first = begun(here)  # takes both nodes
    second = tiny.lay_out(here / "second", tiny.STUDY)
    process = tiny.start(second, *RUN)
    waiting = "SELECT count(*) FROM runs WHERE state = 'queued'"
    tiny.wait_for(lambda: count(second, waiting), 60)
    time.sleep(18)
    os.killpg(process.pid, signal.SIGINT)
    assert "waiting for the first of 2 seats" in tiny.ended(process, 130)
    os.killpg(first.pid, signal.SIGTERM)
    tiny.ended(first, 143)


def test_a_head_that_dies_ends_the_command_and_the_next_one_goes_on(
    here: Path, there: Path, away: Path
) -> None:
    doomed = Cluster(away)
    try:
        doomed.add()
        process = begun(here, "--on", doomed.address)
        doomed.kill(-1)
        said = tiny.ended(process, 1)
    finally:
        doomed.close()
    assert "does not answer any more" in said
    assert "the same command goes on" in said
    with sqlite3.connect(here / tiny.DB) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    tiny.srbench(here, "run", "tiny.yaml")
    assert_equal(here, there)


def test_without_ray_one_line_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from srbench.run import ray_seats

    tiny.lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ray_seats, "find_spec", lambda name: None)
    assert tiny.called(*RUN) == 2
    assert "pip install 'srbench[ray]'" in capsys.readouterr().err
