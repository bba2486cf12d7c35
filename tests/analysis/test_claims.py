"""Claims come out as the evidence says: supported, refuted, or honestly not decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_metrics import METRICS
from scipy import stats

from srbench.analysis.claims import ClaimResult, evaluate
from srbench.analysis.claims_evidence import Curve, Evidence
from srbench.analysis.claims_parser import parse
from srbench.analysis.claims_readings import Reading, RunShare

NOISE = (0.011, -0.008, 0.004, -0.013, 0.006)  # what seeds do to a difference


def study(shifts: Mapping[str, float], seeds: int = 5, spread: float = 1.0) -> Evidence:
    """PSNR of variants around a baseline `base`, with planted effects."""
    level = {s: 37.0 + 0.3 * np.sin(s) for s in range(seeds)}
    scores: dict[tuple[str, str, str], Mapping[int, float] | float] = {
        ("psnr_y", "base", "photos"): level
    }
    for k, (name, shift) in enumerate(shifts.items()):
        noise = np.roll(np.resize(NOISE, seeds), k) * spread
        scores["psnr_y", name, "photos"] = {s: level[s] + shift + noise[s] for s in level}
    return Evidence(
        "base",
        "psnr_y",
        "photos",
        ("base", *shifts),
        scores=scores,
        min_effects={"psnr_y": 0.03},
        metric_facts=METRICS,
    )


def held(text: str, evidence: Evidence) -> ClaimResult:
    return evaluate(parse(text), evidence)


def number(text: str, evidence: Evidence) -> Reading | RunShare:
    """What the one comparison of a claim measured."""
    [finding] = held(text, evidence).findings
    assert finding.contrast.reading is not None
    return finding.contrast.reading


@pytest.mark.parametrize(
    ("shift", "below", "near", "at_least"),
    [
        (-0.2, "supported", "refuted", "refuted"),
        (0.2, "refuted", "refuted", "supported"),
        (0.0, "refuted", "supported", "supported"),  # equivalence is shown
        (-0.028, "supported", "not decided", "refuted"),  # differs, and by how much is open
    ],
)
def test_planted_effects_come_out(shift: float, below: str, near: str, at_least: str) -> None:
    evidence = study({"v": shift})
    assert held("psnr_y(v) < psnr_y(base)", evidence).status == below
    assert held("psnr_y(base) > psnr_y(v)", evidence).status == below
    assert held("psnr_y(v) ≈ psnr_y(base)", evidence).status == near
    assert held("psnr_y(v) >= psnr_y(base)", evidence).status == at_least


def test_a_difference_that_is_merely_not_significant_is_not_decided() -> None:
    found = held("psnr_y(v) < psnr_y(base)", study({"v": -0.05}, spread=10))
    assert found.status == "not decided"
    assert "not significant" in found.sentence
    assert "more seeds" in found.sentence


def test_the_numbers_are_scipys() -> None:
    evidence = study({"v": -0.2})
    text = "psnr_y(v) < psnr_y(base)"
    a, b = (list(evidence.scores["psnr_y", v, "photos"].values()) for v in ("v", "base"))  # type: ignore[union-attr]
    expected = stats.ttest_rel(a, b)
    interval, found = expected.confidence_interval(), number(text, evidence)
    assert held(text, evidence).findings[0].p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert found.value == pytest.approx(expected._estimate)
    assert "dB (95 % interval" in held(text, evidence).sentence


def test_a_border_of_its_own_is_met_without_min_effect() -> None:
    evidence = study({"v": 0.2})
    assert held("psnr_y(v) - psnr_y(base) > 0.18 dB", evidence).status == "supported"
    assert held("psnr_y(v) - psnr_y(base) > 0.25 dB", evidence).status == "refuted"
    assert held("psnr_y(v) - psnr_y(base) > 0.2 dB", evidence).status == "not decided"
    assert held("psnr_y(v) - psnr_y(base) in [0.15, 0.25]", evidence).status == "supported"
    assert held("psnr_y(v) - psnr_y(base) in [0.3, 0.4]", evidence).status == "refuted"


def test_best_of_is_every_pairwise_contrast_after_holm() -> None:
    evidence = study({"a": 0.3, "b": 0.1, "c": 0.1})
    found = held("psnr_y(a) best of *", evidence)
    assert found.status == "supported"
    assert {f.contrast.text for f in found.findings} == {
        f"psnr_y(a) > psnr_y({other})" for other in ("base", "b", "c")
    }
    single = [held(f.contrast.text, evidence).findings[0].p for f in found.findings]
    _, holm, *_ = pytest.importorskip("statsmodels.stats.multitest").multipletests(
        single, method="holm"
    )
    assert [f.p for f in found.findings] == pytest.approx(list(holm))
    assert held("psnr_y(b) best of *", evidence).status == "refuted"
    assert held("psnr_y(base) worst of *", evidence).status == "supported"


def test_less_is_better_for_losses_and_costs() -> None:
    costs = {("params", "a"): 10.0, ("params", "b"): 20.0, ("params", "c"): 30.0}
    evidence = Evidence(variants=("a", "b", "c"), costs=costs)
    assert held("params(a) best of *", evidence).status == "supported"
    assert held("params(a) highest of *", evidence).status == "refuted"
    assert held("params(c) worst of (a, b)", evidence).status == "supported"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("params(a) = 964163", "supported"),
        ("params(a) = 964164", "refuted"),
        ("params(a) < params(b)", "supported"),
        ("params(b) <= params(a)", "refuted"),
        ("params(a) < params(a)", "refuted"),
        ("params(b) / params(a) in [2, 2]", "supported"),
        ("params(b) ≈ params(a) within 100 %", "supported"),
        ("params(b) ≈ params(a) within 99 %", "refuted"),
    ],
)
def test_exact_costs_decide_at_once(text: str, status: str) -> None:
    evidence = Evidence(costs={("params", "a"): 964163, ("params", "b"): 2 * 964163})
    found = held(text, evidence)
    assert found.status == status
    assert "exactly" in found.sentence


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_give_a_number_and_no_verdict(seeds: int) -> None:
    evidence = study({"v": -0.2}, seeds)
    for text in ("psnr_y(v) < psnr_y(base)", "psnr_y(v) ≈ psnr_y(base)"):
        assert held(text, evidence).status == "not decided"
        assert "a verdict needs 3" in held(text, evidence).sentence
        assert number(text, evidence).value == pytest.approx(-0.2, abs=0.02)


def test_failed_runs_leave_a_claim_open_and_are_named() -> None:
    evidence = replace(study({"v": -0.2}), gaps={"v": {3: "oom", 4: "diverged"}})
    found = held("psnr_y(v) < psnr_y(base)", evidence)
    assert found.status == "not decided"
    assert "v lacks seed 3 (oom), 4 (diverged)" in found.sentence
    exact = replace(evidence, costs={("params", "v"): 3, ("params", "base"): 4})
    assert held("params(v) < params(base)", exact).status == "supported"


def test_what_was_never_measured_is_said() -> None:
    found = held("psnr_y(v) < psnr_y(base) and loss(v, epoch=3) < 1", study({}))
    assert found.status == "not decided"
    assert "psnr_y(v) was not measured" in found.sentence
    assert "no curve of loss is stored for v" in found.sentence


def test_identical_runs_refute_a_difference_and_support_likeness() -> None:
    evidence = study({"v": 0.0}, spread=0)
    assert held("psnr_y(v) < psnr_y(base)", evidence).status == "refuted"
    assert held("psnr_y(v) ≈ psnr_y(base)", evidence).status == "supported"
    without = replace(evidence, min_effects={})
    assert "identical in every seed" in held("psnr_y(v) > psnr_y(base)", without).sentence


def test_seeds_that_change_nothing_decide_nothing() -> None:
    found = held("psnr_y(v) > psnr_y(base)", study({"v": 0.5}, spread=0))
    assert found.status == "not decided"
    assert "no spread" in found.sentence


@pytest.mark.parametrize(
    ("verdict", "above", "below", "near"),
    [
        ("helps", "supported", "refuted", "refuted"),
        ("equivalent", "refuted", "refuted", "supported"),
        ("unresolved", "not decided", "not decided", "not decided"),
    ],
)
def test_a_primary_contrast_takes_the_studys_verdict(
    verdict: str, above: str, below: str, near: str
) -> None:
    evidence = replace(study({"v": 0.2}), verdicts={"v": verdict})
    assert held("psnr_y(v) > psnr_y(base)", evidence).status == above
    assert held("psnr_y(v, photos) < psnr_y(base)", evidence).status == below
    assert held("psnr_y(v) ≈ psnr_y(base)", evidence).status == near
    assert "the study's verdict" in held("psnr_y(base) < psnr_y(v)", evidence).sentence
    other = held("psnr_y(v) - psnr_y(base) > 0.1 dB", evidence)  # a question of its own
    assert other.status == "supported"


def test_an_untrained_network_has_one_figure() -> None:
    evidence = study({"v": 0.0})
    scores = {**evidence.scores, ("psnr_y", "bicubic", "photos"): 33.0}
    found = held("psnr_y(v) > psnr_y(bicubic)", replace(evidence, scores=scores))
    assert found.status == "supported"
    assert "5 seeds" in found.sentence


TRUTH = {"yes": "supported", "no": "refuted", "open": "not decided"}
KLEENE = Evidence(events={("diverges", "yes"): (3, 3), ("diverges", "no"): (0, 3),
                          ("diverges", "open"): (1, 3)})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("diverges(yes)", "supported"),
        ("diverges(no)", "refuted"),
        ("diverges(open)", "not decided"),
        ("not diverges(no)", "supported"),
        ("not diverges(open)", "not decided"),
        ("diverges(yes) and diverges(open)", "not decided"),
        ("diverges(no) and diverges(open)", "refuted"),
        ("diverges(yes) or diverges(open)", "supported"),
        ("diverges(no) or diverges(open)", "not decided"),
        ("diverges(no) or diverges(no)", "refuted"),
        ("not (diverges(yes) and not diverges(no))", "refuted"),
    ],
)
def test_and_or_not_follow_kleene(text: str, status: str) -> None:
    assert held(text, KLEENE).status == status


def test_a_share_of_runs_has_its_exact_interval() -> None:
    expected = stats.binomtest(1, 3).proportion_ci(method="exact")
    assert number("diverges(open)", KLEENE).interval == pytest.approx((expected.low, expected.high))
    assert held("diverges(yes)", Evidence(events={("diverges", "yes"): (2, 2)})).status == (
        "not decided"
    )


def latencies(factor: float, rounds: int = 30) -> Evidence:
    rng = np.random.default_rng(2)
    base = {r: float(x) for r, x in enumerate(10 + 3 * rng.random(rounds))}  # the machine drifts
    slow = {r: x * factor * (1 + 0.01 * float(rng.normal())) for r, x in base.items()}
    return Evidence(rounds={("latency", "a"): slow, ("latency", "b"): base})


def test_latency_is_compared_round_by_round() -> None:
    text = "latency(a) / latency(b) in [1.1, 1.2]"
    assert held(text, latencies(1.15)).status == "supported"
    found = number(text, latencies(1.15))
    low, high = found.interval
    assert low < found.value < high < low + 0.02  # the ratio is free of the drift
    assert held("latency(a) < latency(b)", latencies(1.15)).status == "refuted"
    assert held("latency(a) ≈ latency(b) within 5 %", latencies(1.0)).status == "supported"
    assert held("latency(a) > latency(b)", latencies(1.15, rounds=9)).status == "not decided"


def curve(*values: float) -> Curve:
    return (range(1, len(values) + 1), values)


def test_curves_are_read_at_an_epoch_over_a_window_and_at_their_end() -> None:
    curves = {("loss", "a"): {s: curve(9, 6, 3 + d, 2 + d) for s, d in enumerate((0.0, 0.1, 0.2))}}
    evidence = Evidence(curves=curves)
    expected = {"epoch=2": 6.0, "epochs=1..2": 7.5, "last=2": 2.6, "epoch=4": 2.1}
    for window, value in expected.items():
        assert number(f"loss(a, {window}) > 0", evidence).value == pytest.approx(value)
    assert number("loss(a) > 0", evidence).value == pytest.approx(2.1)
    assert "no curve is that long" in held("loss(a, epoch=5) > 0", evidence).sentence


def test_a_level_that_is_never_reached_is_a_limit_and_proves_one_side_only() -> None:
    quick = {s: curve(9, 5, 1, 1, 1, 1) for s in range(3)}
    slow = {0: curve(9, 9, 9, 9, 9, 9), 1: curve(9, 9, 9, 9, 9, 1), 2: curve(9, 9, 9, 9, 1, 1)}
    evidence = Evidence(curves={("loss", "quick"): quick, ("loss", "slow"): slow})
    later = held("epochs_to(slow, loss=1) > epochs_to(quick, loss=1)", evidence)
    assert later.status == "supported"
    assert "a lower limit in 1 of 3 seeds" in later.sentence
    assert held("epochs_to(slow, loss=1) < 100", evidence).status == "not decided"
    both = held("epochs_to(slow, loss=0.1) > epochs_to(quick, loss=0.1)", evidence)
    assert "never reach" in both.sentence


def ranked(order: list[float], published: list[float]) -> Evidence:
    names = [f"v{i}" for i in range(len(order))]
    evidence = study(dict(zip(names, order, strict=True)))
    figures: dict[tuple[str, str, str], Mapping[int, float] | float] = {
        ("psnr_y", name, "photos"): x for name, x in zip(names, published, strict=True)
    }
    return replace(evidence, published=Evidence(dataset="photos", scores=figures))


def test_rank_agreement_is_spearmans_over_seeds() -> None:
    text = "rank agrees >= 0.8 with published"
    same = ranked([0, 1, 2, 3, 4], [3, 4, 5, 6, 7])
    assert (held(text, same).status, number(text, same).value) == ("supported", 1.0)
    assert held(text, ranked([0, 1, 2, 3], [4, 3, 2, 1])).status == "refuted"
    few = held(text, ranked([0, 1, 2], [1, 2, 3]))
    assert "3 variants have both figures; 4 are needed" in few.sentence


FIGURES = Evidence(
    dataset="photos",
    variants=("v", "w"),
    scores={("psnr_y", "v", "photos"): 37.3, ("psnr_y", "w", "Set5"): 37.0},
    curves={("loss", "v"): {0: ([1, 2], [0.5, 0.25])}},
    costs={("params", "v"): 964_163},
)


def test_ours_is_held_against_a_published_figure_within_min_effect() -> None:
    evidence = replace(study({"v": 0.2}), published=FIGURES)
    ours = float(np.mean(list(evidence.scores["psnr_y", "v", "photos"].values())))  # type: ignore[union-attr]
    for shift, relation, status in (
        (-1, ">", "supported"), (-1, "<", "refuted"), (1, ">", "refuted"), (1, "<", "supported"),
    ):  # fmt: skip
        figures = replace(FIGURES, scores={("psnr_y", "v", "photos"): ours + shift})
        text = f"psnr_y(v) {relation} published(psnr_y(v))"
        assert held(text, replace(evidence, published=figures)).status == status


def test_published_figures_alone_decide_at_once() -> None:
    evidence = replace(study({}), published=FIGURES)
    assert held("published(params(v)) = 964163", evidence).status == "supported"
    assert held("published(loss(v, epoch=1)) < published(loss(v))", evidence).status == "refuted"


def test_before_they_are_imported_nothing_is_decided_and_the_way_is_said() -> None:
    evidence = replace(study({"v": 0.2}), study="mine")
    for text in ("psnr_y(v) > published(psnr_y(v))", "rank agrees >= 0.5 with published"):
        found = held(text, evidence)
        assert found.status == "not decided"
        assert "srbench import FILE --study mine" in found.sentence


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("published(psnr_y(w))", "(of w: psnr_y(w, Set5))"),
        ("published(loss(v, epoch=9))", "(of v: epochs up to 2)"),
        ("published(psnr_y(vv))", "(did you mean 'v'?)"),
    ],
)
def test_a_published_figure_that_is_not_there_is_told_from_those_that_are(
    asked: str, said: str
) -> None:
    found = held(f"{asked} > 0", replace(study({}), published=FIGURES))
    assert found.status == "not decided"
    assert said in found.sentence


@given(st.floats(-0.2, 0.2), st.floats(0, 3), st.integers(3, 8))
@settings(max_examples=60, deadline=None)
def test_a_claim_and_its_negation_never_both_hold(shift: float, spread: float, seeds: int) -> None:
    evidence = study({"v": shift}, seeds, spread)
    for text in ("psnr_y(v) < psnr_y(base)", "psnr_y(v) ≈ psnr_y(base)",
                 "psnr_y(v) >= psnr_y(base)"):  # fmt: skip
        opposite = {"supported": "refuted", "refuted": "supported"}
        plain, negated = held(text, evidence).status, held(f"not {text}", evidence).status
        assert negated == opposite.get(plain, plain)
    below, above = (held(f"psnr_y(v) {s} psnr_y(base)", evidence).status for s in "<>")
    assert {below, above} != {"supported"}


def drawn(rng: np.random.Generator, means: Mapping[str, float], spread: float) -> Evidence:
    scores = {("psnr_y", v, "photos"): dict(enumerate(rng.normal(mean, spread, 5)))
              for v, mean in means.items()}  # fmt: skip
    return Evidence(
        "base",
        "psnr_y",
        "photos",
        scores=scores,
        min_effects={"psnr_y": 0.03},
        metric_facts=METRICS,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "means", "spread", "wrong"),
    [
        ("psnr_y(v) < psnr_y(base)", {"base": 0, "v": 0}, 1, {"supported", "refuted"}),
        ("psnr_y(v) best of (base, w)", {"base": 0, "v": 0, "w": 0}, 1, {"supported", "refuted"}),
        ("psnr_y(v) ≈ psnr_y(base)", {"base": 0, "v": 0.03}, 0.01, {"supported"}),
    ],
)
def test_a_claim_is_decided_wrongly_at_most_at_five_in_a_hundred(
    text: str, means: Mapping[str, float], spread: float, wrong: set[str]
) -> None:
    rng, test, trials = np.random.default_rng(3), parse(text), 2000
    found = [evaluate(test, drawn(rng, means, spread)).status for _ in range(trials)]
    share = sum(status in wrong for status in found) / trials
    assert share <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
