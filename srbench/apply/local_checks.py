"""What sets and weights at hand can check: fingerprints, LR files, published scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np

from srbench.apply.checks import Check, near
from srbench.apply.literature import BICUBIC, IMAGES, NETWORKS
from srbench.apply.scored import Asked, score
from srbench.core.errors import UserError
from srbench.core.slots import dataset
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.resizers import matlab_bicubic
from srbench.measure.metrics import luma, psnr
from srbench.measure.scores import bicubic_there_and_back

SCALES = (2, 3, 4)
PAPERS_DIGITS = 0.015  # dB: papers round to 0.01


def at_hand(
    sets: Sequence[str], weights: Path | None, device: str, say: Callable[[str], None]
) -> Iterator[Check]:
    """Check sets by name, then the published networks whose weights lie in a folder."""
    for name in sets:
        for scale in SCALES:
            say(f"{name} at x{scale}")
            found = _decoded(name, scale)
            if isinstance(found, Check):
                yield found
                break
            if scale == SCALES[0] and len(found.images) != IMAGES[name]:
                images = f"{len(found.images)} images"
                yield Check("sets", name, "differs", f"{IMAGES[name]} images", images)
            copy = [_fingerprint(name, found, scale), _lr_files(name, found, scale)]
            yield from copy
            other = any(check.state == "differs" for check in copy)
            for check in _networks(name, scale, weights, device, say):
                blamed = other and check.state == "wrong"
                yield replace(check, state="differs", note="see the set") if blamed else check


def _decoded(name: str, scale: int) -> Dataset | Check:
    try:
        return decode(dataset.parse(name).build()("eval", scale), name, "eval", scale)
    except UserError as error:
        said = str(error).partition(" (")[0]
        return Check("sets", name, "skipped", note=f"{said}; srbench datasets {name} tells more")


def _fingerprint(name: str, images: Dataset, scale: int) -> Check:
    """Bicubic by the papers' protocol tells which copy of a set this is."""
    expected = BICUBIC[name][SCALES.index(scale)]
    found = fingerprint(images, scale)
    off = found - expected
    near_enough = abs(off) <= PAPERS_DIGITS
    return Check(
        "sets",
        f"{name}: bicubic by the papers' way, x{scale}",
        "right" if near_enough else "differs",
        f"{expected:.2f}",
        f"{found:.4f}",
        "" if near_enough else f"{off:+.3f} dB: another copy of the set, or other images",
    )


def fingerprint(images: Dataset, scale: int) -> float:
    """Mean PSNR of Y of bicubic, in dB, by the papers' protocol."""
    return fmean(papers_bicubic(image, scale) for image in images.images)


def published_fingerprint(name: str, scale: int) -> float | None:
    """What the literature gives for a set of that name, in dB."""
    known = dict(zip(SCALES, BICUBIC.get(name, ()), strict=False))
    return known.get(scale)


def papers_bicubic(image: Image, scale: int) -> float:
    """PSNR of bicubic there and back, of Y alone; a grey image as it is, as MATLAB scripts do."""
    grey = bool((image.hr == image.hr[..., :1]).all())
    y = image.hr[..., 0].astype(np.float64) if grey else np.floor(luma(image.hr) + 0.5)
    back = bicubic_there_and_back(y, scale)
    inner = slice(scale, -scale)
    return psnr(back[inner, inner], y[inner, inner])


def _lr_files(name: str, images: Dataset, scale: int) -> Check:
    what = f"{name}: LR files are MATLAB's bicubic of HR, x{scale}"
    own = [image for image in images.images if image.lr is not None]
    if not own:
        return Check("sets", what, "skipped", note="the set has no LR files; MATLAB's is made")
    made = matlab_bicubic(scale)
    random = np.random.default_rng(0)
    wrong = [(made(image.hr, random) != image.lr).mean() for image in own]
    share = fmean(map(float, wrong))
    if share == 0:
        return Check("sets", what, "right", "every value", "every value")
    note = "they were made otherwise: scores of the literature need not come out"
    return Check("sets", what, "differs", "every value", f"{1 - share:.2%} of values", note)


def _networks(
    name: str, scale: int, weights: Path | None, device: str, say: Callable[[str], None]
) -> Iterator[Check]:
    for known in NETWORKS:
        if (name, scale) not in known.scores:
            continue
        what = f"{known.model} on {name}, x{scale}"
        file = None if weights is None else weights / known.file.format(s=scale)
        if file is None or not file.is_file():
            looked = f"{file} is not there" if file else "no folder of weights (--weights)"
            yield Check("weights", what, "skipped", note=looked)
            continue
        say(f"{what}")
        psnr_y, ssim_y = known.scores[name, scale]
        found = score(Asked(known.model, file, name, scale, device=device)).means
        digits = 5 if ssim_y != round(ssim_y, 4) else 4
        yield near("weights", f"{what}: PSNR of Y", psnr_y, found["psnr_y"], 1e-3)
        yield near("weights", f"{what}: SSIM of Y", ssim_y, found["ssim_y"], 1e-4, digits)
