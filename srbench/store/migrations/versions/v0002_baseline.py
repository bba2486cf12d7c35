"""The baseline: every table of `tables`, as long as no version of srbench is released.

The first release freezes it: write the tables out here, so that they stay what they were when
`tables` goes on, and let every later change be a migration of its own.
"""

from __future__ import annotations

from alembic import op

from srbench.store.tables import Base

revision = "v0002"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    Base.metadata.create_all(op.get_bind(), checkfirst=False)
