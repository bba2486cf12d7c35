"""Quality against cost: the front and how sure it is, prices, and where names stand."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_study import study

from srbench.analysis.quality_cost import front_line, front_said, known_costs, spots
from srbench.analysis.results import Results
from srbench.report.pareto_interactive import quality_cost, quality_cost_plain
from srbench.report.pareto_labels import frame_of, names_beside
from srbench.report.pareto_static import quality_cost_figure
from srbench.report.quality_cost import prices_shown, section


def test_the_front_is_what_nothing_beats_in_both() -> None:
    results = study({"plain": 0.0, "better": 1.0, "dearer": 0.5})
    assert [s.variant for s in front_line(results, "parameters")] == ["plain", "better"]


def test_a_near_tie_is_not_settled() -> None:
    results = study({"plain": 0.0, "same": 0.0}, seeds=5)
    shares = {s.variant: s.probability for s in spots(results, "parameters")}
    assert shares["plain"] == 1
    assert 0 < shares["same"] < 1
    assert "not settled by these seeds: same" in front_said(results, "parameters")


def test_a_price_is_the_effect_over_what_it_costs_more() -> None:
    table = prices_shown(study())
    row = dict(zip([c.key for c in table.columns], table.rows[0], strict=True))
    assert row["per_1k_parameters"] == pytest.approx(row["effect_db"] / 1.4)
    assert row["per_1k_parameters_low"] < row["per_1k_parameters"] < row["per_1k_parameters_high"]


def test_what_costs_nothing_has_no_price() -> None:
    results = study()
    same = results.variants.assign(parameters=70_000)
    free = prices_shown(Results(**{**vars(results), "variants": same}))
    assert {str(getattr(row[4], "word", row[4])) for row in free.rows} == {"free"}


def test_both_figures_show_the_same_points() -> None:
    results = study()
    shown = {
        t["meta"]["variant"]: (t["x"][0], t["y"][0])
        for t in quality_cost_plain(results, "parameters")["data"]
        if t["meta"]["kind"] == "point"
    }
    drawn = np.concatenate(
        [c.get_offsets() for c in quality_cost_figure(results, "parameters").axes[0].collections
         if len(c.get_offsets()) and hasattr(c, "get_sizes")]
    )  # fmt: skip
    assert sorted(shown.values()) == sorted(map(tuple, drawn.round(3).tolist()))
    assert len(quality_cost(results).data) == len(quality_cost_plain(results, "parameters")["data"])


def test_names_cover_no_other_name() -> None:
    results = study({"plain": 0.0} | {f"variant_{i}": 0.01 * i for i in range(40)})
    found = spots(results, "parameters")
    placed = names_beside(found, frame_of(found, {}), 640, 370, ["plain"])
    assert "plain" in placed
    assert len(placed) < len(found)  # there is no room for all


def test_every_state_has_a_section(any_state: Results) -> None:
    found = section(any_state)
    assert found.heading
    assert len(found.figures) == len(known_costs(any_state))
    for cost in known_costs(any_state):
        quality_cost_figure(any_state, cost)
        quality_cost(any_state, cost)
