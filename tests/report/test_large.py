"""A small version of `benchmarks/report.py`: the same stages, no times asserted."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from benchmark_files import loaded

from srbench.store import open_store, segments


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return loaded("report")


@pytest.fixture(scope="module")
def database(benchmark: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("large") / "synthetic.sqlite"
    assert benchmark.generate(file, runs=60, epochs=50, images=5) == "synthetic"
    return file


def test_it_is_whole_and_says_that_it_is_synthetic(database: Path) -> None:
    results = open_store(database).reading.results("synthetic")
    assert (len(results.runs), set(results.runs["state"])) == (60, {"done"})
    assert len(results.curves) == 60 * 50 * 3
    assert len(results.scores) == 60 * 5 * 2
    assert results.facts.synthetic


@pytest.mark.slow
def test_every_stage_runs(benchmark: ModuleType, database: Path, tmp_path: Path) -> None:
    names = [stage for stage, _ in benchmark.stages(database, "synthetic", tmp_path)]
    assert names[:2] == ["open the database", "read the rows"]
    assert (tmp_path / "index.html").stat().st_size < 10e6


def test_too_many_points_are_shared_out_evenly(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_store(database).reading.results("synthetic").curves
    monkeypatch.setattr(segments, "MOST_WHOLE", 2000)
    monkeypatch.setattr(segments, "LEAST_SHARE", 7)
    curves = open_store(database).reading.results("synthetic").curves
    sizes = curves.groupby(["run_id", "name"])["step"].agg(["size", "min", "max"])
    assert set(sizes["size"]) == {11}
    assert (set(sizes["min"]), set(sizes["max"])) == ({10}, {500})
    kept = curves.merge(whole, on=["run_id", "name", "step", "value"])
    assert len(kept) == len(curves)
