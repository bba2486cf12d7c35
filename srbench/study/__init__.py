"""A study file, and the value it becomes: a question, and the runs that are to answer it."""

from srbench.study.judged import Match, unit_of
from srbench.study.read import KEYS, Study, read
from srbench.study.search import Search
from srbench.study.tree import Tree, Variant, dataset_name, describe, setting_names
from srbench.study.variants import INTERPOLATIONS

__all__ = [
    "INTERPOLATIONS",
    "KEYS",
    "Match",
    "Search",
    "Study",
    "Tree",
    "Variant",
    "dataset_name",
    "describe",
    "read",
    "setting_names",
    "unit_of",
]
