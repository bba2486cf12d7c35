"""Where a variant helps: effects by image as a coloured table, the widest spread first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from srbench.analysis.image_effects import Where, where_decimals, where_heading, where_it_helps
from srbench.analysis.ranking import drawn_names, effect_decimals
from srbench.analysis.results import Results
from srbench.core.numbers import plural, shown
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.section import Section

MOST_IMAGES = 6  # more images than this are summed up instead of given a column each
FIRST = 20  # images shown at first
MOST_DETAILED = 8  # more variants than this, and intervals are only on hover and in the CSV


def where_shown(results: Results) -> Table:
    """The same as a table of rows: image, variant, effect, interval, seeds; for CSV and LaTeX."""
    found, unit, d = where_it_helps(results), results.facts.unit, where_decimals(results)
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
        in_unit("effect", "effect", unit, d),
        *limits(unit, d),
        Column("seeds", "seeds", kind="count"),
    )
    facts = results.facts
    caption = f"Effects by image on {facts.heading()} on {facts.dataset} against {facts.baseline}"
    return Table("where", caption, columns, tuple(rows))


@lru_cache(maxsize=8)
def images_shown(results: Results) -> Table:
    """Where a variant helps: effects by image, or their spread where there are many images."""
    unit, decimals = results.facts.unit, effect_decimals(results)
    found = where_it_helps(results)
    each = sorted(found.images) if len(found.images) <= MOST_IMAGES else []
    missing = Mark("missing", "not scored")
    rows: list[tuple[Value, ...]] = []
    for v, name in enumerate(found.variants):
        means = {k: float(x) for k, x in zip(found.images, found.mean[:, v], strict=True) if x == x}
        worst = min(means, key=lambda k: (found.sign * means[k], k))
        best = max(means, key=lambda k: (found.sign * means[k], k))
        gain = f"{found.better_on(v)} of {plural(len(means), 'image')}"
        values = (means[worst], worst, means[best], best)
        rows.append((name, gain, *values, *(means.get(image, missing) for image in each)))
    columns = (
        Column("variant", "variant"),
        Column("better_on", "better on"),
        in_unit("least", "least", unit, decimals),
        Column("least_on", "on"),
        in_unit("most", "most", unit, decimals),
        Column("most_on", "on"),
        *(in_unit(i, i, unit, decimals) for i in each),
    )
    return Table("images", "Mean effect over seeds, by image", columns, tuple(rows))


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
         [_tile(found, i, v, scale, d, unit, detailed) for v, _ in _columns(results)])
        for i, image in enumerate(found.images)
    ]  # fmt: skip


def _columns(results: Results) -> list[tuple[int, str]]:
    """Place and name of the variants that the page shows, best first."""
    shown_ones = set(drawn_names(results))
    variants = where_it_helps(results).variants
    return [(v, name) for v, name in enumerate(variants) if name in shown_ones]


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
            "heads": [(name, found.better_on(v)) for v, name in _columns(results)],
        },
    )
