"""One number, three places: page, CSV and LaTeX show the same."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from states import STATES
from synthetic_study import csv_read, study

from srbench.analysis.run_matrix import set_scores
from srbench.core.numbers import fixed, justified_decimals, shown
from srbench.core.table import FREE, Column, Mark, Table
from srbench.report.costs import cost_shown
from srbench.report.effects import effects_shown
from srbench.report.failures import run_shown
from srbench.report.scores import score_shown
from srbench.report.where import images_shown


@pytest.mark.parametrize("make", [effects_shown, score_shown, cost_shown, images_shown])
def test_csv_has_every_number_rounded_to_its_columns_decimals(make: object) -> None:
    table: Table = make(study())  # type: ignore[operator]
    read = csv_read(table)
    for i, column in enumerate(table.columns):
        values = [math.nan if isinstance(row[i], Mark) else row[i] for row in table.rows]
        if column.numeric and column.kind not in FREE:
            expected = [round(float(value), column.decimals) for value in values]
            assert read[column.key].tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_effects_are_sorted_best_first_and_keep_rows_without_a_number() -> None:
    frame = csv_read(effects_shown(STATES["one variant missing"]()))
    assert list(frame["variant"]) == ["residual_se", "residual_atrous", "residual"]
    assert frame["effect_db"].isna().tolist() == [False, False, True]
    assert frame["runs"].tolist()[-1] == "3 missing"


def test_interpolations_are_rows_of_the_score_table() -> None:
    frame = csv_read(score_shown(study()))
    assert set(frame.loc[frame["role"] == "interpolation", "variant"]) == {
        "nearest", "bilinear", "bicubic", "lanczos",
    }  # fmt: skip


def test_failed_and_missing_runs_are_told_apart_in_the_run_table() -> None:
    missing = csv_read(run_shown(STATES["one variant missing"]()))
    failed = csv_read(run_shown(STATES["one diverged"]()))
    assert set(missing["state"]) == {"done", "missing"}
    assert set(failed["state"]) == {"done", "failed"}
    assert "diverged" in set(failed["reason"])


def test_dead_parameters_are_in_the_cost_table() -> None:
    frame = csv_read(cost_shown(study())).set_index("variant")
    assert frame.loc["residual_se", "dead"] == 1284
    assert frame.loc["residual_se", "dead_modules"] == "blocks.0.attention.2"


def test_a_spreadsheet_runs_no_name_as_a_formula() -> None:
    csv = effects_shown(STATES["hostile names"]()).csv()
    assert not re.search(r"(^|,)[=@]", csv, flags=re.MULTILINE)
    assert "'=1+1" in csv


def test_latex_escapes_what_latex_reads() -> None:
    table = Table("t", "c", (Column("variant", "a_b"),), (("50% & {x}_1^2\\~#$",),))
    body = table.latex().splitlines()[5]
    assert body == r"50\% \& \{x\}\_1\textasciicircum{}2\textbackslash{}\textasciitilde{}\#\$ \\"


def test_no_text_ends_a_row_of_latex_within() -> None:
    ends = "a\nb\rc\r\nd\x0be\x85f\u2028g"
    table = Table("t", "c", (Column("variant", "variant"), Column("x", "x")), ((ends, ends),))
    assert table.latex().splitlines()[5] == r"a b c  d e f g & a b c  d e f g \\"


def test_a_mark_is_a_word_on_paper_and_nothing_in_a_column_of_numbers() -> None:
    table = Table("t", "c", (Column("x", "x", kind="number"),), ((Mark("failed", "oom"),), (1.0,)))
    assert "failed" in table.latex()
    assert table.csv() == "x\n\n1\n"
    assert csv_read(table)["x"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("half", "decimals"), [(0.3, 2), (0.05, 2), (0.03, 2), (0.012, 3), (0.0042, 3), (1e-9, 4)]
)
def test_digits_follow_the_interval(half: float, decimals: int) -> None:
    assert justified_decimals([half], "dB") == decimals


def test_numbers_have_signs_minus_signs_and_no_negative_zero() -> None:
    assert fixed(1234.5, 1, signed=True) == "+1,234.5"
    assert shown(-0.5, 2) == "\N{MINUS SIGN}0.50"
    assert fixed(-0.001, 2, signed=True) == "0.00"


def test_a_score_is_of_the_studys_protocol() -> None:
    results = study({"plain": 0.0, "residual": 3.2})
    other = results.scores.assign(protocol="another", value=0.0)
    mixed = replace(results, scores=pd.concat([results.scores, other], ignore_index=True))
    assert set_scores(mixed) == set_scores(results)
    assert score_shown(mixed).rows == score_shown(results).rows
