"""Attribution in the report: planted effects come out, and only where there is a design."""

from __future__ import annotations

from dataclasses import replace

import pytest
from designed import TOGETHER, WORTH, factorial
from synthetic_study import failed, study, with_runs

from srbench.analysis.attribution import attributed, attribution_heading, attribution_notes
from srbench.report.attribution import attribution_bars, attribution_shown, section


def test_planted_effects_and_the_interaction_come_out() -> None:
    found = attributed(factorial())
    assert found is not None
    at = {c.name: c.mean for c in found.at_base}
    assert at["residual"] == pytest.approx(WORTH["residual"], abs=0.06)
    averaged = {c.name: c.mean for c in found.averaged}
    assert averaged["residual:se"] == pytest.approx(TOGETHER, abs=0.06)
    whole = sum(WORTH.values()) + TOGETHER
    assert sum(c.mean for c in found.shapley) == pytest.approx(whole, abs=0.06)


def test_the_heading_names_the_largest() -> None:
    assert attribution_heading(factorial()).startswith("residual has the largest effect, +0.6")


def test_the_table_has_every_estimate_of_the_pictures() -> None:
    results = factorial()
    drawn = sum(len(bars.rows) for bars in attribution_bars(results))
    assert len(attribution_shown(results).rows) == drawn == 3 + 6 + 6


def test_without_a_design_there_is_no_section() -> None:
    assert not section(study()).heading
    results = factorial(kind="leave_one_out")
    assert not section(results).heading


def test_an_empty_cell_is_said() -> None:
    results = with_runs(factorial(), lambda r: failed(r) if r["variant"] == "se" else r)
    assert attribution_notes(results)[0] == "No estimate is possible while cells are empty: se."


def test_a_lost_seed_is_left_out_of_all_and_said() -> None:
    results = with_runs(factorial(), lambda r: failed(r) if r["run_id"] == 7 else r)
    assert "1 seed left out: some cell has no score for it." in attribution_notes(results)


def test_a_fraction_says_what_each_estimate_is_mixed_with() -> None:
    results = factorial("fractional")
    assert results.facts.design is not None
    half = {n: at for n, at in results.facts.design["levels"].items() if sum(at.values()) % 2}
    kept = [v in half or v in ("nearest", "bicubic") for v in results.variants["variant"]]
    design = results.facts.design | {"levels": half, "aliases": ["atrous = residual:se"]}
    facts = replace(results.facts, design=design, baseline=next(iter(half)))
    part = replace(results, facts=facts, variants=results.variants[kept])
    found = attributed(part)
    assert found is not None
    assert all(c.mixed_with for c in found.averaged)
    assert "atrous = residual:se" in attribution_notes(part)[-1]
    assert attribution_shown(part).columns[-1].key == "mixed_with"
