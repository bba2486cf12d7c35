"""Keeps the Optuna mirror in step with our rows: runs of fixed plans, trials of searches.

Optuna's file is a view. Whatever goes wrong with it is said in a line, and nothing of the study
is lost; the next `srbench run` or `srbench dashboard` makes it anew.
"""

from srbench.mirror.guarded import mirror_url
from srbench.mirror.runs import MirrorWatcher, refresh
from srbench.mirror.trials import SearchWatcher

__all__ = ["MirrorWatcher", "SearchWatcher", "mirror_url", "refresh"]
