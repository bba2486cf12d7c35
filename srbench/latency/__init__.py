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

__all__ = [
    "CONTROL",
    "MEMORY",
    "MODES",
    "PRECISIONS",
    "QUANTITIES",
    "TRAINED",
    "Effort",
    "Entrant",
    "OnRound",
    "Pass",
    "Quantity",
    "Setting",
    "measure",
]  # fmt: skip
