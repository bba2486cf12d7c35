"""Latency passes, and what they are of: the network apart from its training."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def must(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def maybe(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.add_column("trainings", maybe("network", sa.Text()))
    op.add_column("trainings", maybe("step", sa.Text()))
    op.create_table(
        "latency_passes",
        must("id", sa.Integer()),
        must("quantity", sa.Text()),
        must("device", sa.Text()),
        must("lr_height", sa.BigInteger()),
        must("lr_width", sa.BigInteger()),
        must("batch", sa.BigInteger()),
        must("scale", sa.BigInteger()),
        must("precision", sa.Text()),
        must("memory_format", sa.Text()),
        must("mode", sa.Text()),
        must("threads", sa.BigInteger()),
        must("study", sa.Text()),
        must("baseline", sa.Text()),
        must("order_seed", sa.BigInteger()),
        must("steady", sa.Boolean()),
        must("warnings", sa.Text()),
        must("seconds", sa.Double()),
        maybe("clock_before_mhz", sa.Double()),
        maybe("clock_after_mhz", sa.Double()),
        maybe("temperature_before_c", sa.Double()),
        maybe("temperature_after_c", sa.Double()),
        must("provenance_id", sa.Integer()),
        must("measured_at", sa.Text()),
        sa.CheckConstraint(
            "quantity IN ('latency', 'step_time')", name=op.f("ck_latency_passes_quantity")
        ),
        sa.ForeignKeyConstraint(
            ["provenance_id"], ["provenances.id"], name="fk_latency_passes_provenance_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_latency_passes"),
    )
    op.create_table(
        "latency_networks",
        must("pass_id", sa.Integer()),
        must("subject", sa.Text()),
        must("copy", sa.BigInteger()),
        must("name", sa.Text()),
        must("first_ms", sa.Double()),
        must("calls", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["pass_id"], ["latency_passes.id"], name="fk_latency_networks_pass_id"
        ),
        sa.PrimaryKeyConstraint("pass_id", "subject", "copy", name="pk_latency_networks"),
    )
    op.create_index("ix_latency_networks_subject", "latency_networks", ["subject"])
    op.create_table(
        "latency_samples",
        must("pass_id", sa.Integer()),
        must("subject", sa.Text()),
        must("copy", sa.BigInteger()),
        must("round", sa.BigInteger()),
        must("place", sa.BigInteger()),
        must("ms", sa.Double()),
        maybe("lost", sa.Double()),
        sa.ForeignKeyConstraint(
            ["pass_id"], ["latency_passes.id"], name="fk_latency_samples_pass_id"
        ),
        sa.PrimaryKeyConstraint("pass_id", "subject", "copy", "round", name="pk_latency_samples"),
        sqlite_with_rowid=False,
    )
