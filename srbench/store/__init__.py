"""The store: what was planned and measured, in one database. The only room that speaks SQL.

Values go in and come out (`values`); `Store` has a method for each verb; `db/README.md` names
every table and column for those who come with a program of their own.
"""

from srbench.store.finished import FinishedRun, Measured
from srbench.store.former import Former
from srbench.store.owners import this_process
from srbench.store.store import Store, open_store
from srbench.store.values import (
    Candidate,
    Claim,
    DatasetRecord,
    Fenced,
    ImageRecord,
    LatencyPass,
    LatencyRow,
    LookRow,
    Merged,
    MissingScore,
    Outcome,
    Owner,
    PictureRow,
    PlanRecord,
    Point,
    Proposal,
    Provenance,
    Reason,
    ScoreRow,
    TimedRow,
    TrainingRecord,
    VariantRecord,
)

__all__ = [
    "Candidate",
    "Claim",
    "DatasetRecord",
    "Fenced",
    "FinishedRun",
    "Former",
    "ImageRecord",
    "LatencyPass",
    "LatencyRow",
    "LookRow",
    "Measured",
    "Merged",
    "MissingScore",
    "Outcome",
    "Owner",
    "PictureRow",
    "PlanRecord",
    "Point",
    "Proposal",
    "Provenance",
    "Reason",
    "ScoreRow",
    "Store",
    "TimedRow",
    "TrainingRecord",
    "VariantRecord",
    "open_store",
    "this_process",
]
