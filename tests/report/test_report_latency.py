"""Times in the report: the table, the sentences, the figures and the claims say the same."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from planted import around, planted
from synthetic_study import csv_read, study
from timed_study import timed

from srbench.analysis.answer import answer
from srbench.analysis.claims import claims_of
from srbench.analysis.latency import latency_text, rounds_of, timings
from srbench.analysis.phrases import price
from srbench.analysis.published_comparison import figure_pairs
from srbench.analysis.quality_cost import known_costs, spots
from srbench.analysis.results import PUBLISHED, Results
from srbench.report.costs import cost_shown
from srbench.report.forest import forest_of
from srbench.report.latency import latency_shown
from srbench.report.quality_cost import prices_shown

RATIOS = {"plain": 1.0, "residual": 1.002, "residual_se": 1.29, "residual_atrous": 0.93}


@pytest.fixture(scope="module")
def quiet() -> Results:
    return timed(study(), RATIOS)


def test_what_is_told_of_a_ratio_rests_on_the_control(quiet: Results) -> None:
    words = {t.variant: t.word for t in timings(quiet, "latency")}
    assert words == {
        "plain": "baseline", "residual": "same", "residual_se": "slower",
        "residual_atrous": "faster",
    }  # fmt: skip
    noisy = {t.variant: t.word for t in timings(timed(study(), RATIOS, noise=0.3), "latency")}
    assert noisy["residual_atrous"] != "faster"


def test_a_noisy_machine_is_said_to_be_one(quiet: Results) -> None:
    assert "The control, plain against itself, is 1.00" in " ".join(latency_text(quiet))
    noisy = " ".join(latency_text(timed(study(), RATIOS, noise=0.3)))
    assert "too noisy for differences of 1 %" in noisy
    assert latency_text(study()) == ()


def test_the_sentence_names_the_price_in_time(quiet: Results) -> None:
    assert price(quiet, "residual_se").endswith("and 29 % more latency")
    assert price(quiet, "residual").endswith("the same latency within 1\u00a0%")
    assert "latency" not in price(timed(study(), RATIOS, noise=0.3), "residual_atrous")
    assert "% more latency" in answer(quiet)


def test_forest_and_cost_table_show_the_ratio(quiet: Results) -> None:
    shown = {row.variant: row.latency for row in forest_of(quiet).rows}
    assert shown["residual_se"].startswith("+29")
    assert shown["residual_atrous"].startswith("\u22127.")
    frame = csv_read(cost_shown(quiet)).set_index("variant")
    assert frame.loc["plain", "latency_ratio"] == 1
    assert frame.loc["residual_se", "latency_low"] < 1.29 < frame.loc["residual_se", "latency_high"]
    assert "latency_ms" not in csv_read(cost_shown(study())).columns


def test_latency_is_an_axis_of_cost_with_its_interval(quiet: Results) -> None:
    assert "latency" in known_costs(quiet)
    assert "latency" not in known_costs(study())
    found = {spot.variant: spot for spot in spots(quiet, "latency")}
    assert found["residual_se"].cost.half > 0
    assert found["plain"].cost.half == 0
    assert found["residual_se"].cost.mean / found["plain"].cost.mean == pytest.approx(
        1.29, rel=0.01
    )


def test_an_effect_per_ms_covers_both_uncertainties(quiet: Results) -> None:
    frame = csv_read(prices_shown(quiet)).set_index("variant")
    row = frame.loc["residual_se"]
    assert row["per_ms"] == pytest.approx(row["effect_db"] / row["latency_more"], rel=0.02)
    assert row["per_ms_low"] < row["per_ms"] < row["per_ms_high"]
    rows = {str(r[0]): dict(zip([c.key for c in prices_shown(quiet).columns], r, strict=True))
            for r in prices_shown(quiet).rows}  # fmt: skip
    assert rows["residual"]["per_ms_low"].word == "unbounded"  # its extra cost may be zero


def test_of_several_settings_the_plainest_speaks(quiet: Results) -> None:
    both = timed(quiet, {"plain": 1.0, "residual_se": 1.9}, precision="bf16")
    assert {t.taken.row["precision"] for t in timings(both, "latency")} == {"fp32"}
    assert len(latency_shown(both).rows) == 6
    newer = timed(both, {"plain": 1.0, "residual_se": 1.5})
    found = {t.variant: t.ratio.value for t in timings(newer, "latency")}
    assert found["residual_se"] == pytest.approx(1.5, abs=0.02)
    assert found["residual_atrous"] == pytest.approx(0.93, abs=0.02)


def test_rounds_of_two_passes_never_meet(quiet: Results) -> None:
    newer = timed(quiet, {"plain": 1.0, "residual_se": 1.5})
    rounds = rounds_of(newer)
    assert len(rounds["latency", "plain"]) == 120
    assert len(rounds["latency", "residual"].keys() & rounds["latency", "residual_se"].keys()) == 60


def test_claims_over_times_are_decided() -> None:
    tests = (
        "latency(up) / latency(plain) in [1.1, 1.3]",
        "latency(up) <= 1.1 * latency(plain)",
        "latency(up) ≈ latency(same) within 5 %",
        "step_time(up) > step_time(plain)",
    )
    claims = tuple({"id": f"A{i}", "says": "", "test": test} for i, test in enumerate(tests))
    made = planted({"up": around(0.9, 0.1, 5), "same": around(0, 0.1, 5)}, claims=claims)
    found = claims_of(timed(made, {"plain": 1.0, "up": 1.2, "same": 1.0}))
    assert [c.result.status for c in found] == ["supported", "refuted", "refuted", "not decided"]
    steps = claims_of(timed(made, {"plain": 1.0, "up": 1.2}, quantity="step_time"))
    assert [c.result.status for c in steps][3] == "supported"


PUBLISHED_RATIOS = pd.DataFrame(
    [
        ("yu45020, 2019", name, "step_time", "", None, value, "")
        for name, value in (("plain", 1.0), ("group1", 1.52), ("group2", 1.43))
    ],
    columns=list(PUBLISHED),
)


def test_published_runtime_ratios_stand_beside_ours() -> None:
    claim = {
        "id": "A14", "says": "",
        "test": "step_time(group1) / step_time(plain) ≈ "
                "published(step_time(group1)) / published(step_time(plain)) within 10 %",
    }  # fmt: skip
    made = planted({"group1": [0.1] * 3, "group2": [0.1] * 3}, claims=(claim,))
    made = replace(made, published=PUBLISHED_RATIOS)
    ratios = {"plain": 1.0, "group1": 1.5, "group2": 1.2}
    found = timed(made, ratios, quantity="step_time")
    rows = {row.variant: row for row in figure_pairs(found)}
    assert rows["group1"].ours.mean == pytest.approx(1.5, abs=0.02)
    assert rows["group1"].ours.count == 60
    assert rows["group2"].theirs == 1.43
    (judged,) = claims_of(found)
    assert judged.result.status == "supported"
    assert "was not timed here" in figure_pairs(made)[0].why
