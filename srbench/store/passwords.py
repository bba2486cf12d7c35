"""Commands that a former version stored with the password of a database: it is taken out."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Engine, String, select, type_coerce, update

from srbench.core.errors import DatabaseError
from srbench.store.engine import reading, writing
from srbench.store.measurements import digest_of
from srbench.store.tables import Provenance
from srbench.store.upsert import table_of

STORED = type_coerce(Provenance.command, String)  # as it is, not masked on reading


def remove_passwords(engine: Engine) -> None:
    """Mask passwords in stored commands, and in what they are known by; not where one only reads.

    Where the same command was stored without its password as well, both rows stay.
    """
    table = table_of(Provenance)
    listed = select(table).add_columns(STORED.label("stored")).where(STORED.like("%://%"))
    with reading(engine) as connection:
        found = [dict(row) for row in connection.execute(listed).mappings()]
    found = [row for row in found if row.pop("stored") != row["command"]]
    if not found:
        return
    with suppress(DatabaseError), writing(engine) as connection:
        for row in found:
            number, former = row.pop("id"), row.pop("digest")
            digest = digest_of(row)
            if connection.execute(select(table).where(table.c.digest == digest)).first():
                digest = digest_of(row | {"former": former})
            new = update(table).where(table.c.id == number)
            connection.execute(new.values(command=row["command"], digest=digest))
