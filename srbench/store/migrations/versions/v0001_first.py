"""The first schema.

Written out rather than taken from `tables`, so that it stays what it was when `tables` goes on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def must(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def maybe(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.create_table(
        "datasets",
        must("manifest", sa.Text()),
        must("added_at", sa.Text()),
        sa.PrimaryKeyConstraint("manifest", name="pk_datasets"),
    )
    op.create_table(
        "provenances",
        must("id", sa.Integer()),
        must("digest", sa.Text()),
        maybe("git_commit", sa.Text()),
        maybe("git_dirty", sa.Boolean()),
        must("versions", sa.Text()),
        must("device", sa.Text()),
        maybe("driver", sa.Text()),
        must("host", sa.Text()),
        must("command", sa.Text()),
        must("python", sa.Text()),
        must("platform", sa.Text()),
        must("threads", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_provenances"),
        sa.UniqueConstraint("digest", name="uq_provenances_digest"),
    )
    op.create_table(
        "studies",
        must("id", sa.Integer()),
        must("name", sa.Text()),
        must("created_at", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("name", name="uq_studies_name"),
    )
    op.create_table(
        "trainings",
        must("fingerprint", sa.Text()),
        must("model", sa.Text()),
        must("train", sa.Text()),
        must("data", sa.Text()),
        must("scale", sa.BigInteger()),
        must("manifest", sa.Text()),
        must("numerics", sa.Text()),
        must("salt", sa.Text()),
        must("source", sa.Text()),
        must("fit_version", sa.BigInteger()),
        must("steps", sa.BigInteger()),
        must("parameters", sa.BigInteger()),
        must("frozen", sa.BigInteger()),
        must("dead", sa.BigInteger()),
        must("dead_modules", sa.Text()),
        maybe("macs_720p", sa.Double()),
        maybe("macs_256", sa.Double()),
        maybe("activations", sa.Double()),
        maybe("receptive_field", sa.BigInteger()),
        must("uncounted", sa.Text()),
        must("added_at", sa.Text()),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_trainings"),
    )
    op.create_table(
        "images",
        must("id", sa.Integer()),
        must("manifest", sa.Text()),
        must("position", sa.BigInteger()),
        must("name", sa.Text()),
        must("width", sa.BigInteger()),
        must("height", sa.BigInteger()),
        must("sha256", sa.Text()),
        sa.ForeignKeyConstraint(["manifest"], ["datasets.manifest"], name="fk_images_manifest"),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.UniqueConstraint("manifest", "name", name="uq_images_manifest_name"),
    )
    op.create_table(
        "plans",
        must("id", sa.Integer()),
        must("study_id", sa.Integer()),
        must("digest", sa.Text()),
        must("shortcut", sa.Text()),
        must("turn", sa.BigInteger()),
        must("question", sa.Text()),
        must("protocol", sa.Text()),
        must("metrics", sa.Text()),
        must("facts", sa.Text()),
        must("planned_at", sa.Text()),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_plans_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
        sa.UniqueConstraint("study_id", "digest", name="uq_plans_study_id_digest"),
    )
    op.create_index("ix_plans_shortcut", "plans", ["shortcut"])
    op.create_table(
        "runs",
        must("id", sa.Integer()),
        must("fingerprint", sa.Text()),
        must("seed", sa.BigInteger()),
        must("attempt", sa.BigInteger()),
        must("state", sa.Text()),
        maybe("reason", sa.Text()),
        maybe("message", sa.Text()),
        must("steps", sa.BigInteger()),
        must("fence", sa.BigInteger()),
        maybe("lease_until", sa.Double()),
        maybe("owner_host", sa.Text()),
        maybe("owner_boot", sa.Text()),
        maybe("owner_pid", sa.BigInteger()),
        maybe("owner_started", sa.Double()),
        maybe("owner_label", sa.Text()),
        must("queued_at", sa.Text()),
        maybe("started_at", sa.Text()),
        maybe("finished_at", sa.Text()),
        maybe("train_seconds", sa.Double()),
        maybe("score_seconds", sa.Double()),
        maybe("peak_memory_mb", sa.Double()),
        maybe("device", sa.Text()),
        maybe("weights", sa.Text()),
        maybe("weights_sha256", sa.Text()),
        maybe("provenance_id", sa.Integer()),
        sa.CheckConstraint(
            "(state = 'failed') = (reason IS NOT NULL)", name=op.f("ck_runs_failed_has_reason")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL)",
            name=op.f("ck_runs_running_has_lease"),
        ),
        sa.CheckConstraint(
            "reason IN ('diverged', 'oom', 'error', 'lost')", name=op.f("ck_runs_reason")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'interrupted', 'done', 'failed', 'pruned')",
            name=op.f("ck_runs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["trainings.fingerprint"], name="fk_runs_fingerprint"
        ),
        sa.ForeignKeyConstraint(
            ["provenance_id"], ["provenances.id"], name="fk_runs_provenance_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint(
            "fingerprint", "seed", "attempt", name="uq_runs_fingerprint_seed_attempt"
        ),
    )
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_table(
        "curves",
        must("id", sa.Integer()),
        must("run_id", sa.Integer()),
        must("name", sa.Text()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_curves_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_curves"),
        sa.UniqueConstraint("run_id", "name", name="uq_curves_run_id_name"),
    )
    op.create_table(
        "pictures",
        must("run_id", sa.Integer()),
        must("image_id", sa.Integer()),
        must("kind", sa.Text()),
        must("path", sa.Text()),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_pictures_image_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_pictures_run_id"),
        sa.PrimaryKeyConstraint("run_id", "image_id", "kind", name="pk_pictures"),
    )
    op.create_table(
        "plan_datasets",
        must("plan_id", sa.Integer()),
        must("position", sa.BigInteger()),
        must("role", sa.Text()),
        must("name", sa.Text()),
        must("manifest", sa.Text()),
        sa.CheckConstraint(
            "role IN ('train', 'validate', 'eval')", name=op.f("ck_plan_datasets_role")
        ),
        sa.ForeignKeyConstraint(
            ["manifest"], ["datasets.manifest"], name="fk_plan_datasets_manifest"
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_datasets_plan_id"),
        sa.PrimaryKeyConstraint("plan_id", "position", name="pk_plan_datasets"),
    )
    op.create_table(
        "scores",
        must("run_id", sa.Integer()),
        must("image_id", sa.Integer()),
        must("protocol", sa.Text()),
        must("metric", sa.Text()),
        maybe("value", sa.Double()),
        maybe("not_finite", sa.Text()),
        sa.CheckConstraint(
            "not_finite IN ('nan', 'inf', '-inf')", name=op.f("ck_scores_not_finite")
        ),
        sa.CheckConstraint(
            "(value IS NULL) = (not_finite IS NOT NULL)", name=op.f("ck_scores_one_number")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_scores_image_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_scores_run_id"),
        sa.PrimaryKeyConstraint("run_id", "image_id", "protocol", "metric", name="pk_scores"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "variants",
        must("id", sa.Integer()),
        must("plan_id", sa.Integer()),
        must("position", sa.BigInteger()),
        must("name", sa.Text()),
        must("role", sa.Text()),
        must("change", sa.Text()),
        must("fingerprint", sa.Text()),
        sa.CheckConstraint(
            "role IN ('baseline', 'variant', 'interpolation')", name=op.f("ck_variants_role")
        ),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["trainings.fingerprint"], name="fk_variants_fingerprint"
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_variants_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_variants"),
        sa.UniqueConstraint("plan_id", "name", name="uq_variants_plan_id_name"),
        sa.UniqueConstraint("plan_id", "position", name="uq_variants_plan_id_position"),
    )
    op.create_index("ix_variants_fingerprint", "variants", ["fingerprint"])
    op.create_table(
        "cells",
        must("variant_id", sa.Integer()),
        must("seed", sa.BigInteger()),
        must("position", sa.BigInteger()),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name="fk_cells_variant_id"),
        sa.PrimaryKeyConstraint("variant_id", "seed", name="pk_cells"),
    )
    op.create_index("ix_cells_variant_id_position", "cells", ["variant_id", "position"])
    op.create_table(
        "points",
        must("curve_id", sa.Integer()),
        must("step", sa.BigInteger()),
        must("epoch", sa.Double()),
        maybe("value", sa.Double()),
        maybe("not_finite", sa.Text()),
        sa.CheckConstraint(
            "not_finite IN ('nan', 'inf', '-inf')", name=op.f("ck_points_not_finite")
        ),
        sa.CheckConstraint(
            "(value IS NULL) = (not_finite IS NOT NULL)", name=op.f("ck_points_one_number")
        ),
        sa.ForeignKeyConstraint(["curve_id"], ["curves.id"], name="fk_points_curve_id"),
        sa.PrimaryKeyConstraint("curve_id", "step", name="pk_points"),
        sqlite_with_rowid=False,
    )
