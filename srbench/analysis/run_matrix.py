"""The planned cells of a study (variant x seed) with what became of each: the start of every
table, figure and sentence. failed, skipped and missing are three things and stay so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from srbench.analysis.results import Results

CONTROL, INTERPOLATION = "control", "interpolation"


@dataclass(frozen=True)
class Cell:
    """One planned run: its state, and its score on the primary outcome where there is one."""

    variant: str
    seed: int
    state: str  # a stored state, or "missing"
    reason: str
    message: str
    run_id: int | None
    score: float  # NaN where there is none
    train_seconds: float
    peak_memory_mb: float
    stale: bool


def text(value: Any) -> str:
    """A cell of a frame as text; empty for None and NaN."""
    return "" if value is None or (isinstance(value, float) and value != value) else str(value)


def number(value: Any) -> float:
    """A cell of a frame as a number; NaN for None and for what is no number."""
    return float(pd.to_numeric(value, errors="coerce")) if value is not None else float("nan")


@lru_cache(maxsize=64)
def of_variants(results: Results, column: str) -> Mapping[str, Any]:
    """One column of the variants' frame, by name; empty where there is no such column."""
    frame = results.variants
    if column not in frame.columns:
        return {}
    return dict(zip(map(str, frame["variant"]), frame[column].tolist(), strict=True))


@lru_cache(maxsize=8)
def trained(results: Results) -> list[str]:
    """Names of the variants that are trained, baseline and controls included, in study order."""
    frame = results.variants
    return [str(v) for v in frame.loc[frame["role"] != INTERPOLATION, "variant"]]


def interpolations(results: Results) -> list[str]:
    """Names of the interpolations, in study order."""
    frame = results.variants
    return [str(v) for v in frame.loc[frame["role"] == INTERPOLATION, "variant"]]


def controls(results: Results) -> list[str]:
    """Names of the controls, in study order: trained, but no part of the answer."""
    frame = results.variants
    return [str(v) for v in frame.loc[frame["role"] == CONTROL, "variant"]]


def compared(results: Results) -> list[str]:
    """Names of the variants that the study compares with its baseline: controls are not."""
    apart = {results.facts.baseline, *controls(results)}
    return [name for name in trained(results) if name not in apart]


def image_scores(results: Results, metric: str | None = None) -> pd.DataFrame:
    """Scores on the study's dataset and protocol, one row an image, for one metric."""
    facts, frame = results.facts, results.scores
    wanted = (
        (frame["dataset"] == facts.dataset)
        & (frame["protocol"] == facts.protocol)
        & (frame["metric"] == (metric or facts.metric))
    )
    return frame.loc[wanted]


@lru_cache(maxsize=8)
def cells(results: Results) -> tuple[Cell, ...]:
    """Every planned cell, in study order, seeds ascending.

    Where seeds are added until decided, the first look plans a cell, and later ones their rows.
    """
    by_run = _mean_by_run(image_scores(results))
    rows: dict[tuple[str, int], Mapping[Any, Any]] = {}
    for row in results.runs.sort_values(["variant", "seed", "attempt"]).to_dict("records"):
        rows[str(row["variant"]), int(row["seed"])] = row
    first = results.facts.looks[:1]
    planned = sorted(set(results.facts.seeds))[: first[0] if first else None]
    out = []
    for name in trained(results):
        seeds = sorted({*planned, *(seed for variant, seed in rows if variant == name)})
        out += [_cell(name, seed, rows.get((name, seed)), by_run) for seed in seeds]
    return tuple(out)


def _mean_by_run(scores: pd.DataFrame) -> dict[tuple[str, int], float]:
    if scores.empty:
        return {}
    means = scores.groupby(["variant", "seed"], sort=True)["value"].mean().reset_index()
    return {
        (str(r["variant"]), int(r["seed"])): float(r["value"]) for r in means.to_dict("records")
    }


def _cell(
    name: str, seed: int, row: Mapping[Any, Any] | None, by_run: Mapping[tuple[str, int], float]
) -> Cell:
    nan = float("nan")
    if row is None:
        return Cell(name, seed, "missing", "", "planned, never started", None, nan, nan, nan, False)
    state = text(row["state"])
    score = by_run.get((name, seed), nan) if state == "done" else nan
    message = text(row.get("message"))
    if state == "done" and score != score:
        message = message or "finished, but not scored on the primary outcome"
    return Cell(
        variant=name,
        seed=seed,
        state=state,
        reason=text(row.get("reason")),
        message=message,
        run_id=int(row["run_id"]),
        score=score,
        train_seconds=number(row.get("train_seconds")) if state == "done" else nan,
        peak_memory_mb=number(row.get("peak_memory_mb")),
        stale=bool(row.get("stale") in (True, "True", 1)),
    )


@lru_cache(maxsize=8)
def scores_by_seed(results: Results) -> dict[str, dict[int, float]]:
    """Primary scores of the finished runs: variant -> seed -> score; every variant is a key."""
    out: dict[str, dict[int, float]] = {name: {} for name in trained(results)}
    for cell in cells(results):
        if cell.score == cell.score:
            out[cell.variant][cell.seed] = cell.score
    return out


def interpolation_scores(results: Results) -> dict[str, float]:
    """Primary score of each interpolation that has one, in study order."""
    frame = image_scores(results)
    means = frame.groupby("variant")["value"].mean()
    return {name: float(means[name]) for name in interpolations(results) if name in means.index}


def yardstick(results: Results) -> tuple[str, float] | None:
    """The interpolation a network must beat: bicubic where it is scored, else the best one."""
    known = interpolation_scores(results)
    if not known:
        return None
    name = "bicubic" if "bicubic" in known else max(known, key=lambda k: known[k])
    return name, known[name]
