"""Looks and published figures; twins and controls among the roles."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = "role IN ('baseline', 'variant', 'twin', 'control', 'interpolation')"


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
        "looks",
        must("variant_id", sa.Integer()),
        must("seeds", sa.BigInteger()),
        must("pairs", sa.BigInteger()),
        maybe("effect", sa.Double()),
        maybe("low", sa.Double()),
        maybe("high", sa.Double()),
        maybe("p", sa.Double()),
        must("nominal", sa.Double()),
        maybe("p_within", sa.Double()),
        must("nominal_within", sa.Double()),
        must("verdict", sa.Text()),
        must("taken_at", sa.Text()),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name="fk_looks_variant_id"),
        sa.PrimaryKeyConstraint("variant_id", "seeds", name="pk_looks"),
    )
    op.create_table(
        "published",
        must("id", sa.Integer()),
        must("study_id", sa.Integer()),
        must("source", sa.Text()),
        must("variant", sa.Text()),
        must("quantity", sa.Text()),
        must("dataset", sa.Text()),
        maybe("epoch", sa.BigInteger()),
        must("value", sa.Double()),
        must("unit", sa.Text()),
        must("imported_at", sa.Text()),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_published_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_published"),
    )
    op.create_index("ix_published_study_id", "published", ["study_id"])
