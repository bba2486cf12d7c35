"""A metric by its name, as studies, scores, claims and headings write it.

psnr_y, psnr_y/x2 (of a smaller output), diversity/noise=5 (a setting that is not the default),
diversity/noise=5/x2. The name determines the number, so scores are stored by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from srbench.analysis.metric_names import without_factor
from srbench.core import outputs
from srbench.core.document import parse
from srbench.core.errors import Path, StudyError, UserError
from srbench.core.part_facts import MetricFacts
from srbench.core.registry import Choice, checked, in_words, settings
from srbench.core.slots import metric

DEFAULT = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "l1")
"""What is scored by default."""
_SETTING = re.compile(r"/(?=[a-z_]+=)")
_FACTOR = re.compile(r"(.+=.*)/(x\d+)", re.DOTALL)


def split(name: str, scale: int) -> tuple[str, int]:
    """A name without its factor, and the factor: ("diversity/noise=5", 2) for …/noise=5/x2.

    Raises:
        ValueError: what stands behind the slash is no factor of a smaller output.
    """
    if "=" not in name:
        return outputs.split_name(name, scale)
    found = _FACTOR.fullmatch(name)
    if found is None:
        return name, scale
    return found[1], outputs.split_name(f"{found[1].partition('/')[0]}/{found[2]}", scale)[1]


def choice(own: str, at: Path = ()) -> Choice:
    """The metric of a name without factor.

    Raises:
        StudyError: no such metric or setting, or a value that does not fit.
    """
    base, *given = _SETTING.split(own)
    if not given:
        return metric.parse(base, at)
    pairs = (part.partition("=") for part in given)
    return metric.parse({base: {key: _value(text) for key, _, text in pairs}}, at)


def name_of(chosen: Choice) -> str:
    """The name of a metric: settings that differ from their defaults, in their order."""
    schema = settings(metric.parts[chosen.name])
    return "".join(
        [chosen.name]
        + [
            f"/{key}={_text(value)}"
            for key, value in chosen.settings
            if value != checked(schema[key][1], schema[key][0])
        ]
    )


def stated(chosen: Choice) -> MetricFacts:
    """What a metric states of itself with these settings."""
    found = metric.facts.get(chosen.name, MetricFacts())
    facts: MetricFacts = found(chosen) if callable(found) else found
    return facts


def known_facts(names: Iterable[str] = ()) -> dict[str, MetricFacts]:
    """What every registered metric states, and each of these names: settings may decide it."""
    own = [metric.parse(name) for name in metric.parts] + [choice(without_factor(n)) for n in names]
    return {name_of(chosen): stated(chosen) for chosen in own}


def validated() -> tuple[str, ...]:
    """The metrics that are taken on `validate` during every training."""
    return tuple(name for name in metric.parts if stated(metric.parse(name)).validate)


def read(written: object, scale: int, at: Path) -> str:
    """The name of what a study writes: a name, or {metric: {setting: value}}.

    Raises:
        StudyError: it is no metric, or cannot be had with these settings.
    """
    try:
        factor = ""
        if isinstance(written, str):
            own, smaller = split(written, scale)
            factor = f"/x{smaller}" if smaller != scale else ""
            chosen = choice(own, at)
        else:
            chosen = metric.parse(written, at)
        chosen.build()()
    except UserError as problem:
        raise StudyError(problem.problem, problem.path or at) from None
    except ValueError as problem:
        raise StudyError(str(problem), at) from None
    return name_of(chosen) + factor


def _value(text: str) -> Any:
    try:
        return parse(text).value
    except UserError:
        return text  # a path may be no YAML


def _text(value: object) -> str:
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return in_words(value)
