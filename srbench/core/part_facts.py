"""Facts that a part declares where it is registered, such as a metric's unit and direction.

The registry holds them and a plan stores them, so that a report knows them where the part is not
installed. They are no settings, and no fingerprint contains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricFacts:
    """Of a metric: `@metric.register("rmse", facts=MetricFacts(better="lower"))`.

    - `unit`: dB, or empty for a plain number
    - `better`: which direction is better; empty where none is declared
    - `heading`: its name in tables and figures: PSNR-Y; empty is the registered name
    - `validate`: whether it is also taken on `validate` during training
    """

    unit: str = ""
    better: Literal["higher", "lower", ""] = ""
    heading: str = ""
    validate: bool = False


Metrics = Mapping[str, MetricFacts]
"""The facts of metrics, by name."""


@dataclass(frozen=True)
class LearnerFacts:
    """Of a learner: the names of its curves, `loss` excepted.

    Each is a loss, so smaller is better.
    """

    curves: tuple[str, ...] = ()
