"""A plan as records of the store, made from choice trees, costs and images."""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from srbench.analysis.results import StudyFacts
from srbench.core import part_files, slots
from srbench.core.devices import Machine
from srbench.core.provenance import Surroundings
from srbench.data.data_settings import data_settings
from srbench.store import DatasetRecord, Image, PlanRecord, Provenance, Training, VariantRecord
from srbench.study.designs import Design
from srbench.study.identity import deciding, versions
from srbench.study.plan import Plan, PlannedVariant, references
from srbench.study.read import Study
from srbench.study.tree import Tree, describe
from srbench.train.fit import FIT_VERSION
from srbench.train.settings import training


def record(plan: Plan, key: str, file: str) -> PlanRecord:
    """The plan of a study file, whose path is given, as records of the store."""
    study, numerics = plan.study, str(plan.numerics)
    trainings = {
        p.fingerprint: training_record(p, study.scale, numerics)
        for p in plan.variants
        if not p.stale
    }
    return PlanRecord(
        digest=plan.digest,
        key=key,
        facts={**_facts(plan), "file": file},
        trainings=tuple(trainings.values()),
        variants=tuple(
            VariantRecord(p.variant.name, p.variant.role, p.variant.change, p.fingerprint, p.seeds)
            for p in plan.variants
        ),
        datasets=tuple(
            DatasetRecord(
                images.manifest,
                images.name,
                role,  # type: ignore[arg-type]
                tuple(Image(i.name, i.hr.shape[1], i.hr.shape[0], i.sha256) for i in images.images),
            )
            for role, images in plan.datasets
        ),
        metrics=study.metrics,
        protocol=study.protocol,
        former=tuple(p.fingerprint for p in plan.variants if p.stale),
    )


def _facts(plan: Plan) -> dict[str, Any]:
    study = plan.study
    epochs = int(study.base.train["epochs"])
    facts = {
        **{f.name: getattr(study, f.name) for f in fields(StudyFacts) if hasattr(study, f.name)},
        "baseline_seeds": next(p.seeds for p in plan.variants if p.variant.role == "baseline"),
        "lr": plan.images.lr,
        "overlaps": plan.images.overlaps,
        "metric_facts": {name: asdict(one) for name, one in study.metric_facts.items()},
        "epochs": epochs,
        "steps": max(p.steps for p in plan.variants),
        "train": describe(study.base.train),
        "data": describe(study.base.data),
        "references": references(plan),
        "claims": [{"id": c.id, "says": c.says, "test": c.text} for c in study.claims],
        "design": _design(study.design),
        "twins": {v.name: v.twin_of for p in plan.variants if (v := p.variant).twin_of},
        "search": study.search and study.search.as_plain(),
    }
    facts |= {"part_files": _part_files(study), "part_versions": _part_versions(plan)}
    return {k: v for k, v in facts.items() if k not in ("plan", "planned_at", "later")}


def _part_files(study: Study) -> dict[str, str]:
    folder = Path(study.document.file).resolve().parent
    return {
        os.path.relpath(Path(one.file).resolve(), folder) if one.file else "": one.text
        for one in part_files.shipped()
    }


def _part_versions(plan: Plan) -> dict[str, dict[str, int | str]]:
    """The versions of all parts of each variant that uses a part without a package."""
    found = {}
    for planned in plan.variants:
        choices = deciding(planned.variant.tree, trained=planned.trained)
        shipped = any(part_files.is_shipped(c.slot.parts[c.name]) for c in choices)
        if shipped and not planned.stale:
            found[planned.fingerprint] = versions(choices)
    return found


def _design(design: Design | None) -> dict[str, Any] | None:
    """A design as plain data: what `srbench.analysis.attribution` works from, and the words."""
    if design is None:
        return None
    return {
        "kind": design.kind,
        "factors": {f.name: [level.name for level in f.levels] for f in design.factors},
        "levels": design.levels(),
        "aliases": list(design.aliases),
        "resolution": design.resolution,
    }


def stored_tree(model: Any, train: Any, data: Any) -> Tree:
    """The tree of stored settings; StudyError where a part or a setting no longer exists."""
    return Tree(
        slots.model.parse(model),
        training.parse({training.name: train}),
        data_settings.parse({data_settings.name: data}),
    )


def training_record(p: PlannedVariant, scale: int, numerics: str) -> Training:
    """A variant's training as a record of the store."""
    tree, cost = p.variant.tree, p.cost
    costs = {**asdict(cost), "dead_modules": list(cost.dead_modules)}
    costs["uncounted"] = list(cost.uncounted)
    del costs["training_macs_256"]  # only estimates need it
    return Training(
        fingerprint=p.fingerprint,
        model={tree.model.name: describe(tree.model)},
        train=describe(tree.train) if p.trained else {},
        data=describe(tree.data) if p.trained else {},
        scale=scale,
        manifest=p.manifest,
        numerics=numerics,
        salt=p.variant.salt,
        source=p.source,
        fit_version=FIT_VERSION,
        steps=p.steps,
        network=p.network,
        step=p.step,
        **costs,
    )


def provenance(machine: Machine, threads: int, here: Surroundings) -> Provenance:
    """What computed, for which command."""
    return Provenance(**asdict(here), **asdict(machine), threads=threads)
