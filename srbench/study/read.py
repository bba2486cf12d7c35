"""A study file, read: YAML to a frozen Study, every mistake named with file, line and key.

A study names a base network and its variants. Model, training and data are three trees of
choices; a variant is a set of changes on them, and so is `--set`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any

from srbench.analysis.claims_tree import Claim
from srbench.analysis.claims_vocabulary import Vocabulary
from srbench.analysis.metric_names import metric_facts
from srbench.analysis.published import Published
from srbench.core import slots
from srbench.core.document import Document
from srbench.core.errors import StudyError, UserError, brief
from srbench.core.part_facts import Metrics
from srbench.core.part_files import PartFile
from srbench.data.data_settings import data_settings
from srbench.measure.named import known_facts
from srbench.study import views
from srbench.study.criteria import (
    Match,
    check_direction,
    claims_written,
    compare_written,
    match_written,
    metric_on,
    metrics_written,
    min_effect_written,
)
from srbench.study.designs import Design
from srbench.study.keys import taken
from srbench.study.search import Search, check_names, fresh_seeds, search_written
from srbench.study.seeds import baseline_seeds_written, default_seeds, paired_written, seeds_written
from srbench.study.sources import name_datasets, parts_written, published_written
from srbench.study.study_keys import KEYS
from srbench.study.tree import Tree, Variant, check_patch, dataset_name, scale_written
from srbench.study.variants import design_of, rows_of
from srbench.study.written import (
    NAMES,
    assignment,
    data_written,
    is_name,
    mapping,
    option,
    train_written,
)
from srbench.train.learner import curves
from srbench.train.settings import training


@dataclass(frozen=True)
class Study:
    """A question, and the runs that are to answer it."""

    name: str
    question: str
    source: str
    scale: int
    seeds: tuple[int, ...]
    base: Tree
    variants: tuple[Variant, ...]
    baseline: str
    metric: str
    dataset: str
    protocol: str
    metrics: tuple[str, ...]
    metric_facts: Metrics = field(repr=False, compare=False)  # of every registered metric
    min_effect: float | None
    looks: tuple[int, ...]  # numbers of seeds at which to look; empty for a fixed number
    baseline_seeds: int | None  # how many; None: as many as the number of variants asks for
    paired: bool  # whether contrasts are taken within the seed
    compare: tuple[tuple[str, str], ...]  # variants that are compared with each other
    claims: tuple[Claim, ...]
    match: Match | None
    design: Design | None
    search: Search | None
    notes: tuple[str, ...]
    published: tuple[Published, ...]
    parts: tuple[PartFile, ...]
    text: str
    overrides: tuple[str, ...]
    document: Document = field(repr=False, compare=False)

    def located(self, error: UserError) -> UserError:
        """The same error, with its place in the study file."""
        return self.document.located(error)


def read(
    file: File,
    *,
    set_: Sequence[str] = (),
    seeds: int | None = None,
    only: Sequence[str] = (),
    parts: Sequence[File] = (),
) -> Study:
    """Read a study file, with the changes of the command line.

    `only` keeps the variants that fit one of its patterns, and the baseline. `parts` are files of
    parts besides those that the study names.

    Raises:
        StudyError: the first mistake, with file, line and column, or the option it is in.
    """
    whole, source = views.read(file)
    if not is_name(file.stem):
        raise StudyError(f"the file's name becomes the study's; {NAMES}", place=str(file))
    if file.stem.lower().endswith((".yaml", ".yml")):
        raise StudyError("the study's own name would end in .yaml; rename it", place=str(file))
    try:
        found = parts_written(source, parts)
        study = _study(file.stem, whole, source, set_, seeds)
    except UserError as error:
        raise source.located(error) from None
    options = (*study.overrides, *(f"--parts {one}" for one in parts))
    study = replace(study, parts=found, overrides=options)
    return _selected(study, only) if only else study


def _selected(study: Study, only: Sequence[str]) -> Study:
    names = [v.name for v in study.variants]
    for pattern in only:
        if not views.fitting(names, [pattern]):
            raise StudyError(
                f"no variant fits (known: {', '.join(names)})", place=f"--only {pattern}"
            )
    fit = views.fitting(names, only)
    kept = tuple(v for v in study.variants if v.role != "variant" or v.name in fit)
    options = (*study.overrides, *(f"--only {pattern}" for pattern in only))
    left = {v.name for v in kept}
    compare = tuple(pair for pair in study.compare if left.issuperset(pair))
    return replace(study, variants=kept, compare=compare, overrides=options)


OPTIONS = ("seeds", "only", "parts")
"""Keys of a study that are options of the commands as well."""


def _base(value: Mapping[str, Any], set_: Sequence[str]) -> tuple[int, Tree]:
    """The scale and the base, with the changes of the command line."""
    scale, place = value["scale"], ""
    base = Tree(
        slots.model.parse(value["base"], ("base",)),
        training.parse({"train": train_written(mapping(value, "train"))}),
        data_settings.parse({"data": data_written(mapping(value, "data"))}),
    )
    for change in set_:
        path, written = assignment(change)
        place = f"--set {change}" if path in ("scale", "data.patch") else place
        with option(f"--set {change}"):
            if path == "scale":
                scale = scale_written(written, ("scale",))
            elif path in KEYS and path not in ("train", "data"):
                own = f"--{path} sets it" if path in OPTIONS else "change it in the file"
                raise StudyError(f"{path} is a key of the study, not of its base; {own}")
            else:
                base = base.set(path, written)
    with option(place):
        check_patch(base, scale)
    return scale, base


def _study(
    name: str, whole: str, source: Document, set_: Sequence[str], seeds: int | None
) -> Study:
    value = source.value
    if not isinstance(value, dict):
        found = "nothing" if value is None else brief(value)
        raise StudyError(f"keys with values are expected, found {found} (known: {', '.join(KEYS)})")
    slots.load()
    read = taken(value, KEYS)
    value = {key: one for key, one in read.items() if key in value or one is not None}
    name_datasets(mapping(value, "datasets"), source)
    scale, base = _base(value, set_)
    variants = rows_of(value, base)
    compared = [v.name for v in variants if v.role == "variant"]
    asked = value.get("seeds", default_seeds(len(compared)))
    chosen, looks = seeds_written(asked)
    if seeds is not None:
        with option(f"--seeds {seeds}"):
            chosen, looks = seeds_written(seeds)
    metric, dataset = metric_on(value, base, scale)
    extra = metrics_written(value, scale)
    metrics = tuple(dict.fromkeys((metric, *extra)))
    facts = known_facts(metrics)
    own = metric_facts(metric, facts)
    check_direction(metric, own, "metric")
    for other in extra:
        check_direction(other, metric_facts(other, facts), "metrics")
    min_effect = min_effect_written(value, metric, own.unit)
    if looks and min_effect is None:
        raise StudyError("seeds until decided need a min_effect: without one nothing is equivalent")
    search = search_written(value, base, metric)
    if search is not None:
        check_names(variants, search)
        chosen = fresh_seeds(search, chosen, looks, asked if seeds is None else 0)
    compare = compare_written(value, compared, looks)
    match = match_written(value, compared)
    twins = (f"{v.name} twin" for v in variants if match and v.role == "variant")
    names = Vocabulary(
        variants=(*(v.name for v in variants), *twins, *(search.names() if search else ())),
        metrics=metrics,
        datasets=tuple(dataset_name(choice) for choice in base.data["eval"]),
        curves=curves(),
        min_effects={} if min_effect is None else {metric: min_effect},
        metric_facts=facts,
    )
    return Study(
        name=name,
        question=value["question"],
        source=value["source"],
        scale=scale,
        seeds=chosen,
        base=base,
        variants=variants,
        baseline=next(v.name for v in variants if v.role == "baseline"),
        metric=metric,
        dataset=dataset,
        protocol=value["protocol"],
        metrics=metrics,
        metric_facts=facts,
        min_effect=min_effect,
        looks=looks,
        baseline_seeds=baseline_seeds_written(value, chosen, looks),
        paired=paired_written(value, looks),
        compare=compare,
        claims=claims_written(value, names),
        match=match,
        design=design_of(value),
        search=search,
        notes=tuple(value["notes"]),
        published=published_written(source),
        parts=(),
        text=whole,
        overrides=(*(f"--set {c}" for c in set_), *([f"--seeds {seeds}"] if seeds else [])),
        document=source,
    )
