"""Quality against cost: the front and how sure it is, prices, and where names stand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from synthetic_study import study

from srbench.analysis.quality_cost import front_line, front_text, spots
from srbench.analysis.results import Results
from srbench.report.figure import names_beside
from srbench.report.figure_matplotlib import drawn
from srbench.report.figure_plotly import interactive, plain
from srbench.report.quality_cost import prices_shown, quality_cost_figure


def test_the_front_is_what_nothing_beats_in_both() -> None:
    results = study({"plain": 0.0, "better": 1.0, "dearer": 0.5})
    assert [s.variant for s in front_line(results, "parameters")] == ["plain", "better"]


def test_a_near_tie_is_not_settled() -> None:
    results = study({"plain": 0.0, "same": 0.0}, seeds=5)
    shares = {s.variant: s.probability for s in spots(results, "parameters")}
    assert shares["plain"] == 1
    assert 0 < shares["same"] < 1
    assert "not settled by these seeds: same" in front_text(results, "parameters")


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


def test_both_renderers_show_the_same_points() -> None:
    figure = quality_cost_figure(study(), "parameters")
    shown = [(t["x"][0], t["y"][0]) for t in plain(figure)["data"] if t["meta"]["kind"] == "point"]
    drawings = drawn(figure).axes[0].collections
    places = np.concatenate([c.get_offsets() for c in drawings if isinstance(c, PathCollection)])
    np.testing.assert_allclose(np.sort(places, axis=0), np.sort(shown, axis=0), rtol=1e-5)
    assert len(interactive(figure).data) == len(plain(figure)["data"])


def test_names_cover_no_other_name() -> None:
    results = study({"plain": 0.0} | {f"variant_{i}": 0.01 * i for i in range(40)})
    figure = quality_cost_figure(results, "parameters")
    placed = names_beside(figure, 640, 370)
    assert "plain" in placed
    assert len(placed) < len(figure.points)  # there is no room for all
