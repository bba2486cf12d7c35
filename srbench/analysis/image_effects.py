"""Effects on each image; they are no further evidence that a variant helps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from srbench.analysis.effects import unpaired
from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import finished, image_scores
from srbench.analysis.significance import Floats, half_width
from srbench.core.numbers import justified_decimals, plural


@dataclass(frozen=True)
class Where:
    """Effects by image and variant, (images, variants); NaN without runs of both."""

    images: tuple[str, ...]  # largest spread first
    variants: tuple[str, ...]  # best first
    mean: Floats
    half: Floats  # of the 95 % t interval over seeds
    seeds: tuple[int, ...]  # finished ones of each variant
    sign: int  # 1 where more is better, else -1

    @property
    def spread(self) -> Floats:
        """From the lowest to the highest effect on an image, the baseline's zero among them."""
        return _spread(self.mean)

    def strongest(self, least: float | None) -> float:
        """The effect that has the strongest colour: the largest, and no less than what matters."""
        known = np.abs(self.mean[np.isfinite(self.mean)]).tolist()
        return max([*known, least or 0.0]) or 1.0

    def clear(self, i: int, v: int) -> bool:
        """Whether the interval of a cell lies on one side of zero."""
        return bool(abs(self.mean[i, v]) > self.half[i, v])

    def better_on(self, v: int) -> int:
        """On how many images a variant is better than the baseline."""
        return int((self.sign * self.mean[:, v] > 0).sum())


@lru_cache(maxsize=8)
def where_it_helps(results: Results) -> Where:
    """Effects by image on the study's dataset, metric and protocol."""
    scores, base = _by_image(results), results.facts.baseline
    count = scores.groupby("variant").size().to_dict()  # finished seeds
    names = [effect.variant for effect in ranked(results) if {effect.variant, base} <= set(count)]
    if not names:
        none = np.empty((0, 0))
        return Where((), (), none, none, (), results.facts.sign)
    seeds = scores.index.unique("seed").sort_values()
    places = pd.MultiIndex.from_product([[base, *names], seeds])
    x = scores.reindex(places).to_numpy().reshape(1 + len(names), -1, len(scores.columns))
    x = x.transpose(0, 2, 1)  # (variants, images, seeds)
    both = np.stack([np.broadcast_to(x[:1], x[1:].shape), x[1:]], axis=2)
    of = unpaired(both, ((1, 0),))  # (variants, images, 1)
    mean, half = of.mean[..., 0].T, half_width(of, 0.05)[..., 0].T  # (images, variants)
    rows = np.argsort(-_spread(mean), kind="stable")
    images = tuple(str(image) for image in scores.columns[rows])
    counts = tuple(count[name] for name in names)
    return Where(images, tuple(names), mean[rows], half[rows], counts, results.facts.sign)


def where_decimals(results: Results) -> int:
    """Decimals that the intervals by image justify."""
    found = where_it_helps(results)
    return justified_decimals(found.half.ravel().tolist(), results.facts.unit)


def where_heading(results: Results) -> str:
    """On how many images the best variant is better, where it is shown to help or hurt."""
    found = where_it_helps(results)
    if not found.variants:
        return "No effect by image before runs have finished"
    gain, count = found.better_on(0), len(found.images)
    word = ranked(results)[0].word
    if word not in ("helps", "hurts"):
        state = f"is {word}" if word else "has no verdict"
        return f"{found.variants[0]}, the highest, {state} on the mean of {plural(count, 'image')}"
    all_of = f"all {count}" if gain == count > 1 else f"{gain} of {count}"
    return f"{found.variants[0]} is better on {all_of} images"


def _spread(mean: Floats) -> Floats:
    filled = np.nan_to_num(mean)
    return np.asarray(np.maximum(filled.max(axis=1), 0) - np.minimum(filled.min(axis=1), 0))


def _by_image(results: Results) -> pd.DataFrame:
    """Scores of finished runs: (variant, seed) x image, sorted; NaN where there is none."""
    done = {(name, seed) for name, seeds in finished(results).items() for seed in seeds}
    frame = image_scores(results).set_index(["variant", "seed", "image"])["value"]
    wide = frame.unstack("image")
    return wide[[key in done for key in wide.index]]
