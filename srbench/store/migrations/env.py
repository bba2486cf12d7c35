"""Alembic's entry: runs within the connection and the transaction that `migrate` passes."""

from __future__ import annotations

from alembic import context

from srbench.store.tables import Base

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=Base.metadata,
    version_table=attributes["version_table"],
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
