"""The table of effects by image: where a variant helps, not further evidence that it does."""

from __future__ import annotations

from functools import lru_cache

from srbench.analysis.effects import Effect, paired_effect
from srbench.analysis.ranking import effect_decimals, ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, compared, image_scores
from srbench.core.numbers import plural
from srbench.core.table import Column, Mark, Table, Value

MOST_IMAGES = 6  # more images than this are summed up instead of given a column each


def image_effects(results: Results) -> dict[str, dict[str, Effect]]:
    """variant -> image -> effect on that image, paired by seed."""
    frame = image_scores(results)
    done = {(c.variant, c.seed) for c in cells(results) if c.state == "done"}
    values: dict[tuple[str, str], dict[int, float]] = {}
    for row in frame.to_dict("records"):
        key = str(row["variant"]), int(row["seed"])
        if key in done:
            values.setdefault((key[0], str(row["image"])), {})[key[1]] = float(row["value"])
    images = sorted({image for _, image in values})
    base, count = results.facts.baseline, len(compared(results))
    out: dict[str, dict[str, Effect]] = {}
    for name in compared(results):
        pairs = {
            image: paired_effect(
                name, values.get((name, image), {}), values.get((base, image), {}), count
            )
            for image in images
        }
        out[name] = {image: effect for image, effect in pairs.items() if effect.pairs}
    return out


@lru_cache(maxsize=8)
def images_shown(results: Results) -> Table:
    """Where a variant helps: effects by image, or their spread where there are many images."""
    unit, decimals = results.facts.unit, effect_decimals(results)
    suffix = f"_{unit.lower()}" if unit else ""
    better = -1 if results.facts.lower_is_better else 1
    found = image_effects(results)
    images = sorted({image for effects in found.values() for image in effects})
    each = images if len(images) <= MOST_IMAGES else []
    rows: list[tuple[Value, ...]] = []
    for effect in ranked(results):
        effects = found.get(effect.variant, {})
        if not effects:
            continue
        worst = min(effects, key=lambda k: (better * effects[k].mean, k))
        best = max(effects, key=lambda k: (better * effects[k].mean, k))
        gain = sum(better * e.mean > 0 for e in effects.values())
        missing = Mark("missing", "not scored")
        rows.append(
            (
                effect.variant,
                f"{gain} of {plural(len(effects), 'image')}",
                effects[worst].mean,
                worst,
                effects[best].mean,
                best,
                *(effects[image].mean if image in effects else missing for image in each),
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("better_on", "better on"),
        Column(f"least{suffix}", "least", unit, "difference", decimals),
        Column("least_on", "on"),
        Column(f"most{suffix}", "most", unit, "difference", decimals),
        Column("most_on", "on"),
        *(Column(f"{i}{suffix}", i, unit, "difference", decimals) for i in each),
    )
    return Table("images", "Mean effect over seeds, by image", columns, tuple(rows))
