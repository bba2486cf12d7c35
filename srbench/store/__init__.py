"""The store: what was planned and measured, in one database. The only room that speaks SQL.

Values go in and come out (`values`). A `Store` has a role for each kind of caller, such as `queue`
or `plans`; functions over a store export, merge and examine it (`export`, `merge`, `sql`, `copies`,
`doctor`). `db/README.md` names every table and column for readers with a program of their own.
"""

from srbench.store.owners import this_process
from srbench.store.runs import FinishedRun, Former, Measured
from srbench.store.store import Store, open_store
from srbench.store.tables import (
    Image,
    LatencyNetwork,
    LatencyPass,
    LatencySample,
    Look,
    Provenance,
    Training,
)
from srbench.store.values import (
    Candidate,
    DatasetRecord,
    Lease,
    LeaseLost,
    Merged,
    MissingScore,
    Outcome,
    Owner,
    PictureRow,
    PlanRecord,
    Point,
    Proposal,
    Reason,
    ScoreRow,
    VariantRecord,
)

__all__ = [
    "Candidate",
    "DatasetRecord",
    "FinishedRun",
    "Former",
    "Image",
    "LatencyNetwork",
    "LatencyPass",
    "LatencySample",
    "Lease",
    "LeaseLost",
    "Look",
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
    "Training",
    "VariantRecord",
    "open_store",
    "this_process",
]
