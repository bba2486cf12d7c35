"""Latency passes of a plan's networks.

A time belongs to a network on a device and to no study: every plan with the same network has it.
Ratios are taken within one pass, so a pass counts for a plan only if it timed the plan's baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from sqlalchemy import Connection, select

from srbench.analysis.results import LATENCY, PASSES, SETTING
from srbench.store.columns import to_json
from srbench.store.tables import LatencyNetwork, LatencyPass, LatencySample, Training, Variant
from srbench.store.validate_rows import check_kinds

TIMED = ("baseline", "variant", "twin")
"""Roles that have a latency: a control is the baseline's network, an interpolation is none."""
Names = Mapping[tuple[str, int, str], list[str]]  # (quantity, scale, subject) -> variants


def latency(connection: Connection, plan: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames `passes` and `latency` of a plan: of each setting, the newest times of each
    variant that were timed together with the plan's baseline."""
    names, baseline = _names(connection, plan), _names(connection, plan, ("baseline",))
    passes = _passes(connection, baseline)
    chosen = list(_newest(connection, passes, names))
    rows = [row for number, wanted in chosen for row in _samples(connection, number, wanted)]
    kinds = {"pass_id": "int64", "copy": "int64", "round": "int64", "place": "int64",
             "ms": "float64", "lost": "float64", "first_ms": "float64"}  # fmt: skip
    samples = pd.DataFrame.from_records(rows, columns=list(LATENCY)).astype(kinds)
    numbers = {number for number, _ in chosen}
    return passes[passes["pass_id"].isin(numbers)].reset_index(drop=True), samples


def _names(connection: Connection, plan: int, roles: tuple[str, ...] = TIMED) -> Names:
    """What a plan's variants are, as subjects of passes."""
    query = (
        select(Variant.name, Training.scale, Training.network, Training.step)
        .join(Training, Training.fingerprint == Variant.fingerprint)
        .where(Variant.plan_id == plan, Variant.role.in_(roles))
        .order_by(Variant.position)
    )
    found: dict[tuple[str, int, str], list[str]] = {}
    for name, scale, network, step in connection.execute(query):
        for quantity, subject in (("latency", network), ("step_time", step)):
            if subject:
                found.setdefault((quantity, scale, subject), []).append(name)
    return found


def _passes(connection: Connection, baseline: Names) -> pd.DataFrame:
    """Every pass that timed the baseline, oldest first."""
    columns = [LatencyPass.id.label("pass_id"), *(getattr(LatencyPass, n) for n in PASSES[1:-1])]
    columns.append(LatencyPass.measured_at.label("measured"))
    subjects = [subject for _, _, subject in baseline]
    query = (
        select(*columns, LatencyNetwork.subject)
        .join(LatencyNetwork, LatencyNetwork.pass_id == LatencyPass.id)
        .where(LatencyNetwork.copy == 0, LatencyNetwork.subject.in_(subjects))
        .order_by(LatencyPass.id)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    check_kinds(rows, (*columns, LatencyNetwork.subject))
    table = pd.DataFrame.from_records(rows, columns=[*PASSES, "subject"])
    keys = zip(table["quantity"], table["scale"], table["subject"], strict=True)
    wanted = pd.Series([key in baseline for key in keys], dtype=bool, index=table.index)
    table = table[wanted].drop(columns="subject")
    table["warnings"] = [to_json(texts) for texts in table["warnings"]]
    return table.astype({"seconds": "float64"})


def _newest(
    connection: Connection, passes: pd.DataFrame, names: Names
) -> Iterator[tuple[int, Names]]:
    """From the newest pass back: what each timed that no newer one of its setting did."""
    seen: dict[tuple[object, ...], set[str]] = {}
    for row in reversed(passes.to_dict("records")):
        number, known = int(row["pass_id"]), seen.setdefault(tuple(row[n] for n in SETTING), set())
        query = select(LatencyNetwork.subject).where(LatencyNetwork.pass_id == number)
        subjects = set(connection.execute(query).scalars())
        there = {
            key: called
            for key, called in names.items()
            if key[:2] == (row["quantity"], row["scale"]) and key[2] in subjects
        }
        if {name for called in there.values() for name in called} - known:
            known |= {name for called in there.values() for name in called}
            yield number, there


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
