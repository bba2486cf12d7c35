"""Claims and published figures: status and numbers as planted, in table, page and terminal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import SOURCE, around, figures, planted
from rich.console import Console
from synthetic_study import csv_read

from srbench.analysis.answer import answer
from srbench.analysis.claims import claims_heading, claims_of, claims_shown, findings_shown
from srbench.analysis.published_comparison import (
    agreements,
    figure_pairs,
)
from srbench.analysis.results import Results
from srbench.report.curves import curves_figure
from srbench.report.figure_plotly import interactive
from srbench.report.published import agreements_shown, published_shown
from srbench.report.terminal import claims

ROWS = {
    "up": around(0.84, 0.05, 5),
    "same": around(0.004, 0.02, 5),
    "unclear": around(0.05, 0.12, 5),
    "wild": [float("nan")] * 5,
}


def claimed(*tests: str) -> Results:
    found = [{"id": f"A{i}", "says": f"claim {i}", "test": test} for i, test in enumerate(tests)]
    return planted(ROWS, claims=tuple(found))


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("psnr_y(up) > psnr_y(plain)", "supported"),
        ("psnr_y(wild) > psnr_y(plain)", "not decided"),
        ("psnr_y(up) > psnr_y(bicubic)", "supported"),
        ("ssim_y(up) > 0.1", "supported"),
        ("params(up) = 71400", "supported"),
        ("diverges(wild)", "supported"),
        ("converges(up)", "supported"),
        ("converges(wild)", "refuted"),
        ("loss(up, last=20) < 0.1", "supported"),
        ("psnr_y(up, epoch=60) > 20", "supported"),
        ("latency(up) < latency(plain)", "not decided"),
        ("psnr_y(up >", "not decided"),
    ],
)
def test_a_claim_comes_out_as_planted(test: str, status: str) -> None:
    [claim] = claims_of(claimed(test))
    assert claim.result.status == status, claim.result.sentence


def test_a_run_that_may_or_may_not_have_converged_leaves_the_claim_open() -> None:
    results = claimed("converges(up)", "converges(wild)")
    curves = results.curves
    mine = (curves["name"] == "validate/psnr_y") & (curves["variant"] == "up")
    lost = replace(results, curves=curves[~(mine & (curves["seed"] == 1))])
    noisy = curves.copy()
    noisy.loc[mine, "value"] += np.random.default_rng(5).normal(size=mine.sum())
    for found, why in (
        (lost, "in 4 of 4 runs"),
        (lost, "1 more run may do it or not"),
        (replace(results, curves=noisy), "no run of up shows whether it does"),
    ):
        up, wild = claims_of(found)
        assert (up.result.status, wild.result.status) == ("not decided", "refuted")
        assert why in up.result.sentence
    unfinished = {**ROWS, "up": [*ROWS["up"][:4], None]}
    test = {"id": "A", "says": "", "test": "converges(up)"}
    [claim] = claims_of(planted(unfinished, claims=(test,)))
    assert "1 more run may do it or not" in claim.result.sentence


def test_a_claim_on_a_primary_contrast_takes_its_verdict() -> None:
    [claim] = claims_of(claimed("psnr_y(up) > psnr_y(plain)"))
    assert "the study's verdict: helps" in claim.result.sentence


def test_a_missing_run_is_named_by_the_claim() -> None:
    [claim] = claims_of(claimed("ssim_y(wild) > 0.1"))
    assert "wild lacks seeds 0 to 4 (diverged)" in claim.result.sentence


def test_claims_stand_in_table_heading_and_terminal() -> None:
    results = claimed("psnr_y(up) > psnr_y(plain)", "psnr_y(unclear) > psnr_y(plain)")
    assert claims_heading(results) == "Of 2 claims: 1 supported and 1 not decided"
    assert csv_read(claims_shown(results))["status"].tolist() == ["supported", "not decided"]
    assert csv_read(findings_shown(results))["value"].tolist() == [0.84, 0.05]
    console = Console(width=160, record=True, quiet=False)
    with console.capture() as caught:
        console.print(claims(results))
    assert "supported" in caught.get()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_loses_nothing_of_what_a_claim_rests_on(width: int) -> None:
    test = "psnr_y(unclear) > 9 * psnr_y(up) - (published(psnr_y(unclear)) - published(psnr_y(up)))"
    says = "the larger initialisation helps past that interpolation"
    results = planted(ROWS, claims=({"id": "B7 source", "says": says, "test": test},))
    console = Console(width=width, record=True)
    with console.capture() as caught:
        console.print(claims(results))
    lines = caught.get().splitlines()
    heading = next(line for line in lines if "what it rests on" in line)
    place = heading.index("what it rests on")
    shown = "".join(line[place:] for line in lines[lines.index(heading) + 1 :]).replace(" ", "")
    assert shown == "".join(csv_read(claims_shown(results))["rests_on"]).replace(" ", "")


def test_a_study_without_claims_says_nothing_of_them() -> None:
    assert claims_of(planted(ROWS)) == ()
    assert claims_shown(planted(ROWS)).rows == ()


def published() -> Results:
    return planted(ROWS, published=figures(epochs=99))


def test_published_figures_stand_beside_ours_and_enter_no_effect() -> None:
    results = published()
    frame = csv_read(published_shown(results))
    assert set(frame["variant"]) == {"plain", "unclear", "same", "up"}
    counts = frame[frame["quantity"] == "params"].iloc[0]
    assert (counts["published"], counts["ours"], counts["difference"]) == (71_000, 71_400, 400)
    loss = frame[frame["quantity"] == "loss"].iloc[0]
    assert loss["epoch"] == "60"  # the last one that ours reaches
    assert frame[frame["quantity"] == "fid"]["ours"].isna().all()
    assert answer(results) == answer(replace(results, published=results.published.iloc[:0]))


def test_four_common_variants_give_a_rank_agreement() -> None:
    [(source, quantity, dataset, found)] = agreements(published())
    assert (source, quantity, dataset, found.items) == (SOURCE, "psnr_y", "photos", 4)
    [row] = csv_read(agreements_shown(published())).to_dict("records")
    assert (row["quantity"], row["dataset"]) == ("PSNR-Y", "photos")
    assert row["variants"] == 4
    assert row["correlation"] == pytest.approx(found.coefficient, abs=0.005)


def test_a_published_curve_is_drawn_as_another_kind_of_line() -> None:
    traces = [
        t
        for t in interactive(curves_figure(published(), "loss")).data
        if t.meta["kind"] == "published"
    ]
    assert [(t.meta["variant"], t.line.dash, SOURCE in t.name) for t in traces] == [
        ("up", "dash", True)
    ]


def test_nothing_published_leaves_no_trace() -> None:
    assert figure_pairs(planted(ROWS)) == ()
