"""The shipped search on photographs: minutes of training, killed twice, confirmed afresh."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.campaign
STUDY = Path(__file__).parents[2] / "ablations" / "tune_blocks.yaml"
ENDED = (
    "select count(*) from runs r join variants v using (fingerprint) "
    "where v.role = 'candidate' and r.state in ('done', 'pruned')"
)


def ended(folder: Path) -> int:
    """How many candidates have ended; 0 before the tables are there."""
    if not (folder / tiny.DB).exists():
        return 0
    there = "select count(*) from sqlite_schema where name = 'runs'"
    return int(tiny.rows(folder, ENDED)[0][0]) if tiny.rows(folder, there)[0][0] else 0


def test_the_bilinear_residual_is_found_though_the_search_is_killed_twice(tmp_path: Path) -> None:
    shutil.copy(STUDY, tmp_path)
    begin = time.monotonic()
    for trials in (8, 20):
        process = tiny.start(tmp_path, "run", "tune_blocks.yaml", "--workers", "2")
        tiny.wait_for(lambda wanted=trials: ended(tmp_path) >= wanted, 3000)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    process = tiny.start(tmp_path, "run", "tune_blocks.yaml", "--workers", "2")
    out, err = process.communicate(timeout=3000)
    print(f"{(time.monotonic() - begin) / 60:.1f} minutes\n{out}")
    assert process.returncode == 0, err
    changes = "select change from variants where role = 'variant' and name like 'best_%'"
    assert all("skip: bilinear" in change for (change,) in tiny.rows(tmp_path, changes))
    means = (
        "select variant, avg(value) from v_scores where metric = 'psnr_y' and seed > 0 group by 1"
    )
    scores = dict(tiny.rows(tmp_path, means))
    assert min(scores["best_1"], scores["best_2"]) > scores["plain"] + 0.3
    assert tiny.rows(tmp_path, "select count(*) from trials") >= [(30,)]
