"""Checks that need no files: values of MATLAB and BasicSR for made-up images, published counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from srbench.core.fused import fused
from srbench.core.slots import model
from srbench.data.resizers import matlab_bicubic
from srbench.measure.cost import HD_PIXELS, count_macs
from srbench.measure.forward import quantise
from srbench.measure.metrics import luma, psnr, ssim
from srbench.measure.scores import crop_border

COLOURS = {
    "black": ((0, 0, 0), 16.0),
    "white": ((255, 255, 255), 235.0),
    "red": ((255, 0, 0), 81.481),
    "green": ((0, 255, 0), 144.553),
    "blue": ((0, 0, 255), 40.966),
}
PAIR = {  # border: PSNR of Y and RGB, SSIM of Y and RGB, by BasicSR
    0: (35.31309, 33.95709, 0.976746, 0.983809),
    2: (35.46058, 34.10390, 0.976638, 0.983730),
    4: (35.42570, 34.06727, 0.976633, 0.983555),
}
RAMP_X3 = ((101, 136, 131, 132), (145, 117, 129, 139), (110, 138, 126, 119), (142, 119, 136, 154))
RAMP_X2 = (73, 143, 145, 143, 123, 126)  # first row
HALVES = (0.49, 0.5, 1.5, 2.5, 254.5, 255.4, 300.0, -3.0)  # of 255
COUNTS = {  # (network, scale): parameters that learn, MACs of a 1280x720 image in G
    ("carn_official", 2): (964_163, 222.83),
    ("carn_official", 3): (1_148_803, 118.80),
    ("carn_official", 4): (1_111_875, 90.88),
    ("carn_m", 2): (257_027, 91.18),
    ("carn_m", 4): (294_147, 32.49),
    ("pan", 2): (261_403, 70.52),
    ("pan", 3): (261_403, 39.05),
    ("pan", 4): (272_419, 28.16),
}


State = Literal["right", "wrong", "differs", "skipped"]


@dataclass(frozen=True)
class Check:
    """One comparison of a number made here with one that is known.

    state  right; wrong: srbench measures otherwise than the field; differs: the images found are
           not those of the literature; skipped: it could not be compared, and `note` says why
    """

    group: str
    what: str
    state: State
    expected: str = ""
    found: str = ""
    note: str = ""


def near(
    group: str, what: str, expected: float, found: float, within: float, digits: int = 4
) -> Check:
    """Right where two numbers agree; both may be infinite."""
    agree = expected == found or abs(expected - found) <= within
    return Check(
        group, what, "right" if agree else "wrong", f"{expected:.{digits}f}", f"{found:.{digits}f}"
    )


def same(group: str, what: str, expected: object, found: object) -> Check:
    """Right where two values are equal."""
    return Check(group, what, "right" if expected == found else "wrong", str(expected), str(found))


def oracles() -> Iterator[Check]:
    """Every check that needs nothing but this machine."""
    for name, (rgb, y) in COLOURS.items():  # BT.601 in its limited range
        yield near("colour", f"Y of {name}", y, luma(np.array([[rgb]], np.uint8)).item(), 5e-4, 3)
    yield from _pairs()
    rounded = tuple(quantise(np.array(HALVES) / 255).tolist())
    yield same("scores", "0..1 to 0..255, rounded", (0, 1, 2, 3, 255, 255, 255, 0), rounded)
    yield from _ramps()
    yield from _counts()


def _pairs() -> Iterator[Check]:
    """PSNR and SSIM of one made-up pair of 64x80 with three borders, and SSIM of a large one."""
    i, j = np.mgrid[0:64, 0:80]
    a = np.stack([(7 * i + 13 * j) % 256, (11 * i + 5 * j) % 256, (3 * i + 17 * j) % 256], -1)
    striped = np.clip(a + ((i * j) % 17 - 8)[..., None], 0, 255)
    for border, (y, rgb, ssim_y, ssim_rgb) in PAIR.items():
        one, other = (crop_border(x.astype(np.uint8), border) for x in (a, striped))
        of_y = luma(one), luma(other)
        of_rgb = one.astype(np.float64), other.astype(np.float64)
        at = f", border {border}"
        yield near("scores", f"PSNR of Y{at}", y, psnr(*of_y), 1e-4)
        yield near("scores", f"PSNR of RGB{at}", rgb, psnr(*of_rgb), 1e-4)
        yield near("scores", f"SSIM of Y{at}", ssim_y, ssim(*of_y), 1e-5, 5)
        yield near("scores", f"SSIM of RGB{at}", ssim_rgb, ssim(*of_rgb), 1e-5, 5)
    yield near("scores", "PSNR of equal images", math.inf, psnr(of_y[0], of_y[0]), 0)
    i, j = np.mgrid[0:512, 0:512]
    large = 127.5 + 80 * np.sin(i / 9) + 40 * np.cos(j / 5)
    noise = ((1103515245 * i + 12345 * j) % 64) - 32
    found = ssim(np.round(large), np.clip(np.round(large + noise), 0, 255))  # pooled: 0.9218
    yield near("scores", "SSIM of a large image, not pooled", 0.500178, found, 1e-6, 6)


def _ramps() -> Iterator[Check]:
    """MATLAB's imresize of uint8, which made the field's LR files."""
    i, j = np.mgrid[0:12, 0:12]
    ramp = np.repeat(((37 * i + 101 * j) % 256).astype(np.uint8)[..., None], 3, -1)
    random = np.random.default_rng(0)
    by3 = tuple(map(tuple, matlab_bicubic(3)(ramp, random)[..., 0].tolist()))
    yield same("bicubic", "MATLAB's bicubic of a ramp, x3", RAMP_X3, by3)
    by2 = tuple(matlab_bicubic(2)(ramp, random)[0, :, 0].tolist())
    yield same("bicubic", "the same, x2, first row", RAMP_X2, by2)
    floats = tuple(matlab_bicubic(2, precision="float")(ramp, random)[0, :2, 0].tolist())
    yield same("bicubic", "in floating point instead", (72, 142), floats)


def _counts() -> Iterator[Check]:
    """Published counts of published networks."""
    for (name, scale), (parameters, giga) in COUNTS.items():
        with torch.device("meta"):
            net = fused(model.parse(name).build()(scale))
        learnt = sum(p.numel() for p in net.parameters() if p.requires_grad)
        yield same("counts", f"parameters of {name}, x{scale}", f"{parameters:,}", f"{learnt:,}")
        macs = count_macs(net, 64)[0] / 64**2 * HD_PIXELS / scale**2 / 1e9
        yield near("counts", f"G MACs of {name} at 720p, x{scale}", giga, macs, 0.005001, 2)
