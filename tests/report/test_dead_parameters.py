"""Dead parameters on the page: found by settings, beside the network with all in use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from synthetic_study import study

from srbench.analysis.dead_parameters import (
    dead_parameter_notes,
    difference,
    variants_with_dead_parameters,
)
from srbench.analysis.results import Results
from srbench.report.dead_parameters import dead_parameter_table
from srbench.report.files import write_report

GAINS = {"as_ran": 0.0, "without": -0.05, "wired": 0.4, "other": 0.2, "wider": 0.3}
MODELS = {
    "as_ran": ({"attention": "scse", "wiring": "published", "skip": "none"}, 970, 225),
    "without": ({"attention": "none", "wiring": "published", "skip": "none"}, 964, 0),
    "wired": ({"attention": "scse", "wiring": "intended", "skip": "none"}, 970, 0),
    "other": ({"attention": "scse", "wiring": "published", "skip": "bilinear"}, 970, 225),
    "wider": ({"attention": "none", "wiring": "intended", "skip": "bilinear"}, 999, 0),
}


def made(seeds: int = 3) -> Results:
    found = study(GAINS, seeds=seeds)
    rows = []
    for row in found.variants.to_dict("records"):
        if row["variant"] in MODELS:
            model, parameters, dead = MODELS[row["variant"]]
            trees = {"model": {"carn": model}, "train": {"epochs": 3}, "data": {}}
            row |= {"settings": json.dumps(trees), "parameters": parameters, "dead": dead}
        rows.append(row)
    return replace(found, variants=pd.DataFrame(rows))


def test_neighbours_are_found_by_the_one_setting_that_differs() -> None:
    first, second = variants_with_dead_parameters(made())
    assert (first.variant, first.setting, first.without, first.wired) == (
        "as_ran", "attention", "without", "wired",
    )  # fmt: skip
    assert (second.variant, second.without, second.wired) == ("other", "", "")
    assert first.share == pytest.approx(23.2, abs=0.01)


def test_differences_are_paired_by_seed() -> None:
    found = difference(made(), "wired", "without")
    assert (found.mean, found.count) == (pytest.approx(0.45, abs=0.1), 3)
    assert difference(made(1), "wired", "without").count == 1


def test_the_page_says_what_the_part_does_when_wired_in(tmp_path: Path) -> None:
    results = made()
    html = write_report([results], tmp_path, plotly="beside").read_text("utf-8")
    assert "Dead parameters, and the effect they conceal" in html
    text = " ".join(dead_parameter_notes(results))
    assert "Against without, which has no attention: as_ran as trained" in text
    assert "all in use, +0." in text
    assert "reaches part of the network: 23 % of the parameters are stored" in text
    rows = (tmp_path / "dead_parameters.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + 2
    assert [str(row[0]) for row in dead_parameter_table(results).rows] == ["as_ran", "other"]


def test_where_nothing_is_dead_nothing_is_said(tmp_path: Path) -> None:
    results = study({"plain": 0.0, "residual": 1.0})
    assert dead_parameter_notes(results) == ()
    html = write_report([results], tmp_path, plotly="beside").read_text("utf-8")
    assert "the effect they conceal" not in html
    assert not (tmp_path / "dead_parameters.csv").exists()
