"""Published figures compared with ours, by variant and quantity; never pooled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from typing import Any

import pandas as pd

from srbench.analysis.agreement import Agreement, rank_agreement
from srbench.analysis.claims_evidence import Evidence, curves_of
from srbench.analysis.claims_tree import Quantity
from srbench.analysis.curves import curve_names
from srbench.analysis.effects import Interval, t_interval
from srbench.analysis.evidence import evidence_of
from srbench.analysis.latency import QUANTITIES, over, timings
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import interpolations, number, text, trained
from srbench.core.numbers import listed, plural

LEAST_RANKED = 4  # variants that two orders need to be compared


@dataclass(frozen=True)
class FigurePair:
    """One published figure of a variant that this study has too, and ours."""

    source: str
    quantity: str
    dataset: str
    epoch: float  # NaN where it is no point of a curve
    variant: str
    theirs: float
    unit: str
    ours: Interval  # over seeds, of times over rounds; count 1 and no width for counts
    exact: bool  # ours is a count, without seeds
    why: str  # why there is no figure of ours


@lru_cache(maxsize=8)
def figure_pairs(results: Results) -> tuple[FigurePair, ...]:
    """Published figures of our variants; of a published curve its last epoch that we reach."""
    frame = results.published[results.published["variant"].isin(_rows(results))]
    if frame.empty:
        return ()
    evidence = evidence_of(results, [Quantity(name, "") for name in set(frame["quantity"])])
    groups = frame.groupby(["source", "quantity", "dataset", "variant"], sort=False, dropna=False)
    return tuple(_pair(results, evidence, frame, rows) for _, rows in groups)


def _pair(
    results: Results, evidence: Evidence, frame: pd.DataFrame, rows: pd.DataFrame
) -> FigurePair:
    """The rows of one figure, or of one curve, with ours."""
    row, exact = rows.iloc[-1], False
    quantity, variant, dataset = (text(row[k]) for k in ("quantity", "variant", "dataset"))
    if rows["epoch"].notna().any():
        reached = _reached(evidence, quantity, variant)
        common = rows[rows["epoch"].isin(list(reached))]
        row = (rows if common.empty else common).sort_values("epoch").iloc[-1]
        ours = t_interval(reached.get(number(row["epoch"]), []))
        why = "no run of ours has this curve at a published epoch"
    elif quantity in QUANTITIES:
        ours, why = _timed(results, frame, row), f"{quantity} was not timed here"
    elif not dataset and (quantity, variant) in evidence.costs:
        ours, exact, why = t_interval([evidence.costs[quantity, variant]]), True, ""
    else:
        scores = evidence.scores.get((quantity, variant, dataset or results.facts.dataset), {})
        ours = t_interval(list(scores.values()) if isinstance(scores, Mapping) else [scores])
        why = f"{quantity}{f' on {dataset}' if dataset else ''} was not measured here"
    return FigurePair(
        text(row["source"]), quantity, dataset, number(row["epoch"]), variant,
        number(row["value"]), text(row["unit"]), ours, exact, "" if ours.count else why,
    )  # fmt: skip


def _rows(results: Results) -> list[str]:
    """Everything that may have a published figure: what was trained, and interpolations."""
    return [*trained(results), *interpolations(results)]


def _timed(results: Results, frame: pd.DataFrame, row: pd.Series[Any]) -> Interval:
    """Our time of a published one, over rounds; without a unit it is a ratio, and ours is too.

    A ratio is to the variant that the source gives 1.
    """
    mine = next((t for t in timings(results, row["quantity"]) if t.variant == row["variant"]), None)
    if mine and (per := {"ms": 1.0, "s": 1e-3}.get(text(row["unit"]))):
        ms = mine.ms
        return Interval(ms.mean * per, ms.low * per, ms.high * per, ms.count)
    if mine and not text(row["unit"]):
        times = mine.taken.times
        group = (frame["source"] == row["source"]) & (frame["quantity"] == row["quantity"])
        ones = frame.loc[group & (frame["value"] == 1), "variant"]
        base = next((str(name) for name in ones if str(name) in times), None)
        if base is not None:
            ratio = over(times[mine.variant], times[base])
            return Interval(ratio.value, ratio.low, ratio.high, ratio.rounds)
    return Interval(nan, nan, nan, 0)


def _reached(evidence: Evidence, quantity: str, variant: str) -> dict[float, list[float]]:
    """epoch -> our values over seeds, of the curve of that name (on validate for a metric)."""
    found: dict[float, list[float]] = {}
    for epochs, values in curves_of(quantity, variant, evidence).values():
        for epoch, value in zip(epochs, values, strict=True):
            if isfinite(value):
                found.setdefault(float(epoch), []).append(float(value))
    return found


def agreements(results: Results) -> tuple[tuple[str, str, str, Agreement], ...]:
    """(source, quantity, dataset, agreement of the two orders), where 4 variants have both."""
    groups: dict[tuple[str, str, str], list[FigurePair]] = {}
    for row in figure_pairs(results):
        if row.ours.count:
            groups.setdefault((row.source, row.quantity, row.dataset), []).append(row)
    return tuple(
        (*key, rank_agreement([row.ours.mean for row in rows], [row.theirs for row in rows]))
        for key, rows in groups.items()
        if len(rows) >= LEAST_RANKED
    )


def published_heading(results: Results) -> str:
    """How many figures are compared with ours."""
    both = [row for row in figure_pairs(results) if row.ours.count]
    names = {row.variant for row in both}
    if not both:
        return "No published figure has a counterpart here"
    return f"{plural(len(both), 'published figure')} of {plural(len(names), 'variant')} beside ours"


def unmatched_text(results: Results) -> str:
    """Which published variants this study does not have; "" where there is none."""
    ours = set(_rows(results))
    others = sorted({str(v) for v in results.published["variant"]} - ours)
    if not others:
        return ""
    named = listed(others[:6]) + (f" and {len(others) - 6} more" if others[6:] else "")
    return f"Also published, of variants that are not in this study: {named}."


def published_curves(
    results: Results, curve: str
) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """(source, variant) -> epochs and values of a published curve, for our variants."""
    if curve not in curve_names(results):
        return {}
    frame = results.published
    quantity = curve.removeprefix("validate/")
    mine = frame[
        frame["variant"].isin(trained(results))
        & (frame["quantity"] == quantity)
        & frame["epoch"].notna()
    ]
    out = {}
    for (source, variant), rows in mine.groupby(["source", "variant"], sort=False):
        line = rows.sort_values("epoch")
        out[str(source), str(variant)] = (line["epoch"].tolist(), line["value"].tolist())
    return out
