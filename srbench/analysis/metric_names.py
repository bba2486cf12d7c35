"""The heading, unit and direction of a score, by its name: psnr_y, psnr_y/x2, diversity/noise=5.

A name holds the metric, settings that differ from their defaults, and the factor of a smaller
output. Facts are looked up by the name without factor, then by the metric alone.
"""

from __future__ import annotations

import re

from srbench.core.part_facts import MetricFacts, Metrics

VALIDATE = "validate/"  # before a metric, the name of its curve on `validate`
FOLLOWED = f"{VALIDATE}psnr_y"  # a curve that every training has; `until: converged` reads it


def metric_facts(name: str, known: Metrics) -> MetricFacts:
    """What is known of the metric of a score; nothing where it is unknown."""
    own = without_factor(name)
    return known.get(own) or known.get(own.partition("/")[0]) or MetricFacts()


def metric_name(name: str, known: Metrics) -> str:
    """The heading of a score: PSNR-Y at x2 for psnr_y/x2, diversity (noise 5) for …/noise=5."""
    own = without_factor(name)
    base, *given = re.split(r"/(?=[a-z_]+=)", own)
    settings = ", ".join(one.replace("=", " ", 1) for one in given)
    exact = known[own].heading if own in known else ""
    heading = exact or metric_facts(base, known).heading or base
    if settings and not exact:
        heading += f" ({settings})"
    return f"{heading} at {name[len(own) + 1 :]}" if name != own else heading


def without_factor(name: str) -> str:
    """psnr_y for psnr_y/x2."""
    return re.sub(r"/x\d+$", "", name)
