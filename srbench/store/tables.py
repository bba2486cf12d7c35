"""All tables, of which the reference is made: those of `plan_tables`, and what was measured."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped

from srbench.store.columns import QUANTITIES, REASONS, STATES
from srbench.store.plan_tables import Cell as Cell
from srbench.store.plan_tables import Dataset as Dataset
from srbench.store.plan_tables import Image as Image
from srbench.store.plan_tables import Plan as Plan
from srbench.store.plan_tables import PlanDataset as PlanDataset
from srbench.store.plan_tables import Study as Study
from srbench.store.plan_tables import Training as Training
from srbench.store.plan_tables import Variant as Variant
from srbench.store.table_base import (
    NOT_FINITE_DOC,
    NUMBER_DOC,
    Value,
    command_line,
    count,
    flag,
    key,
    link,
    number,
    one_number,
    one_of,
    plain,
    words,
)
from srbench.store.table_base import Base as Base

IS_INFINITE = text("not_finite = 'inf'")
RUNNING_HAS_LEASE = "(state = 'running') = (lease_until IS NOT NULL)"


class Provenance(Value):
    """Which code on which machine; shared by the runs of one command."""

    __tablename__ = "provenances"
    id: Mapped[int] = key("number of the provenance", init=False)
    digest: Mapped[str] = words("hash of the other columns", unique=True, init=False)
    git_commit: Mapped[str | None] = words("commit of the checkout srbench ran from, if any")
    git_dirty: Mapped[bool | None] = flag("whether that checkout had changes")
    versions: Mapped[dict[str, str]] = plain("versions of the packages used; JSON object")
    device: Mapped[str] = words("name of the processor or GPU")
    driver: Mapped[str | None] = words("version of the GPU driver, if any")
    host: Mapped[str] = words("name of the machine")
    command: Mapped[str] = command_line("the command as it was typed, without passwords")
    python: Mapped[str] = words("version of Python")
    platform: Mapped[str] = words("operating system and processor kind")
    threads: Mapped[int] = count("threads that one training may use")


class Run(Base):
    """One training with one seed: the queue, and the record of what was trained."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("fingerprint", "seed", "attempt"),
        Index(None, "state"),
        one_of("state", STATES),
        one_of("reason", REASONS),
        CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name="failed_has_reason"),
        CheckConstraint(RUNNING_HAS_LEASE, name="running_has_lease"),
    )
    id: Mapped[int] = key("number of the run")
    fingerprint: Mapped[str] = link("trainings.fingerprint", "the training")
    seed: Mapped[int] = count("seed of every random stream")
    attempt: Mapped[int] = count("from 1; below 1: another result, which a merge brought")
    state: Mapped[str] = words("queued, running, interrupted, done, failed or pruned")
    reason: Mapped[str | None] = words("why it failed: diverged, oom, error or lost; else NULL")
    message: Mapped[str | None] = words("message of the failure")
    steps: Mapped[int] = count("optimizer steps taken so far")
    fence: Mapped[int] = count("rises with every claim; a writer with a lower one is refused")
    lease_until: Mapped[float | None] = number("Unix time until which the owner holds the run")
    owner_host: Mapped[str | None] = words("machine that claimed it last")
    owner_boot: Mapped[str | None] = words("start of that machine, so that a pid can be trusted")
    owner_pid: Mapped[int | None] = count("process that claimed it last")
    owner_started: Mapped[float | None] = number("start of that process, in seconds after boot")
    owner_label: Mapped[str | None] = words("what that process calls itself")
    queued_at: Mapped[str] = words("when it was queued; ISO 8601, UTC")
    started_at: Mapped[str | None] = words("when it was first claimed; ISO 8601, UTC")
    finished_at: Mapped[str | None] = words("when it was done or failed; ISO 8601, UTC")
    train_seconds: Mapped[float | None] = number("seconds spent in training")
    score_seconds: Mapped[float | None] = number("seconds spent in scoring")
    peak_memory_mb: Mapped[float | None] = number("largest memory of a training step, in MB")
    device: Mapped[str | None] = words("device it was trained on")
    weights: Mapped[str | None] = words("file of the weights, relative to the database's folder")
    weights_sha256: Mapped[str | None] = words("SHA-256 of that file")
    provenance_id: Mapped[int | None] = link("provenances.id", "code and machine of the result")


class Curve(Base):
    """A named series of values over the steps of a run."""

    __tablename__ = "curves"
    __table_args__ = (UniqueConstraint("run_id", "name"),)
    id: Mapped[int] = key("number of the curve")
    run_id: Mapped[int] = link("runs.id", "the run")
    name: Mapped[str] = words("name of the series, such as loss or validate/psnr_y")


class Segment(Base):
    """Consecutive points of a curve, evenly spaced; the view points has them one a row."""

    __tablename__ = "segments"
    __table_args__ = (
        CheckConstraint("count > 0 AND per_epoch > 0 AND scale > 0", name="positive"),
    )
    curve_id: Mapped[int] = link("curves.id", "the curve", primary_key=True)
    first: Mapped[int] = count("step of the first point", primary_key=True)
    stride: Mapped[int] = count("steps from point to point; 0 where there is one")
    count: Mapped[int] = count("number of points")
    per_epoch: Mapped[float] = number("steps of a pass over the patches")
    scale: Mapped[float] = number("power of two that the numbers are multiplied by")
    numbers: Mapped[list[int | str]] = plain(
        "whole numbers that give the values, or nan, inf and -inf as words; JSON list"
    )


POINTS = Table(
    "points",
    MetaData(),  # a view: no migration makes it
    Column("curve_id", Integer, primary_key=True, doc="the curve"),
    Column("step", BigInteger, primary_key=True, doc="optimizer steps taken when it was measured"),
    Column("epoch", Double, doc="the same moment in passes over the patches"),
    Column("value", Double, doc=NUMBER_DOC),
    Column("not_finite", Text, doc=NOT_FINITE_DOC),
)


class Score(Base):
    """One metric of one image, from the weights of the last step."""

    __tablename__ = "scores"
    __table_args__ = (
        *one_number(),
        Index(None, "image_id", sqlite_where=IS_INFINITE, postgresql_where=IS_INFINITE),
        {"sqlite_with_rowid": False},
    )
    run_id: Mapped[int] = link("runs.id", "the run", primary_key=True)
    image_id: Mapped[int] = link("images.id", "the image", primary_key=True)
    protocol: Mapped[str] = words("how it was taken, such as sr-y-v1", primary_key=True)
    metric: Mapped[str] = words("what was taken, such as psnr_y", primary_key=True)
    value: Mapped[float | None] = number(NUMBER_DOC)
    not_finite: Mapped[str | None] = words(NOT_FINITE_DOC)


class Picture(Base):
    """A picture file of a run."""

    __tablename__ = "pictures"
    run_id: Mapped[int] = link("runs.id", "the run", primary_key=True)
    image_id: Mapped[int] = link("images.id", "the image it shows", primary_key=True)
    kind: Mapped[str] = words("lr, sr, hr, or sr/x2 of a smaller output", primary_key=True)
    path: Mapped[str] = words("the file, relative to the database's folder")


class Trial(Base):
    """One proposal of a search, in order."""

    __tablename__ = "trials"
    __table_args__ = (Index(None, "variant_id"),)
    plan_id: Mapped[int] = link("plans.id", "the plan whose search it belongs to", primary_key=True)
    number: Mapped[int] = count("place in the search, from 0", primary_key=True)
    variant_id: Mapped[int | None] = link("variants.id", "its candidate; NULL where untrained")
    parameters: Mapped[dict[str, Any]] = plain("what was proposed, by place; JSON object")
    constraints: Mapped[dict[str, Any]] = plain("share of excess, or <= 0 if met; JSON object")
    noted: Mapped[dict[str, Any]] = plain("notes of sampler, pruner and stopwatch; JSON object")
    pruned_at: Mapped[int | None] = count("epochs, or seeds, after which it was pruned")
    message: Mapped[str | None] = words("why it was pruned, or not trained")
    proposed_at: Mapped[str] = words("when it was proposed; ISO 8601, UTC")


class Look(Value):
    """A contrast at one look of a study with seeds until decided, as it was taken."""

    __tablename__ = "looks"
    variant_id: Mapped[int] = link("variants.id", "the variant", primary_key=True, init=False)
    seeds: Mapped[int] = count("seeds of the look", primary_key=True)
    pairs: Mapped[int] = count("seeds of the variant that counted")
    effect: Mapped[float | None] = number("mean minus that of the baseline; NULL without either")
    low: Mapped[float | None] = number("lower end of the repeated confidence interval")
    high: Mapped[float | None] = number("upper end of the repeated confidence interval")
    p: Mapped[float | None] = number(
        "p-value of a difference, after Holm; NULL where there is none"
    )
    nominal: Mapped[float] = number("threshold of p at this look")
    p_within: Mapped[float | None] = number("p-value of equivalence, after Holm")
    nominal_within: Mapped[float] = number("threshold of p_within at this look")
    verdict: Mapped[str] = words("helps, hurts, equivalent or unresolved; empty where none is due")
    taken_at: Mapped[str] = words("when it was taken; ISO 8601, UTC", init=False)


class PublishedFigure(Base):
    """A figure that others published about a study; never measured here."""

    __tablename__ = "published"
    __table_args__ = (Index(None, "study_id"),)
    id: Mapped[int] = key("number of the figure")
    study_id: Mapped[int] = link("studies.id", "the study it is about")
    source: Mapped[str] = words("who published it, where, when")
    variant: Mapped[str] = words("the variant it is about")
    quantity: Mapped[str] = words("what it is: psnr_y, params, loss, ...")
    dataset: Mapped[str] = words("the evaluation set; empty where the quantity has none")
    epoch: Mapped[int | None] = count("the epoch of a curve's point, else NULL")
    value: Mapped[float] = number("the number")
    unit: Mapped[str] = words("its unit: dB, %, ms, s or empty")
    imported_at: Mapped[str] = words("when it was imported; ISO 8601, UTC")


class LatencyPass(Value):
    """One latency pass: networks timed against each other under one setting."""

    __tablename__ = "latency_passes"
    __table_args__ = (one_of("quantity", QUANTITIES),)
    id: Mapped[int] = key("number of the pass", init=False)
    quantity: Mapped[str] = words("latency (a forward pass) or step_time (a training step)")
    device: Mapped[str] = words("name of the processor or GPU")
    lr_height: Mapped[int] = count("LR pixels down")
    lr_width: Mapped[int] = count("LR pixels across")
    batch: Mapped[int] = count("images at once")
    scale: Mapped[int] = count("factor between LR and HR")
    precision: Mapped[str] = words("fp32, tf32, bf16 or fp16")
    memory_format: Mapped[str] = words("contiguous or channels_last")
    mode: Mapped[str] = words("eager, graph or compiled")
    threads: Mapped[int] = count("CPU threads")
    study: Mapped[str] = words("the study it was taken for")
    baseline: Mapped[str] = words("hash of what was timed twice in every round, as the control")
    order_seed: Mapped[int] = count("seed of the order within rounds")
    steady: Mapped[bool] = flag("whether times had settled when the rounds began")
    warnings: Mapped[list[str]] = plain("what disturbed the measurement; JSON list")
    seconds: Mapped[float] = number("how long the pass took")
    provenance_id: Mapped[int] = link("provenances.id", "code and machine of the pass")
    measured_at: Mapped[str] = words("when it ended; ISO 8601, UTC", init=False)


class LatencyNetwork(Value):
    """One network of a pass; the baseline appears twice."""

    __tablename__ = "latency_networks"
    __table_args__ = (Index(None, "subject"),)
    pass_id: Mapped[int] = link("latency_passes.id", "the pass", primary_key=True, init=False)
    subject: Mapped[str] = words("trainings.network or trainings.step", primary_key=True)
    copy: Mapped[int] = count("1 for the control, else 0", primary_key=True)
    name: Mapped[str] = words("its variant in the study it was timed for")
    first_ms: Mapped[float] = number("its first call, including set-up, in ms")
    calls: Mapped[int] = count("calls in each of its samples")


class LatencySample(Value):
    """One network in one round of a pass."""

    __tablename__ = "latency_samples"
    __table_args__ = ({"sqlite_with_rowid": False},)
    pass_id: Mapped[int] = link("latency_passes.id", "the pass", primary_key=True, init=False)
    subject: Mapped[str] = words("trainings.network or trainings.step", primary_key=True)
    copy: Mapped[int] = count("1 for the control, else 0", primary_key=True)
    round: Mapped[int] = count("number of the round, from 0", primary_key=True)
    place: Mapped[int] = count("place in the round's order, from 0")
    ms: Mapped[float] = number("time of one call, in ms; with one CPU thread the thread's own")
    lost: Mapped[float | None] = number("share of the wall clock that others took, not in ms")
