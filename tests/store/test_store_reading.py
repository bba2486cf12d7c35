"""For strangers: SQL that only reads, views with names, CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import event, text
from store_samples import claimed, finish_all, plan

from srbench.core.errors import UserError
from srbench.store import Point, Store
from srbench.store.engine import reading
from srbench.store.export import TABLES, export
from srbench.store.sql import ask
from srbench.store.views import VIEWS


def test_sql_gives_columns_and_rows(store: Store) -> None:
    store.plans.add(plan())
    columns, rows = ask(store, "SELECT study, variant, seed FROM v_runs ORDER BY run_id LIMIT 1")
    assert (columns, rows) == (["study", "variant", "seed"], [("demo", "plain", 0)])


REFUSED = [
    "DELETE FROM runs",
    "UPDATE runs SET state = 'done'",
    "INSERT INTO studies (name, created_at) VALUES ('x', '')",
    "DROP TABLE points",
    "CREATE TABLE mine (x int)",
    "WITH x AS (SELECT 1) DELETE FROM runs",
    "SELECT 1; DELETE FROM runs",
    "COMMIT",
    "ATTACH DATABASE 'stolen.sqlite' AS s",
    "VACUUM INTO 'copy.sqlite'",
    "PRAGMA journal_mode = WAL",
    "PRAGMA query_only = 0",
    "SET TRANSACTION READ WRITE",
    "COPY runs TO PROGRAM 'cat'",
    "SELEC 1",
    "SELECT nothing FROM runs",
    "SELECT 1 AS \0",
    "SELECT '\udce9'",
    "-- nothing",
    "",
]


def test_sql_that_does_not_only_read_is_refused_in_one_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    number = store.plans.add(plan())
    before = sorted(tmp_path.iterdir())
    for query in REFUSED:
        with pytest.raises(UserError) as refused:
            ask(store, query)
        assert "\n" not in str(refused.value)
    assert store.queue.states(number) == {"queued": 4}
    assert sorted(tmp_path.iterdir()) == before


def test_views_name_what_tables_number(store: Store) -> None:
    finish_all(store, store.plans.add(plan()))
    query = "SELECT study, variant, seed, dataset, image, metric, value FROM v_scores"
    rows = ask(store, query + " WHERE run_id = 1 ORDER BY image, metric")[1]
    assert rows[0] == ("demo", "plain", 0, "photos", "astronaut", "psnr_y", 30.01)
    curve = ask(store, "SELECT variant, name, step, value FROM v_curves WHERE run_id = 2")[1]
    assert sorted(curve) == [("se", "loss", 20, 0.05), ("se", "loss", 40, 0.025)]
    done = ask(store, "SELECT state, steps, total_steps, host, git_commit FROM v_runs")[1]
    assert done == [("done", 60, 60, "desk", "abc123")] * 4


def test_views_show_the_latest_plan_and_attempt_only(store: Store) -> None:
    number = store.plans.add(plan(variants=("plain", "se"), seeds=(0,)))
    finish_all(store, number)
    store.queue.add_attempts(number)
    store.plans.add(plan(variants=("se",), seeds=(0,)))
    rows = ask(store, "SELECT variant, attempt, state FROM v_runs")[1]
    assert rows == [("se", 2, "queued")]


def test_views_have_the_columns_they_describe(store: Store) -> None:
    with reading(store.engine) as connection:
        for view in VIEWS:
            result = connection.execute(text(f"SELECT * FROM {view.name} LIMIT 1"))
            assert list(result.keys()) == [name for name, _, _ in view.columns]


def test_every_column_has_a_sentence() -> None:
    bare = [str(column) for table in TABLES for column in table.columns if not column.doc]
    assert bare == []


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_export_holds_every_row_and_number(store: Store, tmp_path: Path) -> None:
    number = store.plans.add(plan())
    claim = claimed(store, number)
    values = [0.1 + 0.2, 1e-320, float("inf")]
    store.measurements.write_points(
        claim, [Point("loss", n, n / 2, value) for n, value in enumerate(values)]
    )
    store.queue.interrupt(claim, 3)
    finish_all(store, number)
    paths = export(store, tmp_path / "csv")
    assert [path.stem for path in paths] == [table.name for table in TABLES]
    for path in paths:
        assert len(read(path)) == ask(store, f"SELECT count(*) FROM {path.stem}")[1][0][0]
    points = [row for row in read(tmp_path / "csv" / "points.csv") if int(row["step"]) < 3]
    assert [row["value"] or row["not_finite"] for row in points] == [repr(v) for v in values]


def test_the_same_rows_export_to_the_same_bytes(store: Store, tmp_path: Path) -> None:
    finish_all(store, store.plans.add(plan()))
    first = [path.read_bytes() for path in export(store, tmp_path / "a")]
    assert [path.read_bytes() for path in export(store, tmp_path / "b")] == first


def test_more_runs_take_no_more_statements(store: Store) -> None:
    """Neither to store a plan, nor to see that a study is finished, nor to read it."""

    def statements(name: str, variants: int, seeds: int) -> list[int]:
        counts: list[int] = []
        names, count = ("plain", *(f"{name}{n}" for n in range(1, variants))), 0

        def counted(*of: object) -> None:
            nonlocal count
            count += 1

        event.listen(store.engine, "before_cursor_execute", counted)
        number = store.plans.add(plan(name, names, tuple(range(seeds))))
        counts.append(count)
        event.remove(store.engine, "before_cursor_execute", counted)
        finish_all(store, number)
        event.listen(store.engine, "before_cursor_execute", counted)
        store.queue.states(number), store.queue.pruned(number), store.trials.unconfirmed(number)
        store.measurements.missing_scores(number)
        store.runs.sources(set(names)), store.runs.step_seconds(set(names), "cpu")
        store.reading.results(number, curves="judged")
        event.remove(store.engine, "before_cursor_execute", counted)
        return [*counts, count]

    assert statements("few", 2, 2) == statements("many", 5, 6)
