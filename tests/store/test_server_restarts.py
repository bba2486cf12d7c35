"""The server of a PostgreSQL database restarts while a study runs. Half a minute."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
import tiny
from postgres_server import Control
from store_samples import claimed, plan

from srbench.core.errors import DatabaseError, ServerGone
from srbench.store import engine, open_store
from srbench.store.sql import ask

pytestmark = pytest.mark.slow


def test_an_open_store_waits_for_its_server_and_gives_up_once(
    postgres: str,
    control: Control,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.WARNING)
    store = open_store(postgres)
    number = store.plans.add(plan())
    control.stop()
    back = Timer(1.5, control.start)
    back.start()
    assert claimed(store, number).run == 1
    back.join()
    assert [record.message[:52] for record in caplog.records] == [
        "srbench: the database's server does not answer; wait"
    ]
    monkeypatch.setattr(engine, "RESTART_SECONDS", 1)
    control.stop()
    try:
        for least_s in (1, 0):
            begun = time.monotonic()
            with pytest.raises(DatabaseError, match="stored is safe: start the server, then run"):
                store.queue.states(number)
            assert least_s <= time.monotonic() - begun < least_s + 3
        with pytest.raises(DatabaseError, match="does the server run"):
            open_store(postgres)
    finally:
        control.start()
    assert store.queue.states(number) == {"queued": 3, "running": 1}
    store.close()


def test_a_transaction_that_the_server_ends_stores_nothing(
    postgres: str,
    control: Control,
) -> None:
    store = open_store(postgres)
    with (  # noqa: PT012
        pytest.raises(ServerGone, match="the server ended the connection"),
        engine.writing(store.engine) as connection,
    ):
        connection.exec_driver_sql("DELETE FROM srbench_version")
        control.stop()
        control.start()
        connection.exec_driver_sql("SELECT 1")
    store.close()
    open_store(postgres, create=False).close()


def test_a_run_goes_on_through_restarts(
    postgres: str,
    control: Control,
    tmp_path: Path,
) -> None:
    folder = tiny.lay_out(tmp_path, tiny.STUDY.replace("epochs: 3", "epochs: 20"))
    process = tiny.start(folder, "run", "tiny.yaml", "--db", postgres, "--workers", "2")
    with closing(open_store(postgres)) as store:  # made here, so that the count is of a table
        running = "SELECT count(*) FROM runs WHERE state = 'running'"
        tiny.wait_for(lambda: ask(store, running)[1] != [(0,)])
    for _ in range(4):
        control.stop()
        time.sleep(0.5)
        control.start()
        time.sleep(0.3)
    tiny.ended(process, 0)
    with closing(open_store(postgres, create=False)) as store:
        assert store.queue.states(store.plans.latest("tiny")) == {"done": 5}
