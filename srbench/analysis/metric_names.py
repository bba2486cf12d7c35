"""What metrics are called in headings, and their units."""

from __future__ import annotations

import re

from srbench.analysis.claims_vocabulary import taken

METRIC_NAMES = {"psnr_y": "PSNR-Y", "psnr_rgb": "PSNR-RGB", "ssim_y": "SSIM-Y", "l1": "L1"}
METRIC_NAMES |= {"ssim_rgb": "SSIM-RGB", "ms_ssim": "MS-SSIM", "lpips": "LPIPS", "dists": "DISTS"}
METRIC_NAMES |= {"fid": "FID", "inception_score": "Inception Score", "clip_cosine": "CLIP cosine"}
METRIC_NAMES |= {"fid/weights=none": "FID of random features"}
METRIC_NAMES |= {"inception_score/weights=none": "Inception Score of random classes"}


def metric_name(metric: str) -> str:
    """The heading of a metric: PSNR-Y for psnr_y, PSNR-Y at x2 for psnr_y/x2, and diversity
    (noise 5) for diversity/noise=5."""
    own, slash, factor = metric.rpartition("/")
    if not re.fullmatch(r"x\d+", factor) or not slash:
        own, factor = metric, ""
    base, *given = re.split(r"/(?=[a-z_]+=)", own)
    said = ", ".join(one.replace("=", " ", 1) for one in given)
    name = METRIC_NAMES.get(own) or METRIC_NAMES.get(base, base) + (f" ({said})" if said else "")
    return name + (f" at {factor}" if factor else "")


def metric_unit(metric: str) -> str:
    """dB for the PSNRs, nothing for the rest."""
    return "dB" if taken(metric).startswith("psnr") else ""
