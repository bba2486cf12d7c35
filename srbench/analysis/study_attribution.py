"""The effects of a study's factors: what is estimated, and what qualifies it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from srbench.analysis.attribution import Attribution, attribute
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import scores_by_seed
from srbench.core.numbers import justified_decimals, listed, plural, shown, with_unit

KINDS = ("factorial", "fractional")


@lru_cache(maxsize=8)
def attributed(results: Results) -> Attribution | None:
    """The estimates of a factorial or fractional design; None for every other study."""
    design = results.facts.design
    if not design or design.get("kind") not in KINDS or not design.get("levels"):
        return None
    planned = set(scores_by_seed(results))
    levels = {c: dict(at) for c, at in design["levels"].items() if c in planned}
    if len(levels) < len(design["levels"]):  # --only has left out cells
        return None
    try:
        return attribute(levels, scores_by_seed(results), _level_names(design))
    except ValueError:  # levels that are no design: written by hand into the database
        return None


def attribution_heading(results: Results) -> str:
    """The factor with the largest effect, and how many interactions exclude zero."""
    found = attributed(results)
    if found is None or not found.averaged:
        return "No factor can be estimated before runs have finished"
    parts = found.shapley or tuple(c for c in found.averaged if len(c.term) == 1)
    best = max(parts, key=lambda c: abs(c.mean))
    size = shown(best.mean, attribution_decimals(results), signed=True)
    message = f"{best.name} has the largest effect, {with_unit(size, results.facts.unit)}"
    pairs = [c for c in found.averaged if len(c.term) == 2]
    clear = sum(c.simultaneous_low > 0 or c.simultaneous_high < 0 for c in pairs)
    if not pairs:
        return message
    if not clear:
        return f"{message}; no interaction excludes zero"
    verb = "excludes" if clear == 1 else "exclude"
    return f"{message}; {clear} of {plural(len(pairs), 'interaction')} {verb} zero"


def attribution_decimals(results: Results) -> int:
    """Decimals that the intervals of the estimates justify."""
    found = attributed(results)
    rows = found.averaged if found else ()
    return justified_decimals([(c.high - c.low) / 2 for c in rows], results.facts.unit)


def attribution_notes(results: Results) -> list[str]:
    """What qualifies the estimates: aliases, seeds left out, cells without a score."""
    found, design = attributed(results), results.facts.design or {}
    if found is None:
        return []
    notes = []
    if found.missing:
        names = listed(found.missing[:5]) + (" and others" if len(found.missing) > 5 else "")
        notes.append(f"No estimate is possible while cells are empty: {names}.")
    elif not found.seeds:
        notes.append("No estimate is possible: no seed has finished in every cell.")
    elif len(found.seeds) < 2:
        notes.append("One seed gives no interval.")
    if found.seeds and found.left_out:
        count, them = len(found.left_out), "it" if len(found.left_out) == 1 else "them"
        notes.append(f"{plural(count, 'seed')} left out: some cell has no score for {them}.")
    if design.get("kind") == "fractional":
        size = f" of resolution {design['resolution']}" if design.get("resolution") else ""
        message = "; ".join(str(alias) for alias in design.get("aliases", ()))
        notes.append(
            f"A fraction{size}: each estimate also contains the effects it is aliased with"
            + (f" ({message})." if message else ".")
        )
    return notes


def _level_names(design: Mapping[str, Any]) -> dict[str, list[str]]:
    factors = design.get("factors")
    if not isinstance(factors, Mapping):
        return {}
    return {name: [str(x) for x in levels] for name, levels in factors.items() if len(levels) > 2}
