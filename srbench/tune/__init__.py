"""Optuna, in one room: proposes trials, gives up hopeless ones, weighs what mattered, and shows.

Our run table is the queue and the truth. A sampler meets what has happened so far as a study in
memory, made anew from our rows before each question; Optuna's own file is only a mirror of them.
"""

from srbench.tune.importance import importances
from srbench.tune.mirror import (
    Cell,
    Finished,
    Mirror,
    Plain,
    differing,
    quiet,
    serve,
    vocabulary,
)
from srbench.tune.propose import Method, distributions, hopeless, propose

__all__ = [
    "Cell",
    "Finished",
    "Method",
    "Mirror",
    "Plain",
    "differing",
    "distributions",
    "hopeless",
    "importances",
    "propose",
    "quiet",
    "serve",
    "vocabulary",
]
