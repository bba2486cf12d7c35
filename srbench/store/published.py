"""What others published, by study: kept apart from what was measured here."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Engine, delete, select

from srbench.analysis.published import Published
from srbench.core.errors import DatabaseError
from srbench.store.columns import iso
from srbench.store.engine import lock, writing
from srbench.store.plans import study_number, unknown_study
from srbench.store.tables import PublishedFigure, Study
from srbench.store.upsert import table_of


def expect_study(engine: Engine, study: str, now: float) -> None:
    """Let figures be put beside a study that has not been run here yet."""
    with writing(engine) as connection:
        lock(connection)
        study_number(connection, study, iso(now))


def write_published(engine: Engine, study: str, published: Published, now: float) -> int:
    """Put a source's figures beside a study; those that it had from this source are replaced.

    DatabaseError where the database does not know the study.
    """
    with writing(engine) as connection:
        lock(connection)
        number = connection.execute(select(Study.id).where(Study.name == study)).scalar()
        if number is None:
            names = list(connection.execute(select(Study.name).order_by(Study.name)).scalars())
            raise DatabaseError(unknown_study(study, names))
        table = table_of(PublishedFigure)
        before = delete(table).where(table.c.study_id == number, table.c.source == published.source)
        connection.execute(before)
        rows = []
        for figure in published.figures:
            more = {"study_id": number, "source": published.source, "imported_at": iso(now)}
            rows.append(asdict(figure) | more)
        if rows:
            connection.execute(table.insert(), rows)
    return len(rows)
