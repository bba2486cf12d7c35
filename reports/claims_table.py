"""claims.csv: what the committed rows say of each claim, and the comparison that decides it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from srbench.analysis.claims import JudgedClaim, claims_of
from srbench.analysis.claims_readings import RunShare
from srbench.analysis.results import Results
from srbench.core.numbers import plural

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "db" / "reference" / "claims.csv"
COLUMNS = (
    "study", "claim", "says", "status", "number", "effect", "low", "high", "unit", "over",
    "comparisons", "setting",
)  # fmt: skip


def rows_of(study: str) -> Path:
    """The folder of a study's rows."""
    return CLAIMS.parent / study


def committed() -> list[str]:
    """The studies whose rows are committed."""
    return sorted(folder.name for folder in CLAIMS.parent.iterdir() if folder.is_dir())


def trained(study: str) -> bool:
    """Whether the rows are more than a plan: something was trained."""
    states = pd.read_csv(rows_of(study) / "runs.csv", usecols=["state", "steps"])
    return bool(((states["state"] == "done") & (states["steps"] > 0)).any())


def claims() -> Iterator[tuple[object, ...]]:
    """The rows of claims.csv: the claims of every published study, with what they rest on."""
    yield COLUMNS
    for study in committed():
        results = Results.from_folder(rows_of(study))
        for claim in claims_of(results):
            if claim.result.status == "not decided" and not trained(study):
                continue
            yield (study, claim.id, claim.says, claim.result.status, *_deciding(claim),
                   len(claim.result.findings), setting(results))  # fmt: skip


def _deciding(claim: JudgedClaim) -> tuple[object, ...]:
    """The comparison that decides a claim: the first one with the status of the claim."""
    found = [x for x in claim.result.findings if x.status == claim.result.status]
    first = (found or claim.result.findings or (None,))[0]
    if first is None or first.reading is None:
        return (first.label if first else "", "", "", "", first.unit if first else "", "")
    reading = first.reading
    over = plural(reading.count, reading.counted) if reading.count else "exact"
    numbers = (_figures(x) for x in (reading.value, *reading.interval))
    label = f"share of runs: {first.text}" if isinstance(reading, RunShare) else first.label
    return (label, *numbers, first.unit, over)


def _figures(value: float) -> float | str:
    return "" if math.isnan(value) else float(f"{value:.6g}") if value % 1 else int(value)


def setting(results: Results) -> str:
    """Scale, sizes and budget of a study in a few words, as its baseline is trained."""
    facts = results.facts
    first = results.variants[results.variants["variant"] == facts.baseline].iloc[0]
    side = f"LR {facts.data['patch'] // facts.scale}, batch {facts.train['batch']}"
    size = f"{facts.baseline} with {first['parameters']:,} parameters"
    return f"x{facts.scale}, {size}, {side}, {facts.steps:,} steps, judged on {facts.dataset}"
