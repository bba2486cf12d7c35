"""Seeds until decided: the looks as they were taken, and the seeds that they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, func, select

from srbench.store.columns import iso
from srbench.store.engine import lock, reading, writing
from srbench.store.tables import Cell, Look, Plan, Run, Variant
from srbench.store.upsert import put
from srbench.store.values import LookRow


def planned_looks(engine: Engine, plan: int) -> tuple[int, ...]:
    """The numbers of seeds at which a plan looks; empty where their number is fixed."""
    with reading(engine) as connection:
        facts = connection.execute(select(Plan.facts).where(Plan.id == plan)).scalar_one()
    return tuple(facts.get("looks", ()))


def write_looks(engine: Engine, plan: int, rows: Sequence[LookRow], now: float) -> None:
    """Keep looks as they were taken: one that is there already stays what it was."""
    with writing(engine) as connection:
        named = select(Variant.name, Variant.id).where(Variant.plan_id == plan)
        numbers = dict(connection.execute(named).all())
        values: list[dict[str, Any]] = []
        for row in rows:
            plain = vars(row) | {"variant_id": numbers[row.variant], "taken_at": iso(now)}
            values.append({k: stored(v) for k, v in plain.items() if k != "variant"})
        put(connection, Look, values, unique=["variant_id", "seeds"])


def stored(value: Any) -> Any:
    """NaN, which stands for no number here, is NULL in every database."""
    return None if value != value else value


def add_seeds(engine: Engine, plan: int, wanted: Mapping[str, int], now: float) -> int:
    """Give variants the seeds from 0 up to a number, and queue their runs; how many are new."""
    with writing(engine) as connection:
        lock(connection)
        named = select(Variant.name, Variant.id, Variant.fingerprint).where(Variant.plan_id == plan)
        known = {name: (number, fingerprint) for name, number, fingerprint in
                 connection.execute(named)}  # fmt: skip
        of_plan = select(Cell.variant_id, Cell.seed).join(Variant).where(Variant.plan_id == plan)
        there = {(variant, seed) for variant, seed in connection.execute(of_plan)}
        last = select(func.max(Cell.position)).join(Variant).where(Variant.plan_id == plan)
        place = connection.execute(last).scalar_one() + 1
        new = [
            (name, seed)
            for seed in range(max(wanted.values(), default=0))
            for name, count in wanted.items()
            if seed < count and (known[name][0], seed) not in there
        ]
        cells = [
            {"variant_id": known[name][0], "seed": seed, "position": place + i}
            for i, (name, seed) in enumerate(new)
        ]
        put(connection, Cell, cells, unique=["variant_id", "seed"])
        runs = [
            {"fingerprint": known[name][1], "seed": seed, "attempt": 1, "queued_at": iso(now)}
            | {"state": "queued", "steps": 0, "fence": 0}
            for name, seed in new
        ]
        put(connection, Run, runs, unique=["fingerprint", "seed", "attempt"])
    return len(new)
