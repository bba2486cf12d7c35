"""What was planned: studies, plans, variants, trainings, datasets; each column is described.

A study has plans, a plan variants, a variant cells (one a seed); a cell refers to the latest
attempt of the run with its fingerprint and seed. Studies that ask for one training share its runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from srbench.store.columns import ROLES
from srbench.store.table_base import Base, Value, count, key, link, number, one_of, plain, words


class Study(Base):
    """A name that plans are made under."""

    __tablename__ = "studies"
    id: Mapped[int] = key("number of the study")
    name: Mapped[str] = words("name of the study: its file without the ending", unique=True)
    created_at: Mapped[str] = words("when it was first planned; ISO 8601, UTC")


class Plan(Base):
    """What one study file asked for, with everything resolved; results never change it."""

    __tablename__ = "plans"
    __table_args__ = (UniqueConstraint("study_id", "digest"), Index(None, "shortcut"))
    id: Mapped[int] = key("number of the plan")
    study_id: Mapped[int] = link("studies.id", "the study it belongs to")
    digest: Mapped[str] = words("hash of the plan's content; the same digest is the same plan")
    shortcut: Mapped[str] = words("hash of file, overrides and code; finds the plan again")
    turn: Mapped[int] = count("rises each time a plan is chosen; a study's latest has the highest")
    question: Mapped[str] = words("the question of the study file")
    protocol: Mapped[str] = words("how scores are taken, such as sr-y-v1")
    metrics: Mapped[list[str]] = plain("names of the metrics to score; JSON list")
    facts: Mapped[dict[str, Any]] = plain("settings and text of the study file; JSON object")
    planned_at: Mapped[str] = words("when it was first planned; ISO 8601, UTC")


class Training(Value):
    """A training apart from its seed: its settings, and the cost of its network."""

    __tablename__ = "trainings"
    fingerprint: Mapped[str] = words("hash of all that decides the result", primary_key=True)
    model: Mapped[dict[str, Any]] = plain("tree of choices of the network; JSON object")
    train: Mapped[dict[str, Any]] = plain("training settings; JSON object")
    data: Mapped[dict[str, Any]] = plain("data settings; JSON object")
    scale: Mapped[int] = count("factor between LR and HR")
    manifest: Mapped[str] = words("hash of the training images")
    numerics: Mapped[str] = words("device kind, precision and threads that decide the bits")
    salt: Mapped[str] = words("set for control runs, which use other random streams; else empty")
    source: Mapped[str] = words("hash of the versions of the parts used")
    fit_version: Mapped[int] = count("version of the training loop")
    steps: Mapped[int] = count("optimizer steps of one run; 0 for interpolation")
    parameters: Mapped[int] = count("trainable parameters")
    frozen: Mapped[int] = count("parameters that are not trained")
    dead: Mapped[int] = count("trainable parameters that no output depends on")
    dead_modules: Mapped[list[str]] = plain(
        "paths of modules with dead parameters; JSON list", default_factory=list
    )
    macs_720p: Mapped[float | None] = number(
        "multiply-accumulates for an HR image of 1280x720", default=None
    )
    macs_256: Mapped[float | None] = number(
        "multiply-accumulates for an LR image of 256x256", default=None
    )
    activations: Mapped[float | None] = number(
        "elements of convolution outputs, HR 1280x720", default=None
    )
    receptive_field: Mapped[int | None] = count(
        "LR pixels across that one output pixel sees", default=None
    )
    uncounted: Mapped[list[str]] = plain(
        "operations the MACs leave out; JSON list", default_factory=list
    )
    added_at: Mapped[str] = words("when it was first planned; ISO 8601, UTC", init=False)
    network: Mapped[str | None] = words(
        "hash of the network without its training: what is timed", default=None
    )
    step: Mapped[str | None] = words("hash of the network and one training step", default=None)


class Variant(Base):
    """One row of a study: a name for a training within one plan."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("plan_id", "name"),
        UniqueConstraint("plan_id", "position"),
        one_of("role", ROLES),
        Index(None, "fingerprint"),
    )
    id: Mapped[int] = key("number of the variant")
    plan_id: Mapped[int] = link("plans.id", "the plan it belongs to")
    position: Mapped[int] = count("place in the study file, from 0")
    name: Mapped[str] = words("name in the study file")
    role: Mapped[str] = words("baseline, variant, twin, control, interpolation or candidate")
    change: Mapped[str] = words("how it differs from the base, as text")
    fingerprint: Mapped[str] = link("trainings.fingerprint", "the training it stands for")


class Cell(Base):
    """One variant with one seed: it refers to the run of that fingerprint and seed."""

    __tablename__ = "cells"
    __table_args__ = (Index(None, "variant_id", "position"),)
    variant_id: Mapped[int] = link("variants.id", "the variant", primary_key=True)
    seed: Mapped[int] = count("the seed", primary_key=True)
    position: Mapped[int] = count("place in the plan's order of work: first seeds first")


class Dataset(Base):
    """A set of images, known by its content."""

    __tablename__ = "datasets"
    manifest: Mapped[str] = words("hash over names and pixels of the images", primary_key=True)
    added_at: Mapped[str] = words("when it was first planned; ISO 8601, UTC")


class Image(Value):
    """One image of a dataset."""

    __tablename__ = "images"
    __table_args__ = (UniqueConstraint("manifest", "name"),)
    id: Mapped[int] = key("number of the image", init=False)
    manifest: Mapped[str] = link("datasets.manifest", "the dataset it belongs to", init=False)
    position: Mapped[int] = count("place in the dataset, from 0", init=False)
    name: Mapped[str] = words("name of the image within its dataset")
    width: Mapped[int] = count("HR pixels across")
    height: Mapped[int] = count("HR pixels down")
    sha256: Mapped[str] = words("SHA-256 of the decoded pixels")


class PlanDataset(Base):
    """A dataset in the role it plays in a plan."""

    __tablename__ = "plan_datasets"
    __table_args__ = (one_of("role", ("train", "validate", "eval")),)
    plan_id: Mapped[int] = link("plans.id", "the plan", primary_key=True)
    position: Mapped[int] = count("place in the plan, from 0", primary_key=True)
    role: Mapped[str] = words("train, validate or eval")
    name: Mapped[str] = words("name in the study file")
    manifest: Mapped[str] = link("datasets.manifest", "the dataset")
