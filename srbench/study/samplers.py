"""What a search is run by: samplers, which propose trials, and pruners, which end them early.

These parts are names and settings; Optuna's samplers and pruners are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from srbench.core.registry import Positive, Range, Slot

sampler = Slot("sampler", "what proposes the next trial")
pruner = Slot("pruner", "what ends trials early that will not be the best")

Share = Annotated[float, Range(0, 1)]


@sampler.register("tpe")
@dataclass(frozen=True, kw_only=True)
class Tpe:
    """Tree-structured Parzen estimator, all places at once.

    startup     trials drawn at random first
    candidates  draws of which the most promising is taken

    Bergstra et al., 2011, Algorithms for hyper-parameter optimization.
    https://proceedings.neurips.cc/paper/2011/hash/86e8f7ab32cfd12577bc2619bc635690-Abstract.html
    """

    startup: Positive = 10
    candidates: Positive = 24


@sampler.register("nsga2")
@dataclass(frozen=True, kw_only=True)
class Nsga2:
    """Genetic algorithm with non-dominated sorting, for several objectives.

    population  trials of one generation

    Deb et al., 2002, A fast and elitist multiobjective genetic algorithm.
    https://doi.org/10.1109/4235.996017
    """

    population: Annotated[int, Range(2)] = 50


@sampler.register("gp")
@dataclass(frozen=True, kw_only=True)
class Gp:
    """Bayesian optimization by a Gaussian process; needs scipy and torch.

    startup  trials drawn at random first

    Snoek et al., 2012, Practical Bayesian optimization. https://arxiv.org/abs/1206.2944
    """

    startup: Positive = 10


@sampler.register("grid")
@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every point of a finite space, in the order of the file. Ours."""


@sampler.register("brute_force")
@dataclass(frozen=True, kw_only=True)
class BruteForce:
    """Every point of a finite space, in random order. Optuna's."""


@sampler.register("random")
@dataclass(frozen=True, kw_only=True)
class Random:
    """Points drawn evenly.

    Bergstra, Bengio, 2012, Random search for hyper-parameter optimization.
    https://jmlr.org/papers/v13/bergstra12a.html
    """


@pruner.register("none")
@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Every trial is trained to its end. Ours."""


@pruner.register("successive_halving")
@dataclass(frozen=True, kw_only=True)
class SuccessiveHalving:
    """Asynchronous successive halving: at each rung of epochs only the best go on.

    epochs     the first rung
    reduction  one in so many is promoted, and rungs are so many times as far apart
    startup    trials that a rung must have seen before it promotes any

    Li et al., 2020, A system for massively parallel hyperparameter tuning.
    https://arxiv.org/abs/1810.05934
    """

    epochs: Positive = 1
    reduction: Annotated[int, Range(2)] = 4
    startup: Annotated[int, Range(0)] = 0


@pruner.register("hyperband")
@dataclass(frozen=True, kw_only=True)
class Hyperband:
    """Successive halving in several brackets, from cautious to bold.

    epochs     the first rung of the boldest bracket
    reduction  one in so many is promoted

    Li et al., 2018, Hyperband: a novel bandit-based approach. https://arxiv.org/abs/1603.06560
    """

    epochs: Positive = 1
    reduction: Annotated[int, Range(2)] = 3


@pruner.register("wilcoxon")
@dataclass(frozen=True, kw_only=True)
class Wilcoxon:
    """Seed after seed, until the signed-rank test says a trial is worse than the best one.

    p        significance level of the test
    startup  seeds before the first test

    Wilcoxon, 1945, Individual comparisons by ranking methods. https://doi.org/10.2307/3001968
    """

    p: Share = 0.1
    startup: Annotated[int, Range(2)] = 2
