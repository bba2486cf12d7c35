"""Effects on each image, paired by seed; they are no further evidence that a variant helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from srbench.analysis.effects import CONFIDENCE
from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, image_scores
from srbench.core.numbers import justified_decimals

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Where:
    """Effects by image and variant, (images, variants); NaN without a pair or an interval."""

    images: tuple[str, ...]  # largest spread first
    variants: tuple[str, ...]  # best first
    mean: Floats
    half: Floats  # of the 95 % t interval over seeds
    seeds: tuple[int, ...]  # pairs behind each variant's column
    sign: int  # 1 where more is better, else -1

    @property
    def spread(self) -> Floats:
        """From the lowest to the highest effect on an image, the baseline's zero among them."""
        filled = np.nan_to_num(self.mean)
        spread: Floats = np.maximum(filled.max(axis=1), 0) - np.minimum(filled.min(axis=1), 0)
        return spread

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
    values, images, names = _by_image(results)
    base = results.facts.baseline
    order = [e.variant for e in ranked(results) if e.variant in names]
    sign = -1 if results.facts.lower_is_better else 1
    if base not in names or not order:
        none = np.empty((0, 0))
        return Where((), (), none, none, (), sign)
    chosen = [names.index(name) for name in order]
    different = values[chosen] - values[names.index(base)]  # (variants, seeds, images)
    mean, half = _t(different)  # (variants, images)
    pairs = np.isfinite(different).any(axis=2).sum(axis=1)
    keep = [v for v in range(len(order)) if pairs[v]]
    found = Where(
        images,
        tuple(order[v] for v in keep),
        mean[keep].T,
        half[keep].T,
        tuple(int(pairs[v]) for v in keep),
        sign,
    )
    if not keep:
        return found
    rows = sorted(range(len(images)), key=lambda i: (-found.spread[i], images[i]))
    sorted_images = tuple(images[i] for i in rows)
    return Where(
        sorted_images, found.variants, found.mean[rows], found.half[rows], found.seeds, sign
    )


def where_decimals(results: Results) -> int:
    """Decimals that the intervals by image justify."""
    found = where_it_helps(results)
    return justified_decimals(found.half.ravel().tolist(), results.facts.unit)


def where_heading(results: Results) -> str:
    """On how many images the best variant is better."""
    found = where_it_helps(results)
    if not found.variants:
        return "No effect by image before runs have finished"
    gain, count = found.better_on(0), len(found.images)
    all_of = f"all {count}" if gain == count > 1 else f"{gain} of {count}"
    return f"{found.variants[0]} is better on {all_of} images"


def _t(values: Floats) -> tuple[Floats, Floats]:
    """Mean and half-width of the t interval over axis 1 of (variants, seeds, images)."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)
        squares = (np.where(known, values - mean[:, None, :], 0.0) ** 2).sum(axis=1)
        freedom = np.where(count > 1, count - 1, np.nan)
        half = stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(squares / freedom / count)
    return mean, half


def _by_image(results: Results) -> tuple[Floats, tuple[str, ...], list[str]]:
    """(variants, seeds, images) scores of finished runs, NaN where there is none."""
    done = {(c.variant, c.seed) for c in cells(results) if c.state == "done"}
    frame = image_scores(results)
    variant, seed, image = (frame[k].tolist() for k in ("variant", "seed", "image"))
    names = sorted({v for v, _ in done})
    seeds = sorted({s for _, s in done})
    images = tuple(sorted(set(image)))
    values = np.full((len(names), len(seeds), len(images)), np.nan)
    at = _places(names), _places(seeds), _places(images)
    for v, s, i, x in zip(variant, seed, image, frame["value"].tolist(), strict=True):
        if (v, s) in done:
            values[at[0][v], at[1][s], at[2][i]] = x
    values[~np.isfinite(values)] = np.nan  # inf - inf says nothing of an effect
    return values, images, names


def _places(of: Sequence[object]) -> dict[object, int]:
    return {name: place for place, name in enumerate(of)}
