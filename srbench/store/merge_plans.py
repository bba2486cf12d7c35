"""Plans of another database, with their variants, seeds and trials."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, func, insert, select

from srbench.store.merge_rows import Row, rows, without_id
from srbench.store.plan_rows import next_turn
from srbench.store.tables import Cell, Plan, PlanDataset, Trial, Variant
from srbench.store.upsert import put, table_of


def take_plans(source: Connection, target: Connection, studies: dict[int, int]) -> dict[int, int]:
    """Take plans with their variants and datasets: number of a variant there → here.

    A study that is known here keeps its latest plan; those that come are older ones.
    """
    known = {(row["study_id"], row["digest"]): row["id"] for row in rows(target, Plan)}
    told = {study for study, _ in known}
    lowest = target.execute(select(func.min(Plan.turn))).scalar_one() or 1
    coming = sorted(rows(source, Plan), key=lambda row: row["turn"])
    new = [row for row in coming if (studies[row["study_id"]], row["digest"]) not in known]
    older = [row["id"] for row in new if studies[row["study_id"]] in told]
    numbers = {}
    for row in coming:
        study = studies[row["study_id"]]
        number = known.get((study, row["digest"]))
        if number is None:
            turn = (
                min(lowest, 1) - len(older) + older.index(row["id"])
                if row["id"] in older
                else next_turn(target)
            )
            values = without_id(row) | {"study_id": study, "turn": turn}
            number = target.execute(
                insert(table_of(Plan)).values(values).returning(Plan.id)
            ).scalar_one()
        numbers[row["id"]] = number
    fresh = {numbers[row["id"]] for row in new}
    for model in (PlanDataset, Variant):
        unique = ["plan_id", "position"]
        moved = [row | {"plan_id": numbers[row["plan_id"]]} for row in rows(source, model)]
        named = [without_id(row) for row in moved if row["plan_id"] in fresh]
        put(target, model, named, unique=unique)
    variants = take_variants(source, target, numbers)
    take_trials(source, target, numbers, variants)
    return variants


def take_variants(source: Connection, target: Connection, plans: dict[int, int]) -> dict[int, int]:
    """Number of a variant there → here; candidates that a search here lacks are added to it."""
    own: dict[int, list[Row]] = defaultdict(list)
    for row in rows(target, Variant):
        own[row["plan_id"]].append(row)
    found = {}
    for row in sorted(rows(source, Variant), key=lambda row: row["position"]):
        there = own[plans[row["plan_id"]]]
        alike = [mine for mine in there if mine["fingerprint"] == row["fingerprint"]]
        same = next((mine for mine in alike if mine["name"] == row["name"]), None)
        if same is None and row["role"] == "candidate":
            same = next((mine for mine in alike if mine["role"] == "candidate"), None)
        if same is None:
            place = 1 + max((mine["position"] for mine in there), default=-1)
            names = {mine["name"] for mine in there}
            name = row["name"] if row["name"] not in names else f"{row['name']} ({place})"
            same = row | {"plan_id": plans[row["plan_id"]], "position": place, "name": name}
            new = insert(table_of(Variant)).values(without_id(same)).returning(Variant.id)
            same["id"] = target.execute(new).scalar_one()
            there.append(same)
        found[row["id"]] = same["id"]
    return found


def take_trials(
    source: Connection, target: Connection, plans: dict[int, int], variants: dict[int, int]
) -> None:
    """Trials of searches: those that are new come behind those that are here."""
    counted: dict[int, int] = defaultdict(int)
    there = set()

    def what(row: Row) -> str:
        return repr([row[n] for n in ("plan_id", "variant_id", "parameters", "proposed_at")])

    for row in rows(target, Trial):
        counted[row["plan_id"]] += 1
        there.add(what(row))
    for row in rows(source, Trial):
        plan = plans[row["plan_id"]]
        variant = None if row["variant_id"] is None else variants[row["variant_id"]]
        moved = row | {"plan_id": plan, "variant_id": variant}
        if what(moved) not in there:
            put(target, Trial, [moved | {"number": counted[plan]}], unique=["plan_id", "number"])
            counted[plan] += 1


def take_cells(source: Connection, target: Connection, variants: dict[int, int]) -> None:
    """Seeds that only one of the two has asked for; they come after those that are here."""
    plan_of = {row["id"]: row["plan_id"] for row in rows(target, Variant)}
    there = {(row["variant_id"], row["seed"]) for row in rows(target, Cell)}
    last: dict[int, int] = {}
    for row in rows(target, Cell):
        plan = plan_of[row["variant_id"]]
        last[plan] = max(last.get(plan, -1), row["position"])
    cells = []
    for row in sorted(rows(source, Cell), key=lambda row: row["position"]):
        variant = variants[row["variant_id"]]
        if (variant, row["seed"]) not in there:
            plan = plan_of[variant]
            last[plan] = last.get(plan, -1) + 1
            cells.append({"variant_id": variant, "seed": row["seed"], "position": last[plan]})
    put(target, Cell, cells, unique=["variant_id", "seed"])
