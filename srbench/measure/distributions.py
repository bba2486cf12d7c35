"""FID and Inception Score: a whole set of SR images, seen by InceptionV3.

Both were made for tens of thousands of images. Of few they say little: FID is too large, the more
so the fewer they are, and an Inception Score cannot be above their number. They compare networks on
one set, and no set with another.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from srbench.core.errors import StudyError
from srbench.core.part_facts import MetricFacts
from srbench.core.registry import Choice
from srbench.core.slots import metric
from srbench.measure.inception import features, inception, logits
from srbench.measure.sets import Answers, SetScore, of_set


def _fid_facts(chosen: Choice) -> MetricFacts:
    return MetricFacts("", "lower", _heading(chosen, "FID", "random features"))


def _score_facts(chosen: Choice) -> MetricFacts:
    return MetricFacts("", "higher", _heading(chosen, "Inception Score", "random classes"))


def _heading(chosen: Choice, name: str, untrained: str) -> str:
    """The heading says where the network has random weights."""
    weights = chosen["weights"]
    known = {"inception": name, "none": f"{name} of {untrained}"}
    return known.get(weights, f"{name} (weights {weights})")


@metric.register("fid", facts=_fid_facts)
def fid(*, weights: str = "inception") -> SetScore:
    """Fréchet distance of InceptionV3's features between all SR and all HR images: 0 is best.

    One number of a whole set, NaN where it has one image. Rests on as many images as the set has:
    with fewer than 2,048 the covariances are not of full rank, and the distance is biased upwards.

    weights   inception (torch's cache, else downloaded), a path, or none: random features

    Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium, 2017. https://arxiv.org/abs/1706.08500
    """
    _named(weights)

    def value(answers: Answers) -> list[float]:
        if len(answers.sr) < 2:
            return of_set(math.nan, answers)
        seen = (features(images, weights) for images in (answers.sr, answers.hr))
        return of_set(frechet(*seen), answers)

    return SetScore(value, needs=lambda _: inception(weights))


@metric.register("inception_score", facts=_score_facts)
def inception_score(*, weights: str = "inception") -> SetScore:
    """How sure InceptionV3 is of each SR image, and how many classes it finds in all of them.

    One number of a whole set: exp of the mean KL divergence of an image's classes from the set's,
    from 1 to the number of images. In one split: the usual ten need thousands of images.

    weights   inception (torch's cache, else downloaded), a path, or none: random classes

    Salimans et al., Improved techniques for training GANs, 2016. https://arxiv.org/abs/1606.03498
    """
    _named(weights)

    def value(answers: Answers) -> list[float]:
        return of_set(sureness(logits(features(answers.sr, weights), weights)), answers)

    return SetScore(value, needs=lambda _: inception(weights))


def frechet(one: Tensor, other: Tensor) -> float:
    """The Fréchet distance of two normal distributions with the moments of (n, d) and (m, d).

    The trace of the root of both covariances' product is the sum of singular values of an n x m
    matrix, and that is exact. Of six images with 2,048 features it took 6 ms; piq's iteration over
    2048x2048 came to the same eight digits after 96 s (one thread of a shared machine).
    """
    mean = (one.mean(0) - other.mean(0)).square().sum()
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (one, other))
    shared = torch.linalg.svdvals(a @ b.T).sum()
    distance = mean + a.square().sum() + b.square().sum() - 2 * shared
    return max(0.0, float(distance))


def sureness(scores: Tensor) -> float:
    """The Inception Score of logits (n, classes), in one split."""
    each = scores.log_softmax(1)
    whole = (each.logsumexp(0) - math.log(len(each))).expand_as(each)
    return math.exp(float((each.exp() * (each - whole)).sum(1).mean()))


def _named(weights: str) -> None:
    if not weights:
        raise StudyError("weights is inception, none, or a path")
