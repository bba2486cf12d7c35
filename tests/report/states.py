"""Synthetic studies in every state a report may meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synthetic_study import failed, study, with_runs

from srbench.analysis.results import Results


def only(variant: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda row: change(row) if row["variant"] == variant else row


def unstarted(row: dict[str, Any]) -> dict[str, Any]:
    empty = ("device", "git_commit", "versions", "finished", "host", "numerics", "train_seconds")
    return row | {"state": "queued"} | dict.fromkeys(empty)


HOSTILE = {"plain": 0.0, "<script>alert(1)</script>": 1.0, "\"q'uo`te|": -1.0, "=1+1": 0.5}

STATES: dict[str, Callable[[], Results]] = {
    "finished": study,
    "one seed": lambda: study(seeds=1),
    "two seeds": lambda: study(seeds=2),
    "one run": lambda: study({"plain": 0.0}, seeds=1),
    "only the baseline": lambda: study({"plain": 0.0}),
    "nothing started": lambda: with_runs(study(), lambda row: None),
    "all queued": lambda: with_runs(study(), unstarted),
    "all failed": lambda: with_runs(study(), failed),
    "no baseline": lambda: with_runs(study(), only("plain", failed)),
    "one variant missing": lambda: with_runs(study(), only("residual", lambda row: None)),
    "one diverged": lambda: with_runs(
        study(), lambda row: failed(row) if row["run_id"] == 5 else row
    ),
    "hostile names": lambda: study(HOSTILE),
}
