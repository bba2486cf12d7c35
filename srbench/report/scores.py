"""The table of scores: every metric of every variant and interpolation, set by set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pandas as pd

from srbench.analysis.effects import t_interval
from srbench.analysis.ranking import why_missing
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.run_matrix import by_variant, interpolations, set_scores, trained
from srbench.core.numbers import justified_decimals, listed, plural
from srbench.core.table import Column, Mark, Table, Value, in_unit
from srbench.report.section import Section


@lru_cache(maxsize=8)
def score_shown(results: Results) -> Table:
    """Rows: dataset x (trained variant or interpolation). Columns: metrics with half-widths."""
    facts = results.facts
    frame = results.scores[results.scores["protocol"] == facts.protocol]
    found = sorted({str(m) for m in frame["metric"]} | {facts.metric})
    metrics = sorted(found, key=lambda m: (m != facts.metric, m))
    sets = sorted({str(d) for d in frame["dataset"]} | {facts.dataset})
    values = {key: list(by_seed.values()) for key, by_seed in set_scores(results).items()}
    planned = by_variant(results)
    names = [*trained(results), *interpolations(results)]
    decimals = {
        metric: justified_decimals(
            [t_interval(v).half for (m, _, _), v in values.items() if m == metric],
            facts.unit_of(metric),
        )
        for metric in metrics
    }
    rows: list[tuple[Value, ...]] = []
    for dataset in sorted(sets, key=lambda d: (d != facts.dataset, d)):
        for name in names:
            runs = max(len(values.get((m, name, dataset), [])) for m in metrics)
            scored: list[Value] = []
            for metric in metrics:
                x = values.get((metric, name, dataset))
                interval = t_interval(x or [])
                missing = why_missing(planned[name]) if name in planned else Mark("missing", "")
                fixed = Mark("fixed", "an interpolation has no seeds")
                one = fixed if name not in planned else Mark("one seed", "needs two seeds")
                scored.append(interval.mean if x else missing)
                scored.append(interval.half if interval.count > 1 else one if x else missing)
            role = "baseline" if name == facts.baseline else "variant"
            role = role if name in planned else "interpolation"
            seeds: Value = runs if name in planned else Mark("fixed", "needs no training")
            rows.append((dataset, name, role, seeds, *scored))
    columns = [Column("dataset", "dataset"), Column("variant", "variant"), Column("role", "role")]
    columns.append(Column("seeds", "seeds", kind="count"))
    for metric in metrics:
        unit = facts.unit_of(metric)
        head = facts.heading(metric)
        columns.append(in_unit(metric, head, unit, decimals[metric], "number"))
        half = in_unit(f"{metric}_half", f"{head} \u00b1", unit, decimals[metric], "number")
        columns.append(half)
    caption = f"Mean scores over images, then seeds, with 95 % half-widths; {facts.protocol}"
    caption += "".join(f". {text}" for text in _of_sets(frame, metrics, facts))
    return Table("scores", caption, tuple(columns), tuple(rows))


def _of_sets(frame: pd.DataFrame, metrics: list[str], facts: StudyFacts) -> Iterator[str]:
    """The metrics that are one number of a whole set, and the images behind it."""
    sets = frame.groupby(["metric", "dataset", "run_id"])["value"].agg(["size", "nunique"])
    alike = ((sets["nunique"] == 1) & (sets["size"] > 1)).groupby(level="metric").all()
    for metric in metrics:
        if alike.get(metric, False):
            sizes = sets["size"].loc[metric].groupby(level="dataset").last()
            message = listed(f"{plural(int(n), 'image')} of {name}" for name, n in sizes.items())
            yield f"{facts.heading(metric)} is one number of a whole set, over {message}"


def section(results: Results) -> Section:
    """Every metric of every variant and interpolation."""
    return Section(
        "scores",
        "Scores",
        f"Scores of {plural(len(trained(results)), 'variant')}, {results.facts.heading()} first",
        (score_shown(results),),
        template="section_scores.html",
    )
