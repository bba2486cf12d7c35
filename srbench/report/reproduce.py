"""How each number is reproduced: the commands, what they ran on, and the SQL of each table."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from srbench.analysis.results import Results
from srbench.analysis.run_matrix import text
from srbench.report.section import Section


@dataclass(frozen=True)
class Origin:
    """Where the numbers come from."""

    commands: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    queries: tuple[tuple[str, str], ...]  # what it gives, SQL


def origin(results: Results) -> Origin:
    """Commands, facts and queries of one study."""
    facts = results.facts
    file = shlex.quote(f"ablations/{facts.name}.yaml")
    options = " ".join(map(quoted, facts.overrides))
    commands = (
        f"srbench run {file}" + (f" {options}" if options else ""),
        f"srbench report {shlex.quote(facts.name)}",
    )
    rows = [
        ("plan", facts.plan),
        ("planned", facts.planned_at),
        ("commit", _distinct(results, "git_commit") + _dirty(results)),
        ("versions", _versions(results)),
        ("device", _distinct(results, "device")),
        ("numerics", _distinct(results, "numerics")),
        ("host", _distinct(results, "host")),
        ("protocol", facts.protocol),
        ("training", _plain(facts.train)),
        ("data", _plain(facts.data)),
    ]
    for row in results.datasets.to_dict("records"):
        count, size = int(row["images"]), float(row["megapixels"])
        says = (
            f"{text(row['name'])}, {count} images, {size:.1f} Mpx, sha256 {text(row['manifest'])}"
        )
        rows.append((f"{text(row['role'])} images", says))
    rows.append(("LR", "; ".join(facts.lr)))
    return Origin(commands, tuple((k, v) for k, v in rows if v), queries(results))


def quoted(option: str) -> str:
    """An option as a plan keeps it ("--set train.loss={...}"), for a shell to read."""
    name, space, value = option.partition(" ")
    return f"{name} {shlex.quote(value)}" if space else name


def queries(results: Results) -> tuple[tuple[str, str], ...]:
    """The SQL behind the tables; each runs with `srbench sql`."""
    facts = results.facts
    study = _literal(facts.name)
    primary = (
        f"dataset = {_literal(facts.dataset)} AND protocol = {_literal(facts.protocol)} "
        f"AND metric = {_literal(facts.metric)}"
    )
    scores = (
        "SELECT variant, seed, avg(value) AS score\nFROM v_scores\n"
        f"WHERE study = {study} AND {primary}\nGROUP BY variant, seed\nORDER BY variant, seed"
    )
    effects = (
        "SELECT v.variant, v.seed, v.score - b.score AS effect\n"
        f"FROM ({_inner(study, primary)}) AS v\n"
        f"JOIN ({_inner(study, primary)}) AS b ON b.seed = v.seed\n"
        f"WHERE b.variant = {_literal(facts.baseline)} AND v.variant <> b.variant\n"
        "ORDER BY v.variant, v.seed"
    )
    runs = f"SELECT *\nFROM v_runs\nWHERE study = {study}\nORDER BY variant, seed"
    curves = (
        f"SELECT variant, seed, name, epoch, value\nFROM v_curves\nWHERE study = {study}\n"
        "ORDER BY variant, seed, name, step"
    )
    return (
        ("scores by run", scores),
        ("effects by seed", effects),
        ("runs", runs),
        ("curves", curves),
    )


def _inner(study: str, primary: str) -> str:
    return (
        f"SELECT variant, seed, avg(value) AS score FROM v_scores WHERE study = {study} "
        f"AND {primary} GROUP BY variant, seed"
    )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _distinct(results: Results, column: str) -> str:
    return ", ".join(sorted({text(v) for v in results.runs[column]} - {""}))


def _dirty(results: Results) -> str:
    dirty = any(v in (True, "True", 1) for v in results.runs["git_dirty"])
    return " (with uncommitted changes)" if dirty else ""


def _versions(results: Results) -> str:
    found: dict[str, set[str]] = {}
    for value in results.runs["versions"]:
        plain: Any = json.loads(value) if isinstance(value, str) and value else value
        if isinstance(plain, dict):
            for name, version in plain.items():
                found.setdefault(str(name), set()).add(str(version))
    return ", ".join(f"{name} {'/'.join(sorted(found[name]))}" for name in sorted(found))


def _plain(settings: dict[str, Any]) -> str:
    return json.dumps(settings, ensure_ascii=False, sort_keys=True) if settings else ""


def section(results: Results) -> Section:
    """The commands, what they ran on, the SQL of each table, and the study file."""
    return Section(
        "reproduce",
        "Reproduce",
        "Two commands make these numbers again",
        template="section_reproduce.html",
        shows={"origin": origin(results)},
    )
