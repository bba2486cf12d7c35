"""The store: what was planned and measured, in one database. The only room with SQL.

It takes and returns values (`values`). A `Store` has a role for each kind of caller (`queue`,
`plans`); functions over a store export, merge and examine it (`export`, `merge`, `sql`, `copies`,
`doctor`). The documentation names every table and column for readers with a program of their own.
"""

from srbench.store.owners import this_process as this_process
from srbench.store.run_files import check_folder as check_folder
from srbench.store.runs import FinishedRun as FinishedRun
from srbench.store.runs import Former as Former
from srbench.store.store import Store as Store
from srbench.store.store import open_store as open_store
from srbench.store.tables import Image as Image
from srbench.store.tables import LatencyNetwork as LatencyNetwork
from srbench.store.tables import LatencyPass as LatencyPass
from srbench.store.tables import LatencySample as LatencySample
from srbench.store.tables import Look as Look
from srbench.store.tables import Provenance as Provenance
from srbench.store.tables import Training as Training
from srbench.store.values import Candidate as Candidate
from srbench.store.values import DatasetRecord as DatasetRecord
from srbench.store.values import Lease as Lease
from srbench.store.values import LeaseLost as LeaseLost
from srbench.store.values import MissingScore as MissingScore
from srbench.store.values import Outcome as Outcome
from srbench.store.values import Owner as Owner
from srbench.store.values import PictureRow as PictureRow
from srbench.store.values import PlanRecord as PlanRecord
from srbench.store.values import Point as Point
from srbench.store.values import Proposal as Proposal
from srbench.store.values import Reason as Reason
from srbench.store.values import ScoreRow as ScoreRow
from srbench.store.values import VariantRecord as VariantRecord
