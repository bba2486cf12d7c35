"""Facts of a few metrics, for rows that are made by hand: without the registry, and so torch."""

from __future__ import annotations

from dataclasses import asdict

from srbench.core.part_facts import MetricFacts

METRICS = {
    "psnr_y": MetricFacts("dB", "higher", "PSNR-Y", validate=True),
    "ssim_y": MetricFacts("", "higher", "SSIM-Y", validate=True),
    "psnr_rgb": MetricFacts("dB", "higher", "PSNR-RGB", validate=True),
    "ssim_rgb": MetricFacts("", "higher", "SSIM-RGB"),
    "l1": MetricFacts("", "lower", "L1"),
}
PLAIN_METRICS = {name: asdict(facts) for name, facts in METRICS.items()}
