"""Plans of another database, with their variants, seeds and trials."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select

from srbench.store.merge_tables import Transfer, rows
from srbench.store.plan_rows import next_turn
from srbench.store.tables import Cell, Plan, Trial, Variant
from srbench.store.upsert import Row, table_of

PLANS, VARIANTS, CELLS, TRIALS = map(table_of, (Plan, Variant, Cell, Trial))


def take_plans(transfer: Transfer) -> None:
    """Take plans; a study that is known here keeps its latest plan, and those that come are older.

    So their turns lie below all turns here.
    """
    target = transfer.target
    known = {(row["study_id"], row["digest"]): row["id"] for row in rows(target, PLANS)}
    studies = {study for study, _ in known}
    lowest = min(target.execute(select(func.min(Plan.turn))).scalar_one() or 1, 1)
    coming = sorted(transfer.coming(PLANS), key=lambda row: row["turn"])
    numbers = transfer.numbers.setdefault("plans", {})
    for row in reversed(coming):
        same = (row["study_id"], row["digest"])
        if same not in known and row["study_id"] in studies:
            lowest -= 1
            known[same] = transfer.insert(PLANS, row | {"turn": lowest})
    for row in coming:
        same = (row["study_id"], row["digest"])
        if same not in known:
            known[same] = transfer.insert(PLANS, row | {"turn": next_turn(target)})
        numbers[row["id"]] = known[same]


def take_variants(transfer: Transfer) -> None:
    """Take variants; candidates that a search here lacks are added to it."""
    here: dict[int, list[Row]] = defaultdict(list)
    for row in rows(transfer.target, VARIANTS):
        here[row["plan_id"]].append(row)
    numbers = transfer.numbers.setdefault("variants", {})
    for row in sorted(transfer.coming(VARIANTS), key=lambda row: row["position"]):
        mine = here[row["plan_id"]]
        alike = [one for one in mine if one["fingerprint"] == row["fingerprint"]]
        same = next((one for one in alike if one["name"] == row["name"]), None)
        if same is None and row["role"] == "candidate":
            same = next((one for one in alike if one["role"] == "candidate"), None)
        if same is None:
            place = 1 + max((one["position"] for one in mine), default=-1)
            taken = {one["name"] for one in mine}
            name = f"{row['name']} ({place})" if row["name"] in taken else row["name"]
            same = row | {"position": place, "name": name}
            same["id"] = transfer.insert(VARIANTS, same)
            mine.append(same)
        numbers[row["id"]] = same["id"]


def take_cells(transfer: Transfer) -> None:
    """Take the seeds that are new to a variant; they come after those that are here."""
    plan_of = {row["id"]: row["plan_id"] for row in rows(transfer.target, VARIANTS)}
    here = {
        (row["variant_id"], row["seed"]): row["position"] for row in rows(transfer.target, CELLS)
    }
    last: dict[int, int] = defaultdict(lambda: -1)
    for (variant, _), position in here.items():
        last[plan_of[variant]] = max(last[plan_of[variant]], position)
    new = []
    for row in sorted(transfer.coming(CELLS), key=lambda row: row["position"]):
        if (row["variant_id"], row["seed"]) not in here:
            plan = plan_of[row["variant_id"]]
            last[plan] += 1
            new.append(row | {"position": last[plan]})
    transfer.pour(CELLS, new)


def take_trials(transfer: Transfer) -> None:
    """Take trials; those that are new come after those that are here."""

    def identity(row: Row) -> str:
        return repr([row[n] for n in ("plan_id", "variant_id", "parameters", "proposed_at")])

    here = set()
    count: dict[int, int] = defaultdict(int)
    for row in rows(transfer.target, TRIALS):
        here.add(identity(row))
        count[row["plan_id"]] += 1
    new = []
    for row in transfer.coming(TRIALS):
        if identity(row) not in here:
            new.append(row | {"number": count[row["plan_id"]]})
            count[row["plan_id"]] += 1
    transfer.pour(TRIALS, new)
