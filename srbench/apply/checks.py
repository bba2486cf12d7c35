"""`srbench verify`: made-up images always, sets and published weights where they are found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np

from srbench.apply.literature import BICUBIC, IMAGES, SCALES, SCORES, WEIGHTS
from srbench.apply.oracles import Check, near, oracles
from srbench.apply.scored import Asked, score
from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.numbers import without_infinite
from srbench.core.registry import known
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.known_sets import roots
from srbench.data.resizers import matlab_bicubic
from srbench.measure.metrics import luma, psnr
from srbench.measure.scores import bicubic_there_and_back

USUAL = ("set5", "set14")  # the others take minutes, and are checked where named
PAPERS_DIGITS = 0.015  # dB: papers round to 0.01


def everything(
    sets: Sequence[str] | None,
    weights: Path | None,
    device: str,
    say: Callable[[str], None] = lambda text: None,
) -> list[Check]:
    """All checks in order; `weights` is a folder, else the folder `weights` next to the sets.

    Raises:
        InputError: a set that the literature has no figures for, or no such folder.
    """
    slots.load()
    chosen = sets or USUAL
    for name in chosen:
        known(name, BICUBIC, "set with published figures")
    if weights is not None and not weights.is_dir():
        raise InputError(f"{weights} is not a folder of weights", place="--weights")
    folder = weights or next((w for r in roots() if (w := r / "weights").is_dir()), None)
    say("made-up images")
    return [*oracles(), *local_checks(chosen, folder, device, say)]


def local_checks(
    sets: Sequence[str], weights: Path | None, device: str, say: Callable[[str], None]
) -> Iterator[Check]:
    """Check sets by name, then the published networks whose weights lie in a folder."""
    for name in sets:
        for scale in SCALES:
            say(f"{name} at x{scale}")
            try:
                found = decode(
                    slots.dataset.parse(name).build()("eval", scale), name, "eval", scale
                )
            except UserError as error:
                problem = str(error).partition(" (")[0]
                note = f"{problem}; srbench datasets {name} tells more"
                yield Check("sets", name, "skipped", note=note)
                break
            if scale == SCALES[0] and len(found.images) != IMAGES[name]:
                count = f"{len(found.images)} images"
                yield Check("sets", name, "differs", f"{IMAGES[name]} images", count)
            of_set = [_fingerprint_check(name, found, scale), _lr_files(name, found, scale)]
            yield from of_set
            other = any(check.state == "differs" for check in of_set)
            for check in _networks(name, scale, weights, device, say):
                blamed = other and check.state == "wrong"
                yield replace(check, state="differs", note="see the set") if blamed else check


def _fingerprint_check(name: str, images: Dataset, scale: int) -> Check:
    expected, found = BICUBIC[name][SCALES.index(scale)], fingerprint(images, scale)
    what = f"{name}: bicubic by the papers' way, x{scale}"
    change = found - expected
    if abs(change) <= PAPERS_DIGITS:
        return Check("sets", what, "right", f"{expected:.2f}", f"{found:.4f}")
    note = f"{change:+.3f} dB: another copy of the set, or other images"
    return Check("sets", what, "differs", f"{expected:.2f}", f"{found:.4f}", note)


def fingerprint(images: Dataset, scale: int) -> float:
    """Mean PSNR of Y of bicubic, in dB, by the papers' protocol: it identifies a copy of a set.

    NaN where every image is within the border that the protocol leaves out.
    """
    large = [image for image in images.images if min(image.hr.shape[:2]) > 2 * scale]
    found = without_infinite(_papers_bicubic(image, scale) for image in large)
    return fmean(found) if large else math.nan


def published_fingerprint(name: str, scale: int) -> float | None:
    """The literature's fingerprint of a set of that name, in dB."""
    return dict(zip(SCALES, BICUBIC.get(name, ()), strict=False)).get(scale)


def _papers_bicubic(image: Image, scale: int) -> float:
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
    made, random = matlab_bicubic(scale), np.random.default_rng(0)
    share = fmean(float((made(image.hr, random) != image.lr).mean()) for image in own)
    if share == 0:
        return Check("sets", what, "right", "every value", "every value")
    note = "they were made in another way: scores may differ from the literature's"
    return Check("sets", what, "differs", "every value", f"{1 - share:.2%} of values", note)


def _networks(
    name: str, scale: int, weights: Path | None, device: str, say: Callable[[str], None]
) -> Iterator[Check]:
    for model, file_name in WEIGHTS.items():
        published = SCORES.get((model, name), {}).get(scale)
        if published is None:
            continue
        what = f"{model} on {name}, x{scale}"
        file = None if weights is None else weights / file_name.format(s=scale)
        if file is None or not file.is_file():
            note = f"{file} is not there" if file else "no folder of weights (--weights)"
            yield Check("weights", what, "skipped", note=note)
            continue
        say(what)
        psnr_y, ssim_y = published
        found = score(Asked(model, file, name, scale, device=device)).means
        digits = 5 if ssim_y != round(ssim_y, 4) else 4
        yield near("weights", f"{what}: PSNR of Y", psnr_y, found["psnr_y"], 1e-3)
        yield near("weights", f"{what}: SSIM of Y", ssim_y, found["ssim_y"], 1e-4, digits)
