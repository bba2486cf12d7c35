"""SYNTHETIC designed studies for the report's tests: a factorial, and degradations crossed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd
from synthetic_study import study

from srbench.analysis.results import Results

WORTH = {"residual": 0.6, "se": 0.15, "atrous": -0.2}
TOGETHER = 0.12  # what residual and se bring beyond their sum


def factorial(kind: str = "factorial", seeds: int = 5) -> Results:
    """Every combination of three factors, with one planted interaction."""
    levels, gains = {}, {}
    for code in range(2 ** len(WORTH)):
        on = {name: code >> place & 1 for place, name in enumerate(WORTH)}
        name = "+".join(n for n, is_on in on.items() if is_on) or "base"
        levels[name] = on
        gains[name] = sum(WORTH[n] for n, is_on in on.items() if is_on)
        gains[name] += TOGETHER * on["residual"] * on["se"]
    design: dict[str, Any] = {"kind": kind, "levels": levels, "aliases": [], "resolution": None}
    design["factors"] = {name: ["", name] for name in WORTH}
    found = study(gains, seeds=seeds)
    return replace(found, facts=replace(found.facts, design=design))


def crossed(lost: float = 0.4, seeds: int = 5) -> Results:
    """Two variants that differ in training degradation alone, each `lost` dB worse off its own."""
    found = study({"clean": 0.0, "noisy": 0.0}, seeds=seeds)
    noisy = {"pipeline": {"of": ["bicubic", "noise"]}}
    sets = ["photos", {"degraded": {"of": "photos", "by": noisy}}]
    names = ["photos", "degraded: {by: noisy}"]
    trees = {
        name: {"model": "carn", "train": {}, "data": {"degradation": by, "eval": sets}}
        for name, by in (("clean", "matlab_bicubic"), ("noisy", noisy))
    }
    variants = found.variants.assign(
        settings=[json.dumps(trees.get(str(v), {})) for v in found.variants["variant"]]
    )
    own = found.scores[found.scores["variant"].isin(["clean", "noisy"])]
    worse = {"photos": "noisy", names[1]: "clean"}
    frames = [found.scores[~found.scores["variant"].isin(["clean", "noisy"])]]
    for dataset in names:
        frame = own.assign(dataset=dataset)
        hit = (frame["variant"] == worse[dataset]) & (frame["metric"] == "psnr_y")
        frames.append(frame.assign(value=frame["value"] - lost * hit))
    rows = [("eval", name, f"{i:064x}", 3, 0.8) for i, name in enumerate(names)]
    datasets = pd.DataFrame(rows, columns=found.datasets.columns)
    facts = replace(found.facts, data={"eval": sets})
    return replace(
        found, facts=facts, variants=variants, scores=pd.concat(frames), datasets=datasets
    )
