"""The planned cells of a study (variant x seed) with what became of each: the start of every
table, figure and sentence. failed, skipped and missing are three things and stay so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import Any, cast

import pandas as pd

from srbench.analysis.results import Results

SetScores = Mapping[tuple[str, str, str], Mapping[int, float]]
"""(metric, variant, dataset) -> seed -> score."""
CONTROL, INTERPOLATION = "control", "interpolation"


@dataclass(frozen=True)
class Cell:
    """One planned run: its state, and its score on the primary outcome where there is one."""

    variant: str
    seed: int
    state: str  # a stored state, or "missing"
    reason: str = ""
    message: str = ""
    run_id: int | None = None
    score: float = nan
    train_seconds: float = nan
    peak_memory_mb: float = nan
    stale: bool = False

    @property
    def scored(self) -> bool:
        """Whether it has a score on the primary outcome."""
        return self.score == self.score

    @property
    def lacks(self) -> str:
        """What became of a run without a score: its state, or that only the score is missing."""
        return "not scored" if self.state == "done" else self.state


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


def settings_of(results: Results, variant: str) -> dict[str, Any]:
    """The trees of a variant (model, train, data) as plain data; empty where none is stored."""
    found: dict[str, Any] = json.loads(text(of_variants(results, "settings").get(variant)) or "{}")
    return found


def trained(results: Results) -> list[str]:
    """Names of the variants that are trained, baseline and controls included, in study order."""
    return [name for name, role in of_variants(results, "role").items() if role != INTERPOLATION]


def interpolations(results: Results) -> list[str]:
    """Names of the interpolations, in study order."""
    return [name for name, role in of_variants(results, "role").items() if role == INTERPOLATION]


def controls(results: Results) -> list[str]:
    """Names of the controls, in study order: trained, but no part of the answer."""
    return [name for name, role in of_variants(results, "role").items() if role == CONTROL]


def compared(results: Results) -> list[str]:
    """Names of the variants that the study compares with its baseline: controls are not."""
    apart = {results.facts.baseline, *controls(results)}
    return [name for name in trained(results) if name not in apart]


def image_scores(results: Results) -> pd.DataFrame:
    """Scores by the primary metric on the study's dataset, one row an image."""
    facts, frame = results.facts, counted_scores(results)
    wanted = (frame["dataset"] == facts.dataset) & (frame["metric"] == facts.metric)
    return frame.loc[wanted]


def counted_scores(results: Results) -> pd.DataFrame:
    """The scores that count, under the study's protocol.

    The PSNR of an image that is reproduced exactly is infinite, as it happens to flat images. By
    a metric that is infinite for one run or interpolation, the image counts for none.
    """
    frame, gone = _under_protocol(results)
    return frame[~gone]


@lru_cache(maxsize=8)
def _under_protocol(results: Results) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Scores under the study's protocol, and which of them do not count."""
    frame = results.scores[results.scores["protocol"] == results.facts.protocol]
    exact = frame["value"] == float("inf")
    place = [frame[column] for column in ("metric", "dataset", "image")]
    return frame, exact.groupby(place).transform("any").astype(bool)


@lru_cache(maxsize=8)
def left_out(results: Results) -> Mapping[tuple[str, str], tuple[list[str], int]]:
    """(metric, dataset) -> images that count for no run, and how many the dataset has."""
    (frame, gone), by = _under_protocol(results), ["metric", "dataset"]
    count = dict(frame.groupby(by)["image"].nunique())
    missing = frame[gone].groupby(by)["image"].unique()
    return {
        cast("tuple[str, str]", key): (sorted(images), int(count[key]))
        for key, images in missing.items()
    }


@lru_cache(maxsize=8)
def cells(results: Results) -> tuple[Cell, ...]:
    """Every planned cell, in study order, seeds ascending.

    Where seeds are added until decided, the first look plans a cell, and later ones their rows.
    """
    means, facts = _means(results), results.facts
    runs = results.runs.sort_values(["variant", "seed", "attempt"]).to_dict("records")
    rows = {(str(row["variant"]), int(row["seed"])): row for row in runs}
    stored: dict[str, list[int]] = {}
    for variant, seed in rows:
        stored.setdefault(variant, []).append(seed)
    planned = sorted(set(facts.seeds))[: facts.looks[0] if facts.looks else None]
    out = []
    for name in trained(results):
        first = facts.baseline_seeds if name == facts.baseline and facts.baseline_seeds else planned
        seeds = sorted({*first, *stored.get(name, ())})
        scores = means.get((facts.metric, name, facts.dataset), {})
        out += [_cell(name, seed, rows.get((name, seed)), scores) for seed in seeds]
    return tuple(out)


@lru_cache(maxsize=8)
def set_scores(results: Results) -> SetScores:
    """The score of every finished run and interpolation, on every set and by every metric.

    It is the mean over the set's images under the study's protocol. An interpolation has one seed.
    """
    done, untrained = finished(results), set(interpolations(results))
    known = {
        key: {s: x for s, x in by_seed.items() if key[1] in untrained or s in done.get(key[1], ())}
        for key, by_seed in _means(results).items()
    }
    return {key: by_seed for key, by_seed in known.items() if by_seed}


@lru_cache(maxsize=8)
def _means(results: Results) -> SetScores:
    """The same of all that is stored, whatever the state of its run."""
    frame = counted_scores(results)
    out: dict[tuple[str, str, str], dict[int, float]] = {}
    if frame.empty:
        return out
    means = frame.groupby(["metric", "variant", "dataset", "seed"], sort=True)["value"].mean()
    for (metric, variant, dataset, seed), value in zip(means.index, means.tolist(), strict=True):
        out.setdefault((str(metric), str(variant), str(dataset)), {})[int(seed)] = float(value)
    return out


def _cell(name: str, seed: int, row: Mapping[Any, Any] | None, scores: Mapping[int, float]) -> Cell:
    if row is None:
        return Cell(name, seed, "missing", message="planned, never started")
    state, message = text(row["state"]), text(row.get("message"))
    done = state == "done"
    score = scores.get(seed, nan) if done else nan
    if done and score != score:
        message = message or "finished, but not scored on the primary outcome"
    return Cell(
        variant=name,
        seed=seed,
        state=state,
        reason=text(row.get("reason")),
        message=message,
        run_id=int(row["run_id"]),
        score=score,
        train_seconds=number(row.get("train_seconds")) if done else nan,
        peak_memory_mb=number(row.get("peak_memory_mb")),
        stale=bool(row.get("stale") in (True, "True", 1)),
    )


@lru_cache(maxsize=8)
def by_variant(results: Results) -> dict[str, list[Cell]]:
    """Planned cells by variant, in study order."""
    out: dict[str, list[Cell]] = {name: [] for name in trained(results)}
    for cell in cells(results):
        out[cell.variant].append(cell)
    return out


@lru_cache(maxsize=8)
def finished(results: Results) -> dict[str, list[int]]:
    """The seeds of every trained variant whose runs have finished."""
    return {
        variant: [cell.seed for cell in planned if cell.state == "done"]
        for variant, planned in by_variant(results).items()
    }


@lru_cache(maxsize=8)
def scores_by_seed(results: Results) -> dict[str, dict[int, float]]:
    """Primary scores of the finished runs: variant -> seed -> score; every variant is a key."""
    return {
        name: {cell.seed: cell.score for cell in planned if cell.scored}
        for name, planned in by_variant(results).items()
    }


def interpolation_scores(results: Results) -> dict[str, float]:
    """Primary score of each interpolation that has one, in study order."""
    facts, scores = results.facts, set_scores(results)
    keys = {name: (facts.metric, name, facts.dataset) for name in interpolations(results)}
    return {name: next(iter(scores[key].values())) for name, key in keys.items() if key in scores}


def best_interpolation(results: Results) -> tuple[str, float] | None:
    """The interpolation a network must beat: bicubic where it is scored, else the best one."""
    known = interpolation_scores(results)
    if not known:
        return None
    name = "bicubic" if "bicubic" in known else max(known, key=lambda k: known[k])
    return name, known[name]
