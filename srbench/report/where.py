"""Where a variant helps: its effect on each image, paired by seed, as a table that is coloured in.

Images are rows, those on which the variants differ most come first. These effects are about
single images of one set and are no further evidence that a variant helps.
"""

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
from srbench.core.numbers import justified_decimals, shown
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.section import Section
from srbench.report.table_images import images_shown

Floats = NDArray[np.float64]
FIRST = 20  # images shown at first
MOST_DETAILED = 8  # more variants than this, and intervals stand on hover and in the CSV alone


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


def where_shown(results: Results) -> Table:
    """The same as a table of rows: image, variant, effect, interval, seeds; for CSV and LaTeX."""
    found, unit, d = where_it_helps(results), results.facts.unit, where_decimals(results)
    suffix = f"_{unit.lower()}" if unit else ""
    few = Mark("one seed", "an interval needs at least two seeds")
    missing = Mark("missing", "not scored")
    rows: list[tuple[Value, ...]] = []
    for i, image in enumerate(found.images):
        for v, name in enumerate(found.variants):
            mean, half = float(found.mean[i, v]), float(found.half[i, v])
            known = (mean - half, mean + half) if half == half else (few, few)
            rows.append((image, name, mean if mean == mean else missing, *known, found.seeds[v]))
    columns = (
        Column("image", "image"),
        Column("variant", "variant"),
        Column(f"effect{suffix}", "effect", unit, "difference", d),
        Column(f"low{suffix}", "95 % from", unit, "difference", d),
        Column(f"high{suffix}", "95 % to", unit, "difference", d),
        Column("seeds", "seeds", kind="count"),
    )
    facts = results.facts
    caption = (
        f"Effects by image on {facts.heading()} on {facts.dataset} against "
        f"{facts.baseline}, paired by seed"
    )
    return Table("where", caption, columns, tuple(rows))


@dataclass(frozen=True)
class Tile:
    """A coloured cell: its number, how strong its colour is, and what it says in full."""

    text: str
    value: float
    share: int  # of the strongest colour, -100 to 100
    clear: bool  # the interval lies on one side of zero
    under: str  # a second, smaller line; may be empty
    says: str


def where_tiles(results: Results) -> list[tuple[str, str, float, list[Tile | None]]]:
    """Rows for the page: image, its spread in words and as a number, and a tile a variant."""
    found, d, unit = where_it_helps(results), where_decimals(results), results.facts.unit
    detailed = len(found.variants) <= MOST_DETAILED
    scale = found.sign / found.strongest(results.facts.min_effect)
    spread = found.spread if found.images else np.empty(0)
    return [
        (image, shown(float(spread[i]), d), float(spread[i]),
         [_tile(found, i, v, scale, d, unit, detailed) for v in range(len(found.variants))])
        for i, image in enumerate(found.images)
    ]  # fmt: skip


def _tile(
    found: Where, i: int, v: int, scale: float, d: int, unit: str, detailed: bool
) -> Tile | None:
    mean, half = float(found.mean[i, v]), float(found.half[i, v])
    if mean != mean:
        return None
    known = half == half
    limits = f"{shown(mean - half, d)} to {shown(mean + half, d)}" if known else "one seed"
    text = shown(mean, d, signed=True)
    return Tile(
        text,
        mean,
        round(100 * scale * mean),
        found.clear(i, v),
        f"\u00b1{shown(half, d)}" if detailed and known else "",
        f"{found.variants[v]} on {found.images[i]}: {text} {unit}, 95 % {limits}",
    )


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


def where_heading(results: Results) -> str:
    """On how many images the best variant is better."""
    found = where_it_helps(results)
    if not found.variants:
        return "No effect by image before runs have finished"
    gain, count = found.better_on(0), len(found.images)
    all_of = f"all {count}" if gain == count > 1 else f"{gain} of {count}"
    return f"{found.variants[0]} is better on {all_of} images"


def section(results: Results) -> Section:
    """Effects by image, coloured in."""
    found = where_it_helps(results)
    return Section(
        "where",
        "Where it helps",
        where_heading(results),
        (images_shown(results), where_shown(results)),
        template="section_where.html",
        shows={
            "rows": where_tiles(results) if found.variants else [],
            "first": FIRST,
            "heads": [(name, found.better_on(v)) for v, name in enumerate(found.variants)],
        },
    )
