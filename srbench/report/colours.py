"""One fixed colour per variant through the whole report, after Okabe and Ito (2008).

The baseline is neutral grey. With more than seven variants the most telling ones (largest
effects, both ends) have a colour and the rest are grey: 32 hues are not distinguishable.
The palette's yellow is darker here, since yellow lines vanish on white paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import trained

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#A89B00")
BASELINE = "#767676"
REST = "#999999"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")


@lru_cache(maxsize=8)
def colours(results: Results) -> Mapping[str, str]:
    """variant -> colour, in study order."""
    chosen = coloured(results)
    out = {}
    for name in trained(results):
        if name == results.facts.baseline:
            out[name] = BASELINE
        else:
            out[name] = PALETTE[chosen.index(name)] if name in chosen else REST
    return out


def coloured(results: Results) -> list[str]:
    """The variants that have a colour of their own, in study order."""
    order = [effect.variant for effect in ranked(results)]
    most = len(PALETTE)
    if len(order) > most:
        order = [*order[: most - 3], *order[-3:]]
    return [name for name in trained(results) if name in order]


@lru_cache(maxsize=8)
def dashes(results: Results) -> Mapping[str, str]:
    """variant -> line pattern, so that colour is never the only difference."""
    chosen = coloured(results)
    return {n: DASHES[chosen.index(n)] if n in chosen else "solid" for n in trained(results)}
