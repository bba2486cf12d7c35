"""Latency passes, kept whole: their setting, how the machine was, and every time they took."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Engine, insert

from srbench.store.columns import iso
from srbench.store.engine import lock, writing
from srbench.store.looks import stored
from srbench.store.tables import LatencyNetwork, LatencyPass, LatencySample
from srbench.store.values import LatencyPass as PassRecord


def write_latency(engine: Engine, found: PassRecord, now: float) -> int:
    """Keep a pass, its networks and every sample; its number."""
    plain = asdict(found)
    networks, samples = plain.pop("networks"), plain.pop("samples")
    plain["provenance_id"] = plain.pop("provenance")
    with writing(engine) as connection:
        lock(connection)
        made = insert(LatencyPass).values(**plain, measured_at=iso(now)).returning(LatencyPass.id)
        number = int(connection.execute(made).scalar_one())
        for table, rows in ((LatencyNetwork, networks), (LatencySample, samples)):
            values = [{"pass_id": number} | {k: stored(v) for k, v in r.items()} for r in rows]
            if values:
                connection.execute(insert(table), values)
    return number
