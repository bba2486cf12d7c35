"""A store in a journal mode of the test's choice."""

from __future__ import annotations

from dataclasses import replace

from srbench.store import Store, open_store
from srbench.store.engine import open_engine, settle_journal
from srbench.store.journal import Journal


def in_mode(path: str, journal: Journal) -> Store:
    first = open_store(path)
    first.close()
    engine = open_engine(first.address, journal)
    assert settle_journal(engine, journal) == journal.mode
    return replace(first, engine=engine, journal=journal)
