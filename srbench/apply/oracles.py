"""What needs no files: what MATLAB, BasicSR and published counts give for made-up images."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from srbench.apply.checks import Check, near, same
from srbench.core.slots import Image, model
from srbench.data.resizers import matlab_bicubic
from srbench.measure.cost import HD_PIXELS, count_macs
from srbench.measure.metrics import luma, psnr, ssim
from srbench.measure.scores import crop_border, quantise

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


def oracles() -> Iterator[Check]:
    """Every check that needs nothing but this machine."""
    yield from colours()
    yield from known_pair()
    yield large_ssim()
    yield rounding()
    yield from ramps()
    yield from counts()


def colours() -> Iterator[Check]:
    """Y of BT.601 in its limited range."""
    for name, (rgb, y) in COLOURS.items():
        found = luma(np.array([[rgb]], np.uint8)).item()
        yield near("colour", f"Y of {name}", y, found, 5e-4, 3)


def known_pair() -> Iterator[Check]:
    """PSNR and SSIM of one made-up pair, with three borders."""
    a, b = pair()
    for border, (y, rgb, ssim_y, ssim_rgb) in PAIR.items():
        one, other = (crop_border(image, border) for image in (a, b))
        at = f", border {border}"
        yield near("scores", f"PSNR of Y{at}", y, psnr(luma(one), luma(other)), 1e-4)
        flat_one, flat_other = one.astype(np.float64), other.astype(np.float64)
        yield near("scores", f"PSNR of RGB{at}", rgb, psnr(flat_one, flat_other), 1e-4)
        yield near("scores", f"SSIM of Y{at}", ssim_y, ssim(luma(one), luma(other)), 1e-5, 5)
        yield near("scores", f"SSIM of RGB{at}", ssim_rgb, ssim(flat_one, flat_other), 1e-5, 5)
    yield near("scores", "PSNR of equal images", math.inf, psnr(luma(a), luma(a)), 0)


def pair() -> tuple[Image, Image]:
    """Two images of 64x80, one the other with stripes of noise."""
    i, j = np.mgrid[0:64, 0:80]
    a = np.stack([(7 * i + 13 * j) % 256, (11 * i + 5 * j) % 256, (3 * i + 17 * j) % 256], -1)
    b = np.clip(a + ((i * j) % 17 - 8)[..., None], 0, 255)
    return a.astype(np.uint8), b.astype(np.uint8)


def large_ssim() -> Check:
    """SSIM that pools large images, as piq does unless told not to, gives 0.9218 here."""
    i, j = np.mgrid[0:512, 0:512]
    g = 127.5 + 80 * np.sin(i / 9) + 40 * np.cos(j / 5)
    n = ((1103515245 * i + 12345 * j) % 64) - 32
    found = ssim(np.round(g), np.clip(np.round(g + n), 0, 255))
    return near("scores", "SSIM of a large image, not pooled", 0.500178, found, 1e-6, 6)


def ramps() -> Iterator[Check]:
    """MATLAB's imresize of uint8, which made the field's LR files."""
    i, j = np.mgrid[0:12, 0:12]
    ramp = np.repeat(((37 * i + 101 * j) % 256).astype(np.uint8)[..., None], 3, -1)
    random = np.random.default_rng(0)
    by3 = matlab_bicubic(3)(ramp, random)[..., 0]
    yield same(
        "bicubic", "MATLAB's bicubic of a ramp, x3", RAMP_X3, tuple(map(tuple, by3.tolist()))
    )
    by2 = matlab_bicubic(2)(ramp, random)[0, :, 0]
    yield same("bicubic", "the same, x2, first row", RAMP_X2, tuple(by2.tolist()))
    floats = matlab_bicubic(2, precision="float")(ramp, random)[0, :2, 0]
    yield same("bicubic", "in floating point instead", (72, 142), tuple(floats.tolist()))


def rounding() -> Check:
    """Half up: never truncated, never to even."""
    values = np.array([0.49, 0.5, 1.5, 2.5, 254.5, 255.4, 300.0, -3.0]) / 255
    found = tuple(quantise(values).tolist())
    return same("scores", "0..1 to 0..255, rounded", (0, 1, 2, 3, 255, 255, 255, 0), found)


def counts() -> Iterator[Check]:
    """Published counts of published networks."""
    for (name, scale), (parameters, giga) in COUNTS.items():
        with torch.device("meta"):
            net = model.parse(name).build()(scale)
        learnt = sum(p.numel() for p in net.parameters() if p.requires_grad)
        yield same("counts", f"parameters of {name}, x{scale}", f"{parameters:,}", f"{learnt:,}")
        macs = count_macs(net, 64)[0] / 64**2 * HD_PIXELS / scale**2 / 1e9
        yield near("counts", f"G MACs of {name} at 720p, x{scale}", giga, macs, 0.005001, 2)
