"""SYNTHETIC studies with planted effects: what the page must say of them is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from synthetic_study import failed, study, with_runs

from srbench.analysis.results import LOOKS, PUBLISHED, Results

NOISE = (0.6, -1.1, 0.9, -0.4, 0.3, -0.8, 1.2, -0.7, 0.1, -0.1)  # mean 0 over all, sd 0.79


def around(effect: float, sd: float, seeds: int) -> list[float]:
    """Differences with exactly this mean and standard deviation."""
    x = np.resize(np.asarray(NOISE), seeds)
    x = (x - x.mean()) / x.std(ddof=1)
    return [float(v) for v in effect + sd * x]


FIVE = {
    "up": around(0.84, 0.05, 5),
    "down": around(-0.42, 0.05, 5),
    "same": around(0.004, 0.02, 5),
    "unclear": around(0.05, 0.12, 5),
}
BASE, BASE_STEP = 33.5, 0.002  # dB, of the baseline: its first seed, and each further one
SOURCE = "Someone, Some networks, 2019"


def planted(
    differences: Mapping[str, Sequence[float | None]],
    *,
    controls: Sequence[str] = (),
    epochs: int = 60,
    published: Sequence[tuple[Any, ...]] = (),
    looks_at: Sequence[int] = (),
    baseline_seeds: int = 0,
    **facts: Any,
) -> Results:
    """A study whose variant scores are the baseline's plus these, seed by seed.

    None is a run that never started, NaN one that diverged. Curves converge. The baseline may have
    more seeds.
    """
    asked = max(len(row) for row in differences.values())
    seeds = max(asked, baseline_seeds)
    names = ["plain", *differences]
    made = study(dict.fromkeys(names, 0.0), seeds=seeds, epochs=epochs, images=1)
    scores = made.scores.copy()
    base = {seed: BASE + BASE_STEP * seed for seed in range(seeds)}
    rows = {"plain": [0.0] * seeds} | dict(differences)
    primary = (scores["metric"] == "psnr_y") & scores["variant"].isin(names)
    scores.loc[primary, "value"] = [
        base[int(r["seed"])] + (cell(rows, r) or 0.0) for r in scores[primary].to_dict("records")
    ]
    curves = made.curves.copy()
    on_validate = curves["name"] == "validate/psnr_y"
    curves.loc[on_validate, "value"] = [
        30.0 + 0.1 * names.index(v) - 3 * np.exp(-e / 3) + 0.002 * np.sin(7 * e + s)
        for v, s, e in curves.loc[on_validate, ["variant", "seed", "epoch"]].itertuples(index=False)
    ]
    variants = made.variants.copy()
    variants.loc[variants["variant"].isin(controls), "role"] = "control"
    settings = {
        "looks": tuple(looks_at),
        "seeds": tuple(range(asked)),
        "baseline_seeds": tuple(range(baseline_seeds)),
        "notes": (),
        "min_effect": 0.1,
        "question": "Which one helps?",
    } | facts
    made = replace(
        made,
        facts=replace(made.facts, **settings),
        variants=variants,
        scores=scores,
        curves=curves,
        published=pd.DataFrame(list(published), columns=list(PUBLISHED)),
        looks=pd.DataFrame(columns=list(LOOKS)),
    )
    return with_runs(made, lambda row: fate(row, cell(rows, row)))


def cell(rows: Mapping[str, Sequence[float | None]], row: Mapping[Any, Any]) -> float | None:
    mine = rows[str(row["variant"])]
    seed = int(row["seed"])
    return mine[seed] if seed < len(mine) else None


def fate(row: dict[str, object], difference: float | None) -> dict[str, object] | None:
    if difference is None:
        return None
    return failed(row) if np.isnan(difference) else row


def looking() -> Results:
    """Looks at 3, 5 and 8 seeds: one contrast decided at once, two that wait for the last look."""
    return planted(
        {
            "clear": [*around(0.9, 0.005, 3), None, None],
            "open": around(0.1, 0.12, 5),
            "lost": [0.1, 0.35, 0.2, float("nan"), 0.2],
        },
        looks_at=(3, 5, 8),
        baseline_seeds=9,
    )


def figures(epochs: int) -> list[tuple[Any, ...]]:
    """Published figures: scores of five variants, of which one is not ours, a count, a curve."""
    names = ("plain", "unclear", "same", "up", "elsewhere")
    found: list[tuple[Any, ...]] = [
        (SOURCE, name, "psnr_y", "photos", None, 34.0 + i, "dB") for i, name in enumerate(names)
    ]
    found += [(SOURCE, "up", "params", "", None, 71_000.0, "")]
    found += [(SOURCE, "up", "loss", "", float(e), 0.5 / e, "") for e in range(1, epochs + 1)]
    return [*found, (SOURCE, "up", "fid", "photos", None, 12.0, "")]


def everything() -> Results:
    """Every verdict, lost runs, a failed control, claims, published figures, a late edit."""
    rows = FIVE | {
        "gone": [0.1, float("nan"), None, 0.2, 0.3],
        "identity": around(0.3, 0.05, 5),
        "broken": around(-3, 0.1, 5),
    }
    tests = ("psnr_y(up) > psnr_y(plain)", "psnr_y(unclear) > psnr_y(plain)", "diverges(up)")
    return planted(
        rows,
        controls=("identity", "broken"),
        later="min_effect was 0.3 dB",
        claims=tuple({"id": f"A{i}", "says": "", "test": test} for i, test in enumerate(tests)),
        published=figures(epochs=99),
    )
