"""The latency pass: networks of a study timed against their baseline, on a device of their own.

A setting says how, an effort how long; `measure` takes a pass.
"""

from srbench.latency.passes import (
    CONTROL,
    Effort,
    Entrant,
    OnRound,
    Pass,
    measure,
)
from srbench.latency.setting import (
    MEMORY,
    MODES,
    PRECISIONS,
    QUANTITIES,
    TRAINED,
    Quantity,
    Setting,
)
from srbench.latency.widths import Matched, match_widths

__all__ = [
    "CONTROL",
    "MEMORY",
    "MODES",
    "PRECISIONS",
    "QUANTITIES",
    "TRAINED",
    "Effort",
    "Entrant",
    "Matched",
    "OnRound",
    "Pass",
    "Quantity",
    "Setting",
    "match_widths",
    "measure",
]  # fmt: skip
