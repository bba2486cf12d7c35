"""Trials of searches; candidates among the roles."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLES = "role IN ('baseline', 'variant', 'twin', 'control', 'interpolation', 'candidate')"


def must(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def maybe(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def widen_roles() -> None:
    """SQLite changes a check by making the table anew; written out, so that it is always alike."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_variants_role"), "variants", type_="check")
        op.create_check_constraint(op.f("ck_variants_role"), "variants", ROLES)
        return
    op.create_table(
        "variants_new",
        must("id", sa.Integer()),
        must("plan_id", sa.Integer()),
        must("position", sa.BigInteger()),
        must("name", sa.Text()),
        must("role", sa.Text()),
        must("change", sa.Text()),
        must("fingerprint", sa.Text()),
        sa.CheckConstraint(ROLES, name=op.f("ck_variants_role")),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["trainings.fingerprint"], name="fk_variants_fingerprint"
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_variants_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_variants"),
        sa.UniqueConstraint("plan_id", "name", name="uq_variants_plan_id_name"),
        sa.UniqueConstraint("plan_id", "position", name="uq_variants_plan_id_position"),
    )
    op.execute("INSERT INTO variants_new SELECT * FROM variants")
    op.drop_table("variants")
    op.rename_table("variants_new", "variants")
    op.create_index("ix_variants_fingerprint", "variants", ["fingerprint"])


def upgrade() -> None:
    widen_roles()
    op.create_table(
        "trials",
        must("plan_id", sa.Integer()),
        must("number", sa.BigInteger()),
        maybe("variant_id", sa.Integer()),
        must("parameters", sa.Text()),
        must("constraints", sa.Text()),
        must("noted", sa.Text()),
        maybe("pruned_at", sa.BigInteger()),
        maybe("message", sa.Text()),
        must("proposed_at", sa.Text()),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_trials_plan_id"),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name="fk_trials_variant_id"),
        sa.PrimaryKeyConstraint("plan_id", "number", name="pk_trials"),
    )
    op.create_index("ix_trials_variant_id", "trials", ["variant_id"])
