"""From rows to frames: everything measured for one plan, as the value that reports start from.

Rows come in study order: variants as in the file, seeds as planned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Engine,
    Integer,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from srbench.analysis.convergence import ABOVE_FLAT
from srbench.analysis.history import tried
from srbench.analysis.metric_names import VALIDATE
from srbench.analysis.results import Results, StudyFacts, trial_frames
from srbench.core.errors import DatabaseError
from srbench.store.columns import NOT_FINITE, check_kinds, to_json
from srbench.store.engine import reading
from srbench.store.owners import this_process
from srbench.store.plans import COSTS, latest_plan
from srbench.store.preregistration import changed_after_results
from srbench.store.read_latency import latency
from srbench.store.read_queries import (
    CELL,
    cells_of,
    datasets_of,
    looks_of,
    pictures_of,
    published_of,
    scores_of,
    studies_of,
)
from srbench.store.run_rows import of_judged
from srbench.store.segments import curve_points
from srbench.store.tables import Curve, Plan, Provenance, Run, Training, Variant
from srbench.store.trials import trial_rows
from srbench.store.validate_rows import check_facts, check_results
from srbench.store.values import metric_names

Which = Literal["all", "judged", "none"]
"""The curves to read; `judged`: those on convergence and collapse, and those that claims name."""


@dataclass(frozen=True)
class Reading:
    """Everything stored, as frames. Each method is one transaction, so the frames fit each other.

    A database that holds what srbench never writes is refused with DatabaseError.
    """

    engine: Engine
    root: Path

    def results(
        self, study_or_plan: str | int, *, points: int = 400, curves: Which = "all"
    ) -> Results:
        """Everything measured for a study's latest plan, or for a plan by number.

        A curve of more than `points` is thinned.
        """
        if points < 2:
            raise ValueError(f"a curve has two ends: points is {points}, allowed is 2 or more")
        with reading(self.engine) as connection:
            if isinstance(study_or_plan, int):
                plan = study_or_plan
            else:
                plan = latest_plan(connection, study_or_plan)
            facts = facts_of(connection, plan)
            cells = frame(connection, cells_of(plan).with_only_columns(*CELL))
            lines = curves_of(connection, plan, points, _chosen(curves, facts))
            passes, times = latency(connection, plan)
            tried, reports = search_of(connection, plan, facts)
            found = Results(
                facts=facts,
                variants=variants(connection, plan),
                runs=runs(connection, plan),
                curves=cells.merge(lines, on="run_id"),
                scores=cells.merge(scores(connection, plan), on="run_id"),
                pictures=cells.merge(frame(connection, pictures_of(plan)), on="run_id"),
                datasets=frame(connection, datasets_of(plan)),
                looks=frame(connection, looks_of(plan)),
                published=frame(connection, published_of(plan)),
                passes=passes,
                latency=times,
                trials=tried,
                reports=reports,
                root=self.root,
            )
            check_results(found)
        return found

    def studies(self) -> pd.DataFrame:
        """study, question, plans, runs, done, failed, newest: one row a study."""
        with reading(self.engine) as connection:
            return frame(connection, studies_of())


def search_of(
    connection: Connection, plan: int, facts: StudyFacts
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials of a plan's search and what they reported; without rows where it has none."""
    rows = trial_rows(connection, plan, this_process(), time.time()) if facts.search else []
    found = tried(rows, facts.search or {}, facts.epochs)
    return trial_frames(found)


def _chosen(curves: Which, facts: StudyFacts) -> ColumnElement[bool]:
    """Which curves are read."""
    if curves == "all":
        return true()
    if curves == "none":
        return false()
    tests = literal(" ".join(claim["test"] for claim in facts.claims))
    claimed = tests.contains(func.replace(Curve.name, VALIDATE, ""))
    return or_(Curve.name.in_((VALIDATE + facts.metric, ABOVE_FLAT)), claimed)


def curves_of(
    connection: Connection, plan: int, most: int, chosen: ColumnElement[bool]
) -> pd.DataFrame:
    """run_id, name, step, epoch, value; by columns, as there may be many rows."""
    found = [*curve_points(connection, and_(of_judged(plan, Run), chosen), most)]
    counts = [len(points.steps) for *_, points in found]
    columns = {
        "run_id": np.repeat(np.array([run for run, *_ in found], dtype=np.int64), counts),
        "name": np.repeat(np.array([name for _, name, _ in found], dtype=object), counts),
        "step": np.concatenate([np.empty(0, np.int64), *(p.steps for *_, p in found)]),
        "epoch": np.concatenate([np.empty(0), *(p.epochs for *_, p in found)]),
        "value": np.concatenate([np.empty(0), *(p.values for *_, p in found)]),
    }
    return pd.DataFrame(columns)


def frame(connection: Connection, query: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    """The rows of a query; numeric columns are numeric even where they are empty."""
    rows = [tuple(row) for row in connection.execute(query).all()]
    named = query.selected_columns
    check_kinds(rows, named)
    table = pd.DataFrame.from_records(rows, columns=[column.key for column in named])
    for column in named:
        name = str(column.key)
        if isinstance(column.type, Double) or (
            isinstance(column.type, Integer) and table[name].isna().any()
        ):
            table[name] = table[name].astype("float64")
        elif isinstance(column.type, Integer):
            table[name] = table[name].astype("int64")
    return table


def with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """`value` and `not_finite` made one column again."""
    for name in NOT_FINITE:
        table.loc[table["not_finite"] == name, "value"] = float(name)
    return table.drop(columns="not_finite")


def facts_of(connection: Connection, plan: int) -> StudyFacts:
    chosen = select(Plan.facts, Plan.digest, Plan.planned_at).where(Plan.id == plan)
    found = connection.execute(chosen).one_or_none()
    if found is None:
        raise DatabaseError(f"there is no plan {plan} in the database")
    plain, digest, planned_at = found
    plain |= {"plan": digest, "planned_at": planned_at}
    plain["later"] = changed_after_results(connection, plan)
    check_facts(plain)
    return StudyFacts.from_plain(plain)


def variants(connection: Connection, plan: int) -> pd.DataFrame:
    query = (
        select(
            Variant.name.label("variant"),
            Variant.role,
            Variant.change,
            Variant.fingerprint,
            *(getattr(Training, name) for name in COSTS),
            Training.model,
            Training.train,
            Training.data,
        )
        .join(Training, Training.fingerprint == Variant.fingerprint)
        .where(Variant.plan_id == plan, Variant.role != "candidate")
        .order_by(Variant.position)
    )
    table = frame(connection, query)
    for name in ("dead_modules", "uncounted"):
        table[name] = [", ".join(words) for words in table[name]]
    trees = table[["model", "train", "data"]].to_dict("records")
    table["settings"] = [to_json(tree) for tree in trees]
    return table.drop(columns=["model", "train", "data"])


def runs(connection: Connection, plan: int) -> pd.DataFrame:
    query = cells_of(plan).with_only_columns(
        *CELL,
        Run.attempt,
        Run.state,
        Run.reason,
        Run.message,
        Run.steps,
        Training.steps.label("total_steps"),
        Run.train_seconds,
        Run.peak_memory_mb,
        Run.device,
        Training.numerics,
        func.coalesce(Provenance.host, Run.owner_host).label("host"),
        Run.started_at.label("started"),
        Run.finished_at.label("finished"),
        Run.weights,
        Run.weights_sha256,
        Provenance.git_commit,
        Provenance.git_dirty,
        Provenance.versions,
    )
    table = frame(connection, query)
    table["versions"] = [
        to_json(dict(sorted(versions.items()))) if versions else None
        for versions in table["versions"]
    ]
    table["stale"] = False
    return table


def scores(connection: Connection, plan: int) -> pd.DataFrame:
    """The scores that the plan asks for; a run that other studies share may have more."""
    asked = connection.execute(select(Plan.metrics).where(Plan.id == plan)).scalar_one()
    found = with_numbers(frame(connection, scores_of(plan)))
    return found[found["metric"].isin(metric_names(asked))]
