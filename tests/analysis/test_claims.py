"""Claims follow from their evidence: supported, refuted, or not decided."""

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
from srbench.analysis.claims_readings import OfStudy, Reading, RunShare
from srbench.analysis.significance import holm

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
    assert finding.reading is not None
    return finding.reading


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


def judged(verdict: str, family: int = 1) -> Evidence:
    """A study that has judged v, 0.2 dB above its baseline, or below where it hurts."""
    mean = -0.2 if verdict == "hurts" else 0.2
    contrast = OfStudy("v", "base", verdict, mean, (mean - 0.1, mean + 0.1), 5)
    return replace(study({"v": 0.2}), contrasts={("v", "base"): contrast}, family=family)


def latencies(factor: float, rounds: int = 30) -> Evidence:
    rng = np.random.default_rng(2)
    base = {r: float(x) for r, x in enumerate(10 + 3 * rng.random(rounds))}  # the machine drifts
    slow = {r: x * factor * (1 + 0.01 * float(rng.normal())) for r, x in base.items()}
    return Evidence(rounds={("latency", "a"): slow, ("latency", "b"): base})


def ranked(order: list[float], published: list[float]) -> Evidence:
    names = [f"v{i}" for i in range(len(order))]
    figures: dict[tuple[str, str, str], Mapping[int, float] | float] = {
        ("psnr_y", name, "photos"): x for name, x in zip(names, published, strict=True)
    }
    evidence = study(dict(zip(names, order, strict=True)))
    return replace(evidence, published=Evidence(dataset="photos", scores=figures))


def curve(*values: float) -> Curve:
    return (range(1, len(values) + 1), values)


FIGURES = Evidence(
    dataset="photos",
    variants=("v", "w"),
    scores={("psnr_y", "v", "photos"): 37.3, ("psnr_y", "w", "Set5"): 37.0},
    curves={("loss", "v"): {0: ([1, 2], [0.5, 0.25])}},
    costs={("params", "v"): 964_163},
)
UNTRAINED = study({"v": 0.0})
QUICK = {s: curve(9, 5, 1, 1, 1, 1) for s in range(3)}
SLOW = {0: curve(9, 9, 9, 9, 9, 9), 1: curve(9, 9, 9, 9, 9, 1), 2: curve(9, 9, 9, 9, 1, 1)}
STUDIES = {
    "v is 0.2 dB above": replace(study({"v": 0.2}), study="mine"),
    "identical": study({"v": 0.0}, spread=0),
    "identical, no min_effect": replace(study({"v": 0.0}, spread=0), min_effects={}),
    "no spread": study({"v": 0.5}, spread=0),
    "untrained": replace(
        UNTRAINED, scores={**UNTRAINED.scores, ("psnr_y", "bicubic", "photos"): 33.0}
    ),
    "costs": Evidence(
        variants=("a", "b"), costs={("params", "a"): 964163, ("params", "b"): 2 * 964163}
    ),
    "events": Evidence(
        events={("diverges", name): RunShare(*runs) for name, runs in {
            "yes": (3, 3), "no": (0, 3), "open": (1, 3), "few": (2, 2),
            "all_known": (3, 3, 2), "none_known": (0, 3, 1), "unknown": (0, 0, 5)}.items()}
    ),
    "levels": Evidence(curves={("loss", "quick"): QUICK, ("loss", "slow"): SLOW}),
    "published": replace(study({}), published=FIGURES),
    "noisy": study({"v": -0.05}, spread=10),
    "gaps": replace(study({"v": -0.2}), gaps={"v": {3: "oom", 4: "diverged"}},
                    costs={("params", "v"): 3, ("params", "base"): 4}),
    "two seeds": study({"v": -0.2}, seeds=2),
    "helps": judged("helps"),
    "equivalent": judged("equivalent"),
    "unresolved": judged("unresolved"),
    "judged, a seed failed": replace(judged("helps"), gaps={"base": {3: "diverged"}}),
    "slower": latencies(1.15),
    "as fast": latencies(1.0),
    "few rounds": latencies(1.15, rounds=9),
    "same order": ranked([0, 1, 2, 3, 4], [3, 4, 5, 6, 7]),
    "other order": ranked([0, 1, 2, 3], [4, 3, 2, 1]),
    "few ranked": ranked([0, 1, 2], [1, 2, 3]),
}  # fmt: skip
YES, NO, OPEN = "supported", "refuted", "not decided"
CASES = [
    # a border that the claim names is met without min_effect
    ("v is 0.2 dB above", "psnr_y(v) - psnr_y(base) > 0.18 dB", YES, ""),
    ("v is 0.2 dB above", "psnr_y(v) - psnr_y(base) > 0.25 dB", NO, ""),
    ("v is 0.2 dB above", "psnr_y(v) - psnr_y(base) > 0.2 dB", OPEN, ""),
    ("v is 0.2 dB above", "psnr_y(v) - psnr_y(base) in [0.15, 0.25]", YES, ""),
    ("v is 0.2 dB above", "psnr_y(v) - psnr_y(base) in [0.3, 0.4]", NO, ""),
    ("noisy", "psnr_y(v) < psnr_y(base)", OPEN, "not significant"),
    ("two seeds", "psnr_y(v) < psnr_y(base)", OPEN, "2 seeds; a verdict needs 3"),
    ("two seeds", "psnr_y(v) ≈ psnr_y(base)", OPEN, "a verdict needs 3"),
    # a contrast of the study takes its verdict; another border is a question of its own
    ("helps", "psnr_y(v, photos) < psnr_y(base)", NO, "the study's verdict: helps"),
    ("helps", "psnr_y(v) ≈ psnr_y(base)", NO, "the study's verdict: helps"),
    ("equivalent", "psnr_y(v) ≈ psnr_y(base)", YES, ""),
    ("unresolved", "psnr_y(v) ≈ psnr_y(base)", OPEN, ""),
    ("unresolved", "psnr_y(v) - psnr_y(base) > 0.1 dB", YES, ""),
    # failed runs leave open what rests on them, unless the study has judged it
    ("gaps", "psnr_y(v) < psnr_y(base)", OPEN, "v lacks seed 3 (oom), 4 (diverged)"),
    ("gaps", "params(v) < params(base)", YES, ""),
    ("judged, a seed failed", "psnr_y(v) > psnr_y(base)", YES, ""),
    # times are compared round by round, so the ratio is free of the drift
    ("slower", "latency(a) / latency(b) in [1.14, 1.16]", YES, ""),
    ("slower", "latency(a) < latency(b)", NO, ""),
    ("as fast", "latency(a) ≈ latency(b) within 5 %", YES, ""),
    ("few rounds", "latency(a) > latency(b)", OPEN, "a verdict needs 20"),
    # a rank correlation is Spearman's over seeds
    ("same order", "rank agrees >= 0.8 with published", YES, "5 variants is 1 "),
    ("other order", "rank agrees >= 0.8 with published", NO, ""),
    (
        "few ranked",
        "rank agrees >= 0.8 with published",
        OPEN,
        "3 variants have both figures; 4 are",
    ),
    # costs are exact; fewer are better
    ("costs", "params(a) = 964163", YES, "exactly"),
    ("costs", "params(a) = 964164", NO, ""),
    ("costs", "params(b) <= params(a)", NO, ""),
    ("costs", "params(a) < params(a)", NO, ""),
    ("costs", "params(b) / params(a) in [2, 2]", YES, ""),
    ("costs", "params(a) - params(a) in [2, 3]", NO, "exactly"),
    ("costs", "params(b) ≈ params(a) within 100 %", YES, ""),
    ("costs", "params(b) ≈ params(a) within 99 %", NO, ""),
    ("costs", "params(a) best of *", YES, ""),
    ("costs", "params(a) highest of *", NO, ""),
    ("costs", "params(b) worst of (a)", YES, ""),
    # identical runs are equivalent; equal differences show no spread
    ("identical", "psnr_y(v) < psnr_y(base)", NO, ""),
    ("identical", "psnr_y(v) ≈ psnr_y(base)", YES, ""),
    ("identical, no min_effect", "psnr_y(v) > psnr_y(base)", NO, "identical in every seed"),
    ("no spread", "psnr_y(v) > psnr_y(base)", OPEN, "the spread over seeds is unknown"),
    # what was not measured is named
    ("identical", "psnr_y(x) < psnr_y(base)", OPEN, "psnr_y(x) was not measured"),
    ("identical", "loss(v, epoch=3) < 1", OPEN, "no curve of loss is stored for v"),
    # an untrained network has one figure
    ("untrained", "psnr_y(v) > psnr_y(bicubic)", YES, "5 seeds"),
    # Kleene's logic, on shares of runs
    ("events", "diverges(yes)", YES, ""),
    ("events", "diverges(no)", NO, ""),
    ("events", "diverges(open)", OPEN, "in some runs and not in others"),
    ("events", "diverges(few)", OPEN, "a verdict needs 3"),
    ("events", "diverges(all_known)", OPEN, "in 3 of 3 runs"),
    ("events", "diverges(all_known)", OPEN, "2 more runs may do it or not"),
    ("events", "diverges(none_known)", OPEN, "1 more run may do it or not"),
    ("events", "diverges(unknown)", OPEN, "no run of unknown shows whether it does"),
    ("events", "not diverges(no)", YES, ""),
    ("events", "not diverges(open)", OPEN, ""),
    ("events", "diverges(yes) and diverges(open)", OPEN, ""),
    ("events", "diverges(no) and diverges(open)", NO, ""),
    ("events", "diverges(yes) or diverges(open)", YES, ""),
    ("events", "diverges(no) or diverges(open)", OPEN, ""),
    ("events", "diverges(no) or diverges(no)", NO, ""),
    ("events", "not (diverges(yes) and not diverges(no))", NO, ""),
    # a level that a seed does not reach is a limit, which shows one side only
    ("levels", "epochs_to(slow, loss=1) > epochs_to(quick, loss=1)", YES, "lower limit in 1 of 3"),
    ("levels", "epochs_to(slow, loss=1) < 100", OPEN, ""),
    ("levels", "epochs_to(slow, loss=0.1) > epochs_to(quick, loss=0.1)", OPEN, "never reach"),
    # published figures decide once they are imported
    ("published", "published(params(v)) = 964163", YES, ""),
    ("published", "published(loss(v, epoch=1)) < published(loss(v))", NO, ""),
    ("published", "published(psnr_y(w)) > 0", OPEN, "(of w: psnr_y(w, Set5))"),
    ("published", "published(loss(v, epoch=9)) > 0", OPEN, "(of v: epochs up to 2)"),
    ("published", "published(psnr_y(vv)) > 0", OPEN, "(did you mean 'v'?)"),
    ("v is 0.2 dB above", "psnr_y(v) > published(psnr_y(v))", OPEN, "import FILE --study mine"),
    ("v is 0.2 dB above", "rank agrees >= 0.5 with published", OPEN, "import FILE --study mine"),
]


@pytest.mark.parametrize(("evidence", "text", "status", "words"), CASES)
def test_a_claim_comes_out_as_its_evidence_says(
    evidence: str, text: str, status: str, words: str
) -> None:
    found = held(text, STUDIES[evidence])
    assert found.status == status
    assert words in found.sentence


def test_a_share_of_runs_has_its_exact_interval() -> None:
    expected = stats.binomtest(1, 3).proportion_ci(method="exact")
    found = number("diverges(open)", STUDIES["events"]).interval
    assert found == pytest.approx((expected.low, expected.high))


def test_best_of_is_every_pairwise_contrast_after_holm() -> None:
    evidence = study({"a": 0.3, "b": 0.1, "c": 0.1})
    found = held("psnr_y(a) best of *", evidence)
    assert found.status == "supported"
    assert {f.text for f in found.findings} == {
        f"psnr_y(a) > psnr_y({other})" for other in ("base", "b", "c")
    }
    single = [held(f.text, evidence).findings[0].p for f in found.findings]
    assert [f.p for f in found.findings] == pytest.approx(holm(single).tolist())
    assert held("psnr_y(b) best of *", evidence).status == "refuted"
    assert held("psnr_y(base) worst of *", evidence).status == "supported"


@pytest.mark.parametrize(
    "test",
    [
        "psnr_y(v) > psnr_y(base)",
        "psnr_y(v) - psnr_y(base) > 0",
        "psnr_y(v) - psnr_y(base) > 0 dB",
        "0 < psnr_y(v) - psnr_y(base)",
        "0 > psnr_y(base) - psnr_y(v)",
        "2 * psnr_y(v) > psnr_y(base) * 2",
        "2 * (psnr_y(v) - psnr_y(base, photos)) > 0",
        "(psnr_y(v) - psnr_y(base)) / 4 > 0",
        "psnr_y(v) + 1 > 1 + psnr_y(base)",
        "psnr_y(v) / psnr_y(base) > 1",
        "1 < ratio(psnr_y(v), psnr_y(base))",
        "psnr_y(base) / psnr_y(v) < 1",
        "psnr_y(v) > psnr_y(base) + psnr_y(v) - psnr_y(v)",
    ],
)
def test_every_form_of_a_primary_contrast_takes_the_verdict(test: str) -> None:
    for verdict, status in (("helps", "supported"), ("unresolved", "not decided"),
                            ("hurts", "refuted"), ("equivalent", "refuted")):  # fmt: skip
        assert held(test, judged(verdict)).status == status


@pytest.mark.parametrize(
    "test", ["psnr_y(v) - psnr_y(base) in [0, 9]", "psnr_y(v) - psnr_y(base) > 0.01 dB",
             "psnr_y(v) > psnr_y(base) within 0.1 %"],
)  # fmt: skip
def test_another_border_is_corrected_for_all_contrasts_of_the_study(test: str) -> None:
    [alone], [of_ten] = (held(test, judged("unresolved", m)).findings for m in (1, 10))
    assert (of_ten.p, of_ten.p_inside) == (
        pytest.approx(min(1, 10 * alone.p)), pytest.approx(min(1, 10 * alone.p_inside))
    )  # fmt: skip


def test_curves_are_read_at_an_epoch_over_a_window_and_at_their_end() -> None:
    curves = {("loss", "a"): {s: curve(9, 6, 3 + d, 2 + d) for s, d in enumerate((0.0, 0.1, 0.2))}}
    evidence = Evidence(curves=curves)
    expected = {"epoch=2": 6.0, "epochs=1..2": 7.5, "last=2": 2.6, "epoch=4": 2.1}
    for window, value in expected.items():
        assert number(f"loss(a, {window}) > 0", evidence).value == pytest.approx(value)
    assert number("loss(a) > 0", evidence).value == pytest.approx(2.1)
    assert "no curve is that long" in held("loss(a, epoch=5) > 0", evidence).sentence


def test_ours_is_compared_with_a_published_figure_within_min_effect() -> None:
    evidence = replace(study({"v": 0.2}), published=FIGURES)
    ours = float(np.mean(list(evidence.scores["psnr_y", "v", "photos"].values())))  # type: ignore[union-attr]
    for shift, relation, status in (
        (-1, ">", "supported"), (-1, "<", "refuted"), (1, ">", "refuted"), (1, "<", "supported"),
    ):  # fmt: skip
        figures = replace(FIGURES, scores={("psnr_y", "v", "photos"): ours + shift})
        text = f"psnr_y(v) {relation} published(psnr_y(v))"
        assert held(text, replace(evidence, published=figures)).status == status


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
