"""Known answers: studies with planted effects, and a page that says exactly that."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest
from planted import FIVE, around, looking, planted
from rich.console import Console
from synthetic_study import csv_read

from srbench.analysis.answer import answer, warnings
from srbench.analysis.judgement import judgement
from srbench.analysis.limits import cannot_tell
from srbench.analysis.looks_taken import looks_differ, looks_heading
from srbench.analysis.results import Results
from srbench.analysis.verdict_sentences import opening
from srbench.report.effects import controls_shown, effects_shown
from srbench.report.forest import axis_ticks, forest_of
from srbench.report.looks import looks_shown
from srbench.report.markdown import effects_note
from srbench.report.page import page
from srbench.report.sections import sections_of
from srbench.report.terminal import summary


def said(results: Results) -> str:
    """The words of the page, tags, drawings and scripts left out."""
    html = page(results, sections_of(results), {}, plotly_js="beside")
    body = html[html.index("<main") : html.index("<script type=")]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body.replace("_<wbr>", "_"))).split())


def test_helps_hurts_equivalent_and_underpowered_are_said() -> None:
    words = said(planted(FIVE))
    assert (
        "up raises PSNR-Y on photos by 0.84 dB against plain (simultaneous 95 % interval 0.74 "
        "to 0.94; 5 seeds; p < 0.0001 after Holm over 4 contrasts), for 2 % more parameters and "
        "MACs."
    ) in words
    assert (
        "down hurts by 0.42 dB; same is equivalent within ±0.1 dB; unclear (+0.05 dB; "
        "about 26 more seeds would decide it if the effect is as estimated, 41 whatever it is) "
        "is unresolved."
    ) in words
    assert "Against plain: 1 helps, 1 hurts, 1 is equivalent and 1 is unresolved" in words


def test_the_verdict_is_a_word_and_a_shape() -> None:
    rows = {row.variant: (row.verdict, row.shape) for row in forest_of(planted(FIVE)).rows}
    assert rows == {
        "up": ("helps", "up"), "down": ("hurts", "down"), "same": ("equivalent", "square"),
        "unclear": ("unresolved", "ring"), "plain": ("baseline", "dot"),
    }  # fmt: skip


def test_a_variant_that_changes_nothing_is_identical_to_the_bit() -> None:
    results = planted({"twin": [0.0] * 5})
    assert "twin equals plain to the bit (5 seeds)" in said(results)
    assert csv_read(effects_shown(results))["verdict"].tolist() == ["identical"]


def test_a_diverged_variant_is_no_verdict_and_is_counted() -> None:
    results = planted({"up": FIVE["up"], "wild": [float("nan")] * 5})
    words = said(results)
    assert "Of 15 planned runs, 5 failed (diverged)." in words
    assert "Against plain: 1 helps and 1 without a verdict" in words
    table = effects_shown(results)
    assert (
        csv_read(table)["note"].tolist()[1]
        == "5 of 5 seeds missing: failed (diverged): seeds 0, 1, 2, 3, 4"
    )


def test_missing_cells_make_a_contrast_incomplete() -> None:
    results = planted({"up": [*FIVE["up"][:3], None, float("nan")]})
    words = said(results)
    assert "2 of 5 seeds missing: missing: seed 3; failed (diverged): seed 4" in words
    assert "Missing cells: up (2 of 5 seeds missing" in words


def test_missing_cells_still_count_in_the_family() -> None:
    lone = planted({"up": FIVE["up"], "gone": [None] * 5})
    row = judgement(lone).contrasts[0].verdict
    assert row.p_holm == pytest.approx(2 * row.p)


@pytest.mark.parametrize(
    ("name", "differences", "says"),
    [
        (
            "identity",
            around(0.5, 0.05, 5),
            "with other random numbers, helps",
        ),
        ("identity", [0.0] * 5, "identity equals the baseline to the bit"),
        ("broken", around(0.0, 0.02, 5), "broken, which is degraded deliberately, is equivalent"),
        ("broken", around(0.5, 0.02, 5), "broken, which is degraded deliberately, helps"),
    ],
)
def test_a_failed_control_is_said_at_the_top(
    name: str, differences: list[float], says: str
) -> None:
    results = planted({"up": FIVE["up"], name: differences}, controls=[name])
    words = said(results)
    assert words.index("control failed") < words.index("up raises")
    assert says in words


def test_controls_are_a_family_of_their_own_and_no_answer() -> None:
    controls = {"identity": around(0.01, 0.02, 5), "broken": around(-3.0, 0.1, 5)}
    results = planted({"up": FIVE["up"], **controls}, controls=list(controls))
    [row] = judgement(results).contrasts
    assert row.verdict.p_holm == row.verdict.p
    assert csv_read(controls_shown(results))["verdict"].tolist() == ["equivalent", "hurts"]
    assert not any(w.startswith("Control failed") for w in warnings(results))
    assert "identity" not in answer(results)
    assert [row.control for row in forest_of(results).rows] == [False, False, True, True]


def test_a_study_edited_after_results_says_so_first() -> None:
    results = planted(FIVE, later="min_effect was 0.3 dB")
    assert warnings(results)[0] == "Changed after results: min_effect was 0.3 dB."
    words = said(results)
    assert words.index("changed after results min_effect was") < words.index("up raises")


def test_a_lower_metric_helps_by_falling() -> None:
    results = planted({"up": FIVE["up"], "down": FIVE["down"]})
    scores = results.scores.copy()
    scores["metric"] = scores["metric"].replace("psnr_y", "l1")
    lower = replace(results, scores=scores, facts=replace(results.facts, metric="l1"))
    assert [row.word for row in judgement(lower).contrasts] == ["hurts", "helps"]
    assert answer(lower).startswith("down lowers L1 on photos by 0.42 against plain")


def test_a_sequential_study_shows_every_look_and_asks_for_seeds() -> None:
    results = looking()
    words = said(results)
    assert "1 of 3 contrasts decided; the next look is at 8" in words
    assert "clear raises PSNR-Y" in words
    assert "(repeated interval" in words
    assert "needed at this look" in words
    frame = csv_read(looks_shown(results))
    assert list(zip(frame["variant"], frame["look"], frame["verdict"], strict=True)) == [
        ("clear", 3, "helps"), ("lost", 3, "unresolved"), ("lost", 5, "unresolved"),
        ("open", 3, "unresolved"), ("open", 5, "unresolved"),
    ]  # fmt: skip


def test_a_decided_contrast_lacks_no_seeds() -> None:
    notes = csv_read(effects_shown(looking())).set_index("variant")["note"]
    assert notes["clear"] == ""
    assert notes["lost"] == "1 of 5 seeds missing: failed (diverged): seed 3"


def test_stored_looks_are_shown_as_they_were_taken() -> None:
    rows = [(3, "clear", 3, 0.5, 0.1, 0.9, 0.2, 0.01, 0.5, 0.01, "unresolved", "2030-01-02")]
    columns = list(looking().looks.columns)
    results = replace(looking(), looks=pd.DataFrame(rows, columns=columns))
    assert csv_read(looks_shown(results))["effect_db"].tolist() == [0.5]
    assert "clear at 3 seeds (unresolved then)" in looks_differ(results)
    assert looks_heading(results).startswith("1 of 3 contrasts decided")


def many() -> Results:
    rows = {f"up{i}": around(0.3 + 0.1 * i, 0.03, 5) for i in range(3)}
    rows |= {f"down{i}": around(-0.3 - 0.1 * i, 0.03, 5) for i in range(5)}
    rows |= {f"same{i}": around(0.001 * i, 0.01, 5) for i in range(4)}
    rows |= {f"open{i:02d}": around(0.09 * (-1) ** i, 0.06, 5) for i in range(20)}
    return planted(rows)


def test_many_variants_are_counted_by_verdict() -> None:
    first = answer(many())
    assert first.startswith("up2 raises PSNR-Y on photos by 0.50 dB")
    assert "up1 (+0.40 dB) and up0 (+0.30 dB) help too" in first
    assert "5 variants hurt, by 0.30 to 0.70 dB" in first
    assert "4 variants are equivalent within ±0.1 dB" in first
    assert "20 variants are unresolved" in first


def test_page_csv_latex_markdown_and_terminal_carry_the_same() -> None:
    results = planted(FIVE)
    table = effects_shown(results)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary(results))
    terminal, note = console.export_text(), effects_note(results)
    for row in table.rows:
        word, p = str(row[1]), table.cell(row[7], table.columns[7]).replace("\N{MINUS SIGN}", "-")
        for place in (table.csv(), table.latex(), note, terminal):
            line = next(
                x
                for x in place.splitlines()
                if re.match(rf"\W*{row[0]}\b.*{word}", x) and " is " not in x
            )
            plain = line.replace(" \\times 10^{-", "e-0").replace("\N{MINUS SIGN}", "-")
            assert re.search(rf"(?<!\d){p}(?!\d)", plain)


def test_the_answer_says_yes_only_where_every_contrast_does() -> None:
    assert opening("Does it help?", ["helps"]) == "Yes: "
    assert opening("Does it help?", ["helps", "hurts"]) == ""
    assert opening("Does it help?", ["hurts", "equivalent"]) == "No: "
    assert opening("Does it hurt?", ["hurts"]) == "Yes: "
    assert opening("Does it not help?", ["helps"]) == ""
    assert opening("Which block helps?", ["helps"]) == ""


def twinned() -> Results:
    rows = {"up": around(0.84, 0.05, 5), "up twin": around(0.30, 0.04, 5),
            "same": around(0.004, 0.02, 5), "same twin": around(0.004, 0.02, 5)}  # fmt: skip
    made = planted(rows)
    variants = made.variants.copy()
    is_twin = variants["variant"].str.endswith(" twin")
    variants.loc[is_twin, "role"] = "twin"
    variants.loc[is_twin, "change"] = "channels: 26, for the parameters of the variant"
    twins = {name: name.removesuffix(" twin") for name in variants.loc[is_twin, "variant"]}
    return replace(made, variants=variants, facts=replace(made.facts, twins=twins))


def test_a_variant_stands_beside_its_twin() -> None:
    words = said(twinned())
    assert (
        "up (71,400 parameters) minus its twin, plain with channels: 26 (72,800): +0.54 dB "
        "(95 % interval"
    ) in words
    assert "5 seeds); it gains more than its size explains." in words
    assert "they do not differ significantly: size alone may explain its effect." in words
    assert "Beside a network of the same size" not in said(planted(FIVE))
    console = Console(width=5000, record=True, file=io.StringIO())
    console.print(summary(twinned()))
    assert "(channels: 26, for the parameters of the variant) are the baseline at another" in (
        console.export_text()
    )


def test_limits_name_what_was_held_fixed() -> None:
    said = " ".join(cannot_tell(planted(FIVE)))
    for word in ("Seeds:", "Looks:", "Convergence:", "Ranking:", "Budget:", "Tuning:", "Images:",
                 "Outcome:", "Many contrasts:", "Controls: none"):  # fmt: skip
        assert word in said


def test_where_room_is_scarce_every_second_label_goes_but_not_of_three() -> None:
    six = axis_ticks(-0.25, 0.7)
    assert [t.label for t in six] == ["−0.2", "0", "+0.2", "+0.4", "+0.6"]
    assert [t.label for t in six if not t.minor] == ["0", "+0.4"]
    assert [(t.label, t.minor) for t in axis_ticks(-0.1, 1.1, 3)] == [
        ("0", False), ("+0.5", False), ("+1.0", False),
    ]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_narrow_terminal_leaves_columns_out_and_breaks_no_word(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(summary(planted(FIVE)))
    lines = console.export_text().splitlines()
    words = " ".join(lines).split()
    assert max(map(len, lines)) <= width
    assert {"unresolved", "equivalent", "effect,", "seeds", "−0.42"} <= set(words)
    assert ("+1,400" in words) == (width > 80)
