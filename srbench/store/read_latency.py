"""Latency passes of a plan's networks.

A time belongs to a network on a device and to no study: every plan with the same network has it.
Ratios are taken within one pass, so a pass counts for a plan only if it timed the plan's baseline.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from srbench.analysis.results import LATENCY, PASSES, SETTING
from srbench.store.columns import check_kinds, to_json
from srbench.store.tables import LatencyNetwork, LatencyPass, LatencySample, Training, Variant

TIMED = ("baseline", "variant", "twin")
"""Roles that have a latency: a control is the baseline's network, an interpolation is none."""
Names = dict[tuple[str, int, str], list[str]]  # (quantity, scale, subject) -> variants


def latency(connection: Connection, plan: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames `passes` and `latency` of a plan: of each setting, the newest times of each
    variant that were timed together with the plan's baseline."""
    names, baseline = _names(connection, plan), _names(connection, plan, ("baseline",))
    passes, timed = _passes(connection, names)
    seen: dict[tuple[object, ...], set[str]] = defaultdict(set)
    chosen = []
    for number in sorted(passes, reverse=True):
        known = seen[tuple(passes[number][name] for name in SETTING)]
        own = {name for called in timed[number].values() for name in called}
        if baseline.keys() & timed[number].keys() and own - known:
            known |= own
            chosen.append(number)
    rows = [row for number in chosen for row in _samples(connection, number, timed[number])]
    kinds = {"pass_id": "int64", "copy": "int64", "round": "int64", "place": "int64",
             "ms": "float64", "lost": "float64", "first_ms": "float64"}  # fmt: skip
    samples = pd.DataFrame.from_records(rows, columns=list(LATENCY)).astype(kinds)
    table = pd.DataFrame([passes[number] for number in sorted(chosen)], columns=list(PASSES))
    return table.astype({"seconds": "float64"}), samples


def _names(connection: Connection, plan: int, roles: tuple[str, ...] = TIMED) -> Names:
    """What a plan's variants are, as subjects of passes."""
    query = (
        select(Variant.name, Training.scale, Training.network, Training.step)
        .join(Training, Training.fingerprint == Variant.fingerprint)
        .where(Variant.plan_id == plan, Variant.role.in_(roles))
        .order_by(Variant.position)
    )
    found: Names = {}
    for name, scale, network, step in connection.execute(query):
        for quantity, subject in (("latency", network), ("step_time", step)):
            if subject:
                found.setdefault((quantity, scale, subject), []).append(name)
    return found


def _passes(
    connection: Connection, names: Names
) -> tuple[dict[int, dict[str, Any]], dict[int, Names]]:
    """Every pass that timed a network of the plan, and those networks, by number."""
    columns = [LatencyPass.id.label("pass_id"), *(getattr(LatencyPass, n) for n in PASSES[1:-1])]
    columns += [LatencyPass.measured_at.label("measured"), LatencyNetwork.subject]
    query = (
        select(*columns)
        .join(LatencyNetwork, LatencyNetwork.pass_id == LatencyPass.id)
        .where(LatencyNetwork.copy == 0)
        .where(LatencyNetwork.subject.in_(sorted({subject for *_, subject in names})))
    )
    rows = [tuple(row) for row in connection.execute(query)]
    check_kinds(rows, columns)
    passes: dict[int, dict[str, Any]] = {}
    timed: dict[int, Names] = defaultdict(dict)
    for *own, subject in rows:
        found = dict(zip(PASSES, own, strict=True))
        key = (found["quantity"], found["scale"], subject)
        if key in names:
            number = found["pass_id"]
            passes[number] = found | {"warnings": to_json(found["warnings"])}
            timed[number][key] = names[key]
    return passes, timed


def _samples(
    connection: Connection, number: int, names: Names
) -> Iterator[tuple[int | str | float | None, ...]]:
    """A pass's times by variant; copy 1 is the control: what was timed a second time.

    It has its first variant's name; none where the plan has no such network.
    """
    sample, network = LatencySample, LatencyNetwork
    columns = (sample.subject, sample.copy, sample.round, sample.place, sample.ms, sample.lost)
    query = (
        select(*columns, network.first_ms)
        .join(
            network,
            (network.pass_id == sample.pass_id)
            & (network.subject == sample.subject)
            & (network.copy == sample.copy),
        )
        .where(sample.pass_id == number)
        .order_by(sample.round, sample.place)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    check_kinds(rows, (*columns, network.first_ms))
    called = {subject: found for (_, _, subject), found in names.items()}
    twice = {subject for subject, copy, *_ in rows if copy}  # what the control is of
    for subject, copy, *numbers in rows:
        variants = called.get(str(subject), [""] if subject in twice else [])
        for name in variants[:1] if copy else variants:
            yield (number, name, copy, *numbers)
