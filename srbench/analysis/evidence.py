"""The evidence for the claims of one study, read from its rows: plain numbers, by name.

Only what the claims name is gathered, since curves are long. Finished runs count; the others are
listed in `gaps` with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite

import pandas as pd

from srbench.analysis.claims_evidence import Curve, Evidence
from srbench.analysis.claims_readings import OfStudy, RunShare
from srbench.analysis.claims_tree import Happens, Quantity
from srbench.analysis.claims_vocabulary import COSTS, TIMINGS
from srbench.analysis.convergence import collapsed, states_of_runs
from srbench.analysis.curves import curve_names, read_curve
from srbench.analysis.judgement import judgement
from srbench.analysis.latency import rounds_of
from srbench.analysis.metric_names import VALIDATE
from srbench.analysis.ranking import mean_of
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    by_variant,
    controls,
    finished,
    interpolations,
    number,
    of_variants,
    set_scores,
    text,
    trained,
)


def evidence_of(results: Results, named: Sequence[Quantity | Happens]) -> Evidence:
    """The evidence for claims that name these quantities and events."""
    facts, judged = results.facts, judgement(results)
    asked = [q for q in named if isinstance(q, Quantity)]
    quantities = {q.name for q in asked} | {q.reaching[0] for q in asked if q.reaching}
    events = {(e.event, e.variant) for e in named if isinstance(e, Happens)}
    apart, untrained = set(controls(results)), set(interpolations(results))
    return Evidence(
        metric=facts.metric,
        dataset=facts.dataset,
        variants=tuple(name for name in trained(results) if name not in apart),
        scores={
            key: next(iter(by_seed.values())) if key[1] in untrained else by_seed
            for key, by_seed in set_scores(results).items()
        },
        curves=_curves(results, quantities),
        costs=_costs(results),
        rounds=dict(rounds_of(results)) if quantities & {*TIMINGS} else {},
        events={key: _event(results, *key) for key in events},
        gaps={
            variant: {c.seed: c.reason or c.lacks for c in planned if not isfinite(c.score)}
            for variant, planned in by_variant(results).items()
        },
        contrasts={
            (row.variant, row.against): OfStudy(
                row.variant,
                row.against,
                row.verdict_word,
                row.mean,
                (row.simultaneous.low, row.simultaneous.high),
                row.seeds,
            )
            for row in (*judged.contrasts, *judged.pairs)
            if row.word is not None
        },
        family=judged.family,
        min_effects={facts.metric: facts.min_effect} if facts.min_effect else {},
        metric_facts=facts.metric_facts,
        published=_published(results),
        study=facts.name,
    )


def _curves(
    results: Results, wanted: Collection[str]
) -> dict[tuple[str, str], Mapping[int, Curve]]:
    done = finished(results)
    out: dict[tuple[str, str], Mapping[int, Curve]] = {}
    for name in curve_names(results):
        curve = read_curve(results, name) if name.removeprefix(VALIDATE) in wanted else None
        if curve is not None and curve.axis == "epoch":
            for (variant, seed), (epochs, values) in curve.lines.items():
                if seed in done.get(variant, ()):
                    known = out.get((name, variant), {})
                    out[name, variant] = {**known, seed: (epochs.tolist(), values.tolist())}
    return out


def _costs(results: Results) -> dict[tuple[str, str], float]:
    known = {
        (name, variant): number(value)
        for name, column in COSTS.items()
        for variant, value in of_variants(results, column).items()
    }
    for variant, planned in by_variant(results).items():
        known["memory_mb", variant] = mean_of([cell.peak_memory_mb for cell in planned])
    return {key: value for key, value in known.items() if isfinite(value)}


def _event(results: Results, event: str, variant: str) -> RunShare:
    """In how many runs it happened, of those that show whether it did."""
    mine = by_variant(results).get(variant, [])
    done = sum(cell.state == "done" for cell in mine)
    diverged = sum(cell.state == "failed" and cell.reason == "diverged" for cell in mine)
    if event == "diverges":
        return RunShare(diverged, diverged + done)
    if event == "collapses":
        return RunShare(*collapsed(results).get(variant, (0, 0)))
    ends = states_of_runs(results).get(variant, [])
    hits, still = ends.count("converged"), ends.count("still moving")
    known = hits + still + diverged
    return RunShare(hits, known, len(mine) - known)


def _published(results: Results) -> Evidence | None:
    """Published figures by the same names; of two sources for one figure the first counts."""
    frame = results.published
    if frame.empty:
        return None
    by_source = frame.sort_values("source", key=lambda s: pd.factorize(s)[0], kind="stable")
    points = by_source[by_source["epoch"].notna()]
    named = points.groupby(["quantity", "variant"], sort=False)
    points = points[points["source"] == named["source"].transform("first")]
    lines = points.drop_duplicates(["quantity", "variant", "epoch"]).sort_values("epoch")
    figures = by_source[by_source["epoch"].isna()]
    plain = figures.drop_duplicates(["quantity", "variant", "dataset"])
    named_plain = zip(*(plain[k] for k in ("quantity", "variant", "dataset", "value")), strict=True)
    every = {(str(q), str(v), text(dataset)): float(x) for q, v, dataset, x in named_plain}
    return Evidence(
        dataset=results.facts.dataset,
        variants=tuple(pd.unique(frame["variant"].astype(str))),
        scores={key: x for key, x in every.items() if key[2]},
        curves={
            (str(q), str(v)): {0: (line["epoch"].tolist(), line["value"].tolist())}
            for (q, v), line in lines.groupby(["quantity", "variant"])
        },
        costs={key[:2]: x for key, x in every.items() if not key[2]},
        metric_facts=results.facts.metric_facts,
    )
