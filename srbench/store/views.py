"""Views for whoever opens the database with another program: names instead of numbers.

They show the latest plan of each study and the latest attempt of each run, so that a plain
SELECT never mixes plans. Views hold no data: every migration drops and makes them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """One view: what it is for, its columns (name, expression, doc), and where they come from."""

    name: str
    doc: str
    columns: tuple[tuple[str, str, str], ...]
    source: str

    @property
    def create(self) -> str:
        chosen = ", ".join(f"{expression} AS {name}" for name, expression, _ in self.columns)
        return f"CREATE VIEW {self.name} AS SELECT {chosen} FROM {self.source}"

    @property
    def drop(self) -> str:
        return f"DROP VIEW IF EXISTS {self.name}"


CELLS = """studies
    JOIN plans ON plans.study_id = studies.id AND plans.turn =
        (SELECT max(other.turn) FROM plans AS other WHERE other.study_id = studies.id)
    JOIN variants ON variants.plan_id = plans.id
    JOIN trainings ON trainings.fingerprint = variants.fingerprint
    JOIN cells ON cells.variant_id = variants.id
    JOIN runs ON runs.fingerprint = variants.fingerprint AND runs.seed = cells.seed
        AND runs.attempt = (SELECT max(other.attempt) FROM runs AS other
            WHERE other.fingerprint = runs.fingerprint AND other.seed = runs.seed)"""

NAMES = (
    ("study", "studies.name", "name of the study"),
    ("variant", "variants.name", "name of the variant"),
    ("role", "variants.role", "baseline, variant, twin, control, interpolation or candidate"),
    ("seed", "cells.seed", "the seed"),
    ("run_id", "runs.id", "number of the run; the same for variants that share it"),
)


def same(table: str, *columns: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Columns taken as they are from one table."""
    return tuple((name, f"{table}.{name}", doc) for name, doc in columns)


NUMBERS = (
    ("value", "the number; NULL exactly when not_finite is set"),
    ("not_finite", "nan, inf or -inf where the number is not finite, else NULL"),
)

V_RUNS = View(
    "v_runs",
    "Runs of the latest plan of each study, with the cost of their network.",
    (
        *NAMES,
        *same(
            "runs",
            ("attempt", "1, and one more for each time it was asked for afresh"),
            ("state", "queued, running, interrupted, done, failed or pruned"),
            ("reason", "why it failed: diverged, oom, error or lost; else NULL"),
            ("message", "what the failure said"),
            ("steps", "optimizer steps taken so far"),
        ),
        ("total_steps", "trainings.steps", "optimizer steps of the whole run"),
        *same(
            "runs",
            ("train_seconds", "seconds spent in training"),
            ("score_seconds", "seconds spent in scoring"),
            ("peak_memory_mb", "largest memory of a training step, in MB"),
            ("device", "device it was trained on"),
        ),
        *same("trainings", ("numerics", "device kind, precision and threads")),
        ("host", "coalesce(provenances.host, runs.owner_host)", "machine it was trained on"),
        *same(
            "runs",
            ("started_at", "when it was first claimed; ISO 8601, UTC"),
            ("finished_at", "when it was done or failed; ISO 8601, UTC"),
            ("weights", "file of the weights, relative to the database's folder"),
        ),
        *same(
            "trainings",
            ("parameters", "trainable parameters"),
            ("frozen", "parameters that are not trained"),
            ("dead", "trainable parameters that no output depends on"),
            ("macs_720p", "multiply-accumulates for an HR image of 1280x720"),
            ("fingerprint", "hash of everything that decides the training's result"),
        ),
        *same(
            "provenances",
            ("git_commit", "commit of the checkout srbench ran from, if any"),
            ("git_dirty", "whether that checkout had changes"),
        ),
    ),
    f"{CELLS} LEFT JOIN provenances ON provenances.id = runs.provenance_id",
)

V_SCORES = View(
    "v_scores",
    "Scores of those runs, one image and metric a row.",
    (
        *NAMES,
        ("dataset", "plan_datasets.name", "name of the dataset in the study file"),
        *same("scores", ("protocol", "how it was taken, such as sr-y-v1")),
        ("image", "images.name", "name of the image within its dataset"),
        *same("scores", ("metric", "what was taken, such as psnr_y"), *NUMBERS),
    ),
    f"""{CELLS} JOIN scores ON scores.run_id = runs.id
    JOIN images ON images.id = scores.image_id
    JOIN plan_datasets ON plan_datasets.plan_id = plans.id AND plan_datasets.role = 'eval'
        AND plan_datasets.manifest = images.manifest""",
)

V_CURVES = View(
    "v_curves",
    "Every point of every curve of those runs.",
    (
        *NAMES,
        ("name", "curves.name", "what is drawn, such as loss"),
        *same(
            "points",
            ("step", "optimizer steps taken when it was measured"),
            ("epoch", "the same moment in passes over the patches"),
            *NUMBERS,
        ),
    ),
    f"{CELLS} JOIN curves ON curves.run_id = runs.id JOIN points ON points.curve_id = curves.id",
)

VIEWS: Sequence[View] = (V_RUNS, V_SCORES, V_CURVES)
