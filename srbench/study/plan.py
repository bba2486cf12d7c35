"""Study to plan: variants times seeds become runs, each network is built dry and costed.

Nothing is trained here and no GPU is touched; every mistake that a run could meet early is met
here instead, and named with its place in the study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from srbench.core import slots
from srbench.core.arithmetic import one_thread
from srbench.core.cache import cached
from srbench.core.errors import Path, StudyError, UserError
from srbench.core.part_docstrings import source_of
from srbench.core.places import MAX_PICTURES
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset, first_with_pixels
from srbench.data.folders import ImageFile
from srbench.measure import named
from srbench.measure.cost import Cost
from srbench.study import identity
from srbench.study.batches import (
    degradation_of,
    patches_of,
    with_lr_chosen,
    with_start,
    without_path,
)
from srbench.study.decoding import Decoded
from srbench.study.dry_build import check_scales, cost_of, try_training
from srbench.study.image_facts import ImageFacts, image_facts
from srbench.study.numerics import Numerics as Numerics
from srbench.study.read import Study
from srbench.study.scoring import check_evaluation, check_validation
from srbench.study.seeds import seeds_of_baseline
from srbench.study.tree import Tree, Variant, describe
from srbench.study.twins import twins
from srbench.study.variants import same_trainings
from srbench.train.fit import FIT_VERSION
from srbench.train.settings import TrainSettings, trained_scales

TRAINING_DATA = ("patches", "patches_per_image", "cut", "patch", "degradation", "lr", "augment")
"""The data settings that decide a run besides its images; `eval` only decides its scores."""


@dataclass(frozen=True)
class PlannedVariant:
    """One variant with everything known before training."""

    variant: Variant
    fingerprint: str
    seeds: tuple[int, ...]
    steps: int
    cost: Cost
    source: str  # digest of its parts' versions
    manifest: str  # of the training images; empty where nothing is trained
    validate: str  # the manifest of those it is validated on, likewise
    network: str  # digest of the network apart from its training: what latency is of
    step: str  # digest of the network and one training step: what step time is of
    scales: tuple[int, ...]  # that it is trained at
    stale: bool = False  # its runs have a former source
    drawn: str = ""  # tensors that the weights it starts from lack

    @property
    def trained(self) -> bool:
        return self.steps > 0


@dataclass(frozen=True)
class Plan:
    """A study's runs, the images they need, and the digest of all of it."""

    study: Study
    numerics: Numerics
    variants: tuple[PlannedVariant, ...]
    datasets: tuple[tuple[str, Dataset], ...]  # (role, images)
    files: tuple[ImageFile, ...]
    images: ImageFacts
    digest: str
    warnings: tuple[str, ...] = ()  # what will not be scored, and why

    @property
    def runs(self) -> int:
        return len({(v.fingerprint, seed) for v in self.variants for seed in v.seeds})


def make_plan(
    study: Study, numerics: Numerics, *, on_variant: Callable[[str], None] = lambda name: None
) -> Plan:
    """Build every variant dry and say what is to be run.

    Raises:
        StudyError: a network that cannot be built, images that are missing or too small.
    """
    images = Decoded(study.scale)
    planned = []
    variants = tuple(with_twins(study))
    rows = sum(v.role in ("variant", "twin") for v in variants)
    rows += study.search.confirm if study.search else 0
    more = seeds_of_baseline(study.seeds, rows, study.baseline_seeds, paired=study.paired)
    for variant in variants:
        on_variant(variant.name)
        try:
            with one_thread():
                seeds = more if variant.role == "baseline" else study.seeds
                planned.append(plan_variant(variant, seeds, numerics, images))
        except UserError as error:
            raise StudyError(error.problem, _written(error.path, variant, study)) from None
        except (ValueError, RuntimeError, TypeError) as problem:
            reason = str(problem).splitlines()[0]
            where = _written((), variant, study)
            raise StudyError(f"cannot be built: {reason}", where) from problem
    trees = [one.variant.tree for one in planned if one.trained]
    facts = image_facts(trees, study.base, study.protocol, study.search, images)
    warnings = check_evaluation(study, [images(c, "eval") for c in study.base.data["eval"]])
    warnings += tuple(f"{p.variant.name}: {p.drawn}" for p in planned if p.drawn)
    warnings += same_trainings({p.variant.name: p.fingerprint for p in planned})
    unique = images.at_scale()
    return Plan(
        study,
        numerics,
        tuple(planned),
        tuple((role, first_with_pixels(d, MAX_PICTURES)) for (role, _), d in unique.items()),
        tuple(file for files in images.files.values() for file in files),
        facts,
        identity.digest(_asked(study, planned, unique)),
        warnings,
    )


def with_twins(study: Study) -> Iterator[Variant]:
    """The study's variants, each followed by its width-matched twin if it has one."""
    found = twins(study, lambda model: cost_of(model, study.scale, (study.scale,)))
    for variant in study.variants:
        yield variant
        if variant.name in found:
            yield found[variant.name]


def _written(path: Path, variant: Variant, study: Study) -> Path:
    """Where a variant's mistake is written: among its own changes, else in what it is based on."""
    here: Path = ("variants", variant.name)
    own: Path = (*here, ".".join(map(str, path))) if path else here
    if study.document.knows(own):
        return own
    return path or ("base",)


def plan_variant(
    variant: Variant, seeds: tuple[int, ...], numerics: Numerics, images: Decoded
) -> PlannedVariant:
    """Build one variant dry; `seeds` are those of its runs, if it is trained."""
    tree, scale = variant.tree, images.scale
    scales = trained_scales(tree.train, scale)
    check_scales(tree, scale, scales)
    cost = cost_of(tree.model, scale, scales)
    trained = cost.parameters > cost.frozen
    steps, manifest, judge, drawn = 0, "", "", ""
    train: TrainSettings = tree.train.build()()
    source = identity.versions_of_tree(tree, trained=trained)
    asked: dict[str, Any] = {
        "model": tree.model.to_json(),
        "scale": scale,
        "numerics": str(numerics),
        "salt": variant.salt,
        "source": source,
    }
    if trained:
        at = {one: images(tree.data["train"], "train", one) for one in {scale, *scales}}
        tree, drawn = with_start(with_lr_chosen(tree, at.values()), scale)
        variant = replace(variant, tree=tree)
        manifest, patch = at[scale].manifest, int(tree.data["patch"])
        patches = patches_of(
            tree, lambda one: (at[one], degradation_of(tree, one)), scale, Streams(0)
        )
        steps = train.epochs * patches.steps_per_epoch
        tried = [tree.train.to_json(), patch, steps, identity.code_digest(), torch.__version__]
        cached("tried", identity.digest(tried), lambda: try_training(train, steps, patch))
        judged = images(tree.data["validate"], "validate")
        check_validation(judged, tree, scale)
        judge = judged.manifest
        asked |= {
            "fit": FIT_VERSION,
            "train": without_path(tree),
            "data": {k: v for k, v in describe(tree.data).items() if k in TRAINING_DATA},
            "images": manifest,
            "validate": judge,
        }
        if len(at) > 1:
            asked["images_by_scale"] = {str(one): found.manifest for one, found in at.items()}
    runs = seeds if trained else (0,)
    return PlannedVariant(
        variant, identity.digest(asked), runs, steps, cost, source, manifest, judge,
        network_digest(tree, scale), step_digest(tree, scale) if trained else "", scales,
        drawn=drawn,
    )  # fmt: skip


def network_digest(tree: Tree, scale: int) -> str:
    """What a network is, as far as its latency goes: choices, scale, versions."""
    versions = identity.versions(tree.model.choices())
    return identity.digest([tree.model.to_json(), scale, versions])


def step_digest(tree: Tree, scale: int) -> str:
    """What one training step is, as far as its time goes; not how many there are."""
    choices = [c for c in tree.train.choices() if c is not tree.train]
    versions = identity.versions(choices)
    asked = {k: v for k, v in describe(tree.train).items() if k in ("batch", "loss", "optimizer")}
    parts = [network_digest(tree, scale), asked, tree.data["patch"], versions]
    scales = trained_scales(tree.train, scale)
    return identity.digest([*parts, tree.train["clip"], *(scales if len(scales) > 1 else ())])


def with_variants(plan: Plan, variants: tuple[PlannedVariant, ...]) -> Plan:
    """The plan with other runs for its variants, and the digest of that."""
    unique = {(role, images.manifest): images for role, images in plan.datasets}
    asked = _asked(plan.study, list(variants), unique)
    return replace(plan, variants=variants, digest=identity.digest(asked))


def _asked(
    study: Study, planned: list[PlannedVariant], datasets: Mapping[tuple[str, str], Dataset]
) -> dict[str, Any]:
    """What the plan's digest covers: the runs, and everything declared before them."""
    return {
        "question": study.question,
        "variants": [(p.variant.name, p.variant.role, p.fingerprint, p.seeds) for p in planned],
        "baseline": study.baseline,
        "metric": [study.metric, study.dataset, study.protocol],
        "metrics": list(study.metrics),
        "min_effect": study.min_effect,
        "looks": study.looks,
        **({"contrasts": [study.paired, study.compare]} if study.paired or study.compare else {}),
        **({"search": study.search.as_plain()} if study.search else {}),
        "claims": [(claim.id, claim.says, claim.text) for claim in study.claims],
        "eval": sorted(m for role, m in datasets if role == "eval"),
    }


def references(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(part, citation) of every part that the study uses, for the report's bibliography."""
    found: dict[str, str] = {}
    study = plan.study
    trees = [planned.variant.tree for planned in plan.variants]
    for tree in trees:
        for choice in (*tree.model.choices(), *tree.train.choices(), *tree.data.choices()):
            citation = source_of(choice.slot.parts[choice.name])
            if choice.slot.name in slots.SLOTS and "Ours." not in citation:
                found[f"{choice.slot.name} {choice.name}"] = citation
    for name in study.metrics:
        chosen = named.choice(named.split(name, study.scale)[0])
        found[f"metric {chosen.name}"] = source_of(slots.metric.parts[chosen.name])
    return tuple(sorted((part, text) for part, text in found.items() if "Ours." not in text))
