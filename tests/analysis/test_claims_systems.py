"""Every claim of this project's studies is decided by what it names, and by nothing less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srbench.analysis.claims import evaluate
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_parser import parse
from srbench.analysis.claims_readings import RunShare
from srbench.analysis.claims_tree import Test, names, quantities
from srbench.analysis.claims_vocabulary import COSTS, TIMINGS
from srbench.core import document

FILES = sorted((Path(__file__).parents[2] / "ablations").glob("*.yaml"))
CLAIMS = {
    f"{file.stem} {claim['id']}": claim["test"]
    for file in FILES
    for claim in document.read(file)[1].value.get("claims", [])
}
VARIANTS = ("full_v2_se", "one", "two", "three", "four")


def measured(test: Test, seeds: int = 5) -> Evidence:
    """Whatever the test asks for, drawn at random: only its presence matters."""
    rng = np.random.default_rng(1)
    variants = sorted({name.variant for name in names(test)} | set(VARIANTS))
    asked = {(q.name, q.dataset or "photos") for q in quantities(test)} | {("psnr_y", "photos")}
    curves = {q.reaching[0] if q.reaching else q.name for q in quantities(test)}
    shared = {
        "dataset": "photos",
        "variants": tuple(variants),
        "scores": {(name, v, dataset): dict(enumerate(rng.normal(1, 0.1, seeds)))
                   for name, dataset in sorted(asked) for v in variants},
        "curves": {(name, v): {s: (range(1, 1001), rng.normal(0.04, 0.01, 1000).tolist())
                               for s in range(seeds)}
                   for name in sorted(curves) for v in variants},
        "costs": {(cost, v): 10.0 + i for cost in COSTS for i, v in enumerate(variants)},
        "rounds": {(time, v): dict(enumerate(rng.normal(10, 0.1, 24)))
                   for time in TIMINGS for v in variants},
        "events": {(e, v): RunShare(5, 5) for e in ("diverges", "collapses", "converges")
                   for v in variants},
        "min_effects": {name: 0.03 for name, _ in asked},
    }  # fmt: skip
    return Evidence("psnr_y", published=Evidence(**shared), **shared)  # type: ignore[arg-type]


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_claim_names_is_all_that_it_needs(claim: str) -> None:
    test = parse(CLAIMS[claim])
    result = evaluate(test, measured(test))
    assert all(finding.reading for finding in result.findings), result.sentence
    before = evaluate(test, Evidence(variants=VARIANTS, metric="psnr_y"))
    assert before.status == "not decided"
    assert before.sentence


def test_the_studies_hold_every_claim_of_the_sources() -> None:
    """CARN variants A, residual learning B, SuperResNet C, perceptual losses D, SRResNet E."""
    ids = {claim.split()[1].rstrip("ab") for claim in CLAIMS}
    assert ids >= {f"{letter}{n}" for letter, last in zip("ABCDE", (15, 8, 3, 8, 6), strict=True)
                   for n in range(1, last + 1)}  # fmt: skip
