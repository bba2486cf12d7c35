"""GPUs of a cluster, on the stand-in for CUDA: placement, fractions, a plan without a local GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import ray_cluster
import standin
import tiny
from ray_cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]
pytest.importorskip("ray")


def test_gpus_of_a_cluster_are_shared_as_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nodes with two GPUs and one, two workers on each; here is no GPU."""
    for name, value in ray_cluster.RAY.items():
        monkeypatch.setenv(name, value)
    folder = tiny.lay_out(tmp_path / "here")
    on_standin = standin.environment(devices=1, name="H100")
    variables = {name: on_standin[name] for name in on_standin if name.startswith(("FAKE_", "LD_"))}
    variables["PYTHONPATH"] = on_standin["PYTHONPATH"]
    variables["CUDA_VISIBLE_DEVICES"] = "0,1"  # none is hidden; Ray sets it for each actor
    cluster = Cluster(tmp_path / "away")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    try:
        cluster.add(4, 2, **variables)
        cluster.add(2, 1, **variables)
        command = ("tiny.yaml", "--on", "ray", "--device", "cuda", "--workers", "2")
        planned = tiny.srbench(folder, "plan", *command)
        said = tiny.srbench(folder, "run", *command)
    finally:
        cluster.close()
    assert "on H100 fp32, 6 at a time" in planned
    assert "6 seats of ray on H100 fp32" in said
    done = tiny.rows(folder, "SELECT DISTINCT state, attempt, device FROM runs WHERE steps > 0")
    assert done == [("done", 1, "H100")]
