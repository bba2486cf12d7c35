"""What a study declared before its first result, and what was changed after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, select
from sqlalchemy.orm import aliased

from srbench.store.tables import Plan, Run, Training, Variant

JUDGED_BY = (
    "metric",
    "dataset",
    "protocol",
    "baseline",
    "min_effect",
    "looks",
    "paired",
    "compare",
)


def changed_after_results(connection: Connection, plan: int) -> str:
    """How the criteria of this plan differ from those at the study's first results; empty if equal.

    The plan of that time is the oldest of the study that shares a training with this one, of which
    a run was finished before this plan was made.
    """
    own = connection.execute(select(Plan).where(Plan.id == plan)).one()
    mine, theirs = aliased(Variant), aliased(Variant)
    seen = (
        select(Plan.facts)
        .join(theirs, theirs.plan_id == Plan.id)
        .join(mine, and_(mine.fingerprint == theirs.fingerprint, mine.plan_id == plan))
        .join(Training, and_(Training.fingerprint == mine.fingerprint, Training.steps > 0))
        .join(Run, and_(Run.fingerprint == mine.fingerprint, Run.state == "done"))
        .where(Plan.study_id == own.study_id, Plan.id != plan, Plan.planned_at < own.planned_at)
        .where(Run.finished_at < own.planned_at)
        .order_by(Plan.planned_at, Plan.id)
        .limit(1)
    )
    before = connection.execute(seen).scalar()
    return "" if before is None else "; ".join(_changes(before, own.facts))


def _changes(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    partial = any(x.startswith("--only ") for f in (before, now) for x in f.get("overrides", ()))
    for name in JUDGED_BY:
        old, new = before.get(name), now.get(name)
        if name == "compare" and partial and _one_in_the_other(old or (), new or ()):
            continue  # --only leaves out pairs of variants
        if (old or None) != (new or None):
            yield f"{name} was {_shown(old)}, is {_shown(new)}"
    old_claims = {claim["id"]: claim["test"] for claim in before.get("claims", ())}
    new_claims = {claim["id"]: claim["test"] for claim in now.get("claims", ())}
    for claim in dict.fromkeys((*old_claims, *new_claims)):
        if claim not in new_claims:
            yield f"claim {claim} was taken out"
        elif claim not in old_claims:
            yield f"claim {claim} was added"
        elif old_claims[claim] != new_claims[claim]:
            yield f"claim {claim} was {old_claims[claim]}"


def _one_in_the_other(*pairs: Sequence[Sequence[str]]) -> bool:
    one, two = ({tuple(pair) for pair in some} for some in pairs)
    return one <= two or two <= one


def _shown(value: Any) -> str:
    if value in (None, [], ""):
        return "none"
    pairs = isinstance(value, list) and all(isinstance(pair, list) for pair in value)
    return ", ".join(" with ".join(pair) for pair in value) if pairs else str(value)
