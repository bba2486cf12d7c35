"""What scoring needs, checked by the plan: image sizes, the protocol's scale, weights of metrics.

A study whose evaluation is bound to fail is refused before anything is trained. A metric of a whole
set that lacks weights or descriptions is left out with a warning, unless verdicts rest on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import torch

from srbench.core.errors import Path, StudyError, UserError
from srbench.core.outputs import factors_of, output_name
from srbench.core.pretrained import WeightsMissing
from srbench.data.decoded import Dataset
from srbench.measure.named import validated
from srbench.measure.needs import check_ready, least_side
from srbench.measure.scores import PROTOCOLS
from srbench.measure.sets import NotScored
from srbench.study import identity
from srbench.study.read import Study
from srbench.study.tree import Tree

SHOWN = 5  # images that an error names


def check_evaluation(study: Study, sets: Sequence[Dataset]) -> tuple[str, ...]:
    """What will not be scored of a study's evaluation sets; () where everything will be.

    Raises:
        StudyError: an image is too small for a metric, the protocol is not defined at the scale, or
            the primary metric cannot be taken.
    """
    scale, protocol = study.scale, PROTOCOLS[study.protocol]
    if protocol.scales and scale not in protocol.scales:
        allowed = ", ".join(f"x{one}" for one in protocol.scales)
        problem = f"{protocol.name} is defined at {allowed}, not at x{scale}"
        raise StudyError(problem, ("protocol",))
    warnings = []
    for number, images in enumerate(sets):
        missing = dict(_missing(study, images))
        if study.metric in missing:
            raise StudyError(f"cannot be taken: {missing[study.metric]}", ("metric",))
        warnings += [f"{name} on {images.name} will not be scored: {why}"
                     for name, why in missing.items()]  # fmt: skip
        possible = [name for name in study.metrics if name not in missing]
        _check_sizes(images, possible, study.protocol, scale, ("data", "eval", number))
    return tuple(warnings)


def check_validation(images: Dataset, tree: Tree, scale: int) -> None:
    """Refuse validation images that are too small for what every training takes of them."""
    factors: tuple[int, ...] = (scale,)
    if _smallest(images) < 8 * scale:  # larger ones are large enough for smaller outputs, too
        with torch.device("meta"):
            factors = factors_of(tree.model.build()(scale)) or factors
    names = [output_name(name, factor, scale) for factor in factors for name in validated()]
    _check_sizes(images, names, "sr-y-v1", scale, ("data", "validate"))


def _missing(study: Study, images: Dataset) -> Iterator[tuple[str, str]]:
    """Metrics of whole sets that lack what they take along, each with the reason."""
    names = [image.name for image in images.images]
    for metric in study.metrics:
        try:
            check_ready(metric, names, study.scale)
        except (NotScored, WeightsMissing) as problem:
            yield metric, str(problem)
        except UserError as problem:
            raise StudyError(f"{metric}: {problem}", ("metrics",)) from None


def _check_sizes(
    images: Dataset, metrics: Iterable[str], protocol: str, scale: int, at: Path
) -> None:
    """Refuse images that are too small for one of the metrics; all of them are named."""
    needed, code = dict[str, int](), identity.code_digest()
    for name in metrics:
        try:
            needed[name] = _least_side(name, protocol, scale, _smallest(images), code)
        except UserError as problem:
            raise StudyError(f"{name} cannot be taken: {problem}", at) from None
    least = max(needed.values(), default=0)
    small = [image for image in images.images if min(image.hr.shape[:2]) < least]
    if not small:
        return
    shortest = min(min(image.hr.shape[:2]) for image in small)
    failing = ", ".join(name for name, side in needed.items() if side > shortest)
    named = ", ".join(f"{image.name} ({image.size})" for image in small[:SHOWN])
    more = f" and {len(small) - SHOWN} more" if len(small) > SHOWN else ""
    raise StudyError(
        f"{images.name}: too small at x{scale} for {failing} under {protocol}: {named}{more}; "
        f"sides of {least} pixels or more are needed: remove them, or name the set as "
        f"{{large_enough: {{side: {least}, of: ...}}}}", at,
    )  # fmt: skip


def _smallest(images: Dataset) -> int:
    return min(int(min(image.hr.shape[:2])) for image in images.images)


@cache
def _least_side(name: str, protocol: str, scale: int, side: int, code: str) -> int:
    """`least_side`, once for all variants, unless a session's `code` changes."""
    return least_side(name, PROTOCOLS[protocol], scale, side)
