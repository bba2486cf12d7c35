"""Every claim of the sources that srbench reproduces can be said, checked and decided.

The readings are ours where a source is vague; the studies' own files may choose others.
"""

from __future__ import annotations

import numpy as np
import pytest

from srbench.analysis.claims import evaluate
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_parser import parse
from srbench.analysis.claims_tree import Happens, Quantity, Rank, Test, names
from srbench.analysis.claims_vocabulary import Vocabulary, check

CLAIMS = {
    # CARN variants, 2019
    "A1": "loss(res_bilinear, last=25) best of * and params(res_bilinear) = params(full)",
    "A2": "loss(full, epochs=1..50) < loss(standard, epochs=1..50)",
    "A3": "psnr_y(standard_5) ≈ psnr_y(full)",
    "A4": "psnr_y(channels_128) > psnr_y(full) > psnr_y(channels_32) "
          "and macs(channels_128) / macs(full) > 2",
    "A4 published": "published(loss(channels_128, epoch=20)) < published(loss(full, epoch=20)) "
                    "and published(loss(channels_128, last=25)) > published(loss(full, last=25))",
    "A5": "not psnr_y(concat) > psnr_y(full)",
    "A6": "psnr_y(fullsize) < psnr_y(full)",
    "A7": "not psnr_y(double) > psnr_y(full) and not psnr_y(global_only) > psnr_y(full)",
    "A8": "psnr_y(spatial) ≈ psnr_y(full)",
    "A9": "psnr_y(atrous_121) < psnr_y(full)",
    "A10": "step_time(atrous_121) / step_time(full) in [1.1, 1.2]",
    "A11": "psnr_y(partial_121) < psnr_y(atrous_121) and converges(partial_121)",
    "A12": "not psnr_y(up_features) > psnr_y(full)",
    "A13": "psnr_y(group1) > psnr_y(full) and params(group1) / params(full) in [1.9, 2.3]",
    "A14": "step_time(group4) / step_time(res_bilinear) in [1.2, 1.4] "
           "and step_time(group1) / step_time(res_bilinear) ≈ "
           "published(step_time(group1)) / published(step_time(res_bilinear)) within 10 %",
    "A15": "rank of loss(*, last=25) agrees >= 0.8 with published",
    "counts": "params(standard) = 964163 and dead_params(full) = 225432",
    # basic against residual
    "B1": "psnr_y(lr_1e-3) best of (lr_1e-4, lr_1e-5, lr_1e-6) and diverges(lr_1e-2)",
    "B2": "psnr_y(residual, bilinear) > psnr_y(basic, bilinear) "
          "and psnr_y(residual, bicubic) > psnr_y(basic, bicubic)",
    "B3": "epochs_to(basic, loss=0.05) > epochs_to(residual, loss=0.05)",
    "B4": "psnr_y(bicubic_up, nearest) > psnr_y(basic, nearest) >= psnr_y(residual, nearest)",
    "B5": "loss(residual, epoch=5) ≈ loss(residual, epoch=35) within 5 % "
          "and loss(residual, epoch=35) ≈ published(l1(bilinear_up, bilinear)) within 10 %",
    "B6": "loss(residual, epoch=100) < loss(residual_small_init, epoch=100)",
    "B7": "psnr_y(basic, bicubic) > psnr_y(bicubic_up, bicubic) and "
          "psnr_y(basic, bicubic) - psnr_y(bicubic_up, bicubic) < "
          "psnr_y(basic, bilinear) - psnr_y(bicubic_up, bilinear)",
    "B8": "psnr_y(residual, bilinear) - psnr_y(residual, nearest) > "
          "psnr_y(basic, bilinear) - psnr_y(basic, nearest)",
    # SuperResNet family
    "C1": "psnr_y_large(res_blocks) - psnr_y_large(multi) > psnr_y(res_blocks) - psnr_y(multi) "
          "and psnr_y(res_blocks) > psnr_y(multi)",
    "C2": "psnr_y(dilated) > psnr_y(multi) and psnr_y_large(dilated) > psnr_y_large(multi)",
    "C3": "psnr_y(vgg) - psnr_y(multi) > 0.1 dB",
    # perceptual losses
    "D1": "psnr_y(bicubic_only, nearest) < psnr_y(nearest_up, nearest)",
    "D2": "psnr_y(random_of, nearest) > psnr_y(nearest_up, nearest) "
          "and psnr_y(random_of, nearest) > psnr_y(bicubic_only, nearest)",
    "D3": "grain(l1_only) > grain(l2_only)",
    "D4": "checkerboard(upsample_conv) < checkerboard(transposed)",
    "D5": "diversity(noise_2) > diversity(noise_1) and l1(noise_2) > l1(noise_1)",
    "D6": "loss(deep_relu) > loss(shallow) and loss(deep_swish) > loss(shallow) "
          "and loss(deep_leaky) > loss(shallow)",
    "D7": "loss(srcnn, last=5) > loss(perceptual, last=5) "
          "and loss(espcn, last=5) > loss(perceptual, last=5)",
    "D8": "l1(weight_l1) < l1(weight_ssim) and ssim_y(weight_l1) < ssim_y(weight_ssim)",
    # SRResNet and PAN
    "E1": "psnr_y(flips) > psnr_y(none) and psnr_y(rotation) < psnr_y(none) "
          "and psnr_y(crop) < psnr_y(none) and psnr_y(blur) < psnr_y(none) "
          "and psnr_y(jitter) ≈ psnr_y(none)",
    "E2": "sharpness(l1_only) > sharpness(mse_only)",
    "E3": "psnr_y(batch_1) best of (batch_4, batch_8, batch_16)",
    "E4": "psnr_y(pan) >= psnr_y(srresnet) and params(pan) / params(srresnet) < 0.25",
    "E5": "checkerboard(shuffle) < checkerboard(transposed) and macs(shuffle) < macs(transposed) "
          "and psnr_y(shuffle) > psnr_y(transposed)",
    "E6": "psnr_y(with_pa) > psnr_y(without_pa)",
    # baselines
    "F": "psnr_y(standard) > psnr_y(bicubic_up) > psnr_y(bilinear_up) > psnr_y(nearest_up)",
}  # fmt: skip
METRICS = (
    "psnr_y", "psnr_y_large", "ssim_y", "l1", "grain", "checkerboard", "diversity", "sharpness",
)  # fmt: skip
VARIANTS = tuple(
    sorted({n.variant for text in CLAIMS.values() for n in names(parse(text))} - {"*"})
)
VOCABULARY = Vocabulary(
    variants=VARIANTS,
    metrics=METRICS,
    datasets=("photos", "bilinear", "bicubic", "nearest"),
    published=VARIANTS,
    margins={"psnr_y": 0.03},
)


def measured(test: Test, seeds: int = 5) -> Evidence:
    """Whatever the test asks for, drawn at random: only that it is there matters."""
    rng = np.random.default_rng(1)
    seeded = {s: float(x) for s, x in enumerate(rng.normal(1, 0.1, seeds))}
    curve = {s: (range(1, 301), rng.normal(0.04, 0.01, 300).tolist()) for s in range(seeds)}
    rounds = {r: float(x) for r, x in enumerate(rng.normal(10, 0.1, 24))}
    shared = {
        "variants": VARIANTS,
        "scores": {(m, v, d): {s: x + rng.normal() for s, x in seeded.items()}
                   for m in METRICS for v in VARIANTS for d in VOCABULARY.datasets},
        "curves": {("loss", v): {s: (e, [y + 0.001 * i for y in ys])
                                 for s, (e, ys) in curve.items()}
                   for i, v in enumerate(VARIANTS)},
        "costs": {(c, v): 10 + i for c in VOCABULARY.costs for i, v in enumerate(VARIANTS)},
        "rounds": {(t, v): rounds for t in VOCABULARY.timings for v in VARIANTS},
        "events": {(e, v): (5, 5) for e in ("diverges", "converges") for v in VARIANTS},
    }  # fmt: skip
    common = {"baseline": "full", "metric": "psnr_y", "dataset": "photos"}
    return Evidence(**common, **shared, margins={"psnr_y": 0.03},
                    published=Evidence(**common, **shared))  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_the_sources_can_be_said_and_decided(claim: str) -> None:
    test = parse(CLAIMS[claim])
    check(test, VOCABULARY)
    assert parse(str(test)) == test
    result = evaluate(test, measured(test))
    assert all(np.isfinite(finding.value) for finding in result.findings), result.sentence
    assert result.status in ("supported", "refuted", "not decided")


@pytest.mark.parametrize("claim", CLAIMS)
def test_nothing_is_decided_before_anything_is_measured(claim: str) -> None:
    result = evaluate(parse(CLAIMS[claim]), Evidence(variants=VARIANTS, metric="psnr_y"))
    assert result.status == "not decided"
    assert result.sentence


def test_every_letter_of_the_sources_is_here() -> None:
    expected = {f"{letter}{n}" for letter, last in zip("ABCDE", (15, 8, 3, 8, 6), strict=True)
                for n in range(1, last + 1)}  # fmt: skip
    assert expected <= CLAIMS.keys()


def test_names_finds_what_a_test_speaks_of() -> None:
    text = "not diverges(a) and rank of loss(*, last=2) agrees >= 0 with published"
    found = list(names(parse(text)))
    assert [type(n) for n in found] == [Happens, Quantity]
    assert isinstance(parse("rank agrees >= 0 with published"), Rank)
