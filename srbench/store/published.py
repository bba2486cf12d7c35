"""Figures that others published, by study: never mixed with what was measured here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, insert, select

from srbench.analysis.published import Published
from srbench.store.columns import iso
from srbench.store.engine import lock, writing
from srbench.store.plans import study_number, unknown_study
from srbench.store.tables import PublishedFigure, Study


@dataclass(frozen=True)
class PublishedFigures:
    """What others published about the studies here. Each method is one transaction."""

    engine: Engine
    clock: Callable[[], float]

    def expect_study(self, study: str) -> None:
        """Make the study's name known, so that figures can come before its first run."""
        with writing(self.engine) as connection:
            lock(connection)
            study_number(connection, study, self.clock())

    def write(self, study: str, published: Published) -> int:
        """Store a source's figures in place of earlier ones from it; how many.

        Raises:
            DatabaseError: the study is unknown.
        """
        with writing(self.engine) as connection:
            lock(connection)
            known = dict(connection.execute(select(Study.name, Study.id)).all())
            if study not in known:
                raise unknown_study(study, sorted(known))
            own = {"study_id": known[study], "source": published.source}
            connection.execute(delete(PublishedFigure).filter_by(**own))
            moment = {"imported_at": iso(self.clock())}
            rows = [asdict(figure) | own | moment for figure in published.figures]
            if rows:
                connection.execute(insert(PublishedFigure), rows)
        return len(rows)
