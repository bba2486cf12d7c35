"""What registered datasets, degradations and augmentations must do.

A law takes slot and name of a part, and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import numpy as np

from srbench.core.errors import UserError
from srbench.core.registry import Laws, Slot

SCALES = (2, 3, 4)
SPLITS = ("train", "validate", "eval")


def names_its_images(slot: Slot, name: str) -> None:
    """A dataset names files that exist, each once, or says plainly what it needs."""
    for split in SPLITS:
        try:
            files = slot.parse(name).build()(split, 2)
        except UserError as error:
            assert name in str(error).lower(), f"fails without its name: {error}"
            continue
        assert len({f.name for f in files}) == len(files) > 0, "two images share a name"
        assert all(f.hr.is_file() for f in files), "a file is not there"


def degrades(slot: Slot, name: str) -> None:
    """HR becomes uint8 of its own size or of LR's, by the generator alone; HR is left alone."""
    for scale in SCALES:
        degrade = slot.parse(name).build()(scale)
        hr = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)
        kept = hr.copy()
        lr, again = (degrade(hr, np.random.default_rng(1)) for _ in range(2))
        assert lr.dtype == np.uint8, f"gives {lr.dtype}, not uint8"
        sizes = ((24, 36, 3), (24 // scale, 36 // scale, 3))
        assert lr.shape in sizes, f"gives {lr.shape} at x{scale}"
        assert (lr == again).all(), "draws from elsewhere than the generator"
        assert (hr == kept).all(), "changes its input"


def changes_both_patches_alike(slot: Slot, name: str) -> None:
    """An augmentation commutes with repeating pixels, and draws from the generator alone.

    One that `resamples` or smooths does so nearly, on an image without sharp edges.
    """
    augment = slot.parse(name).build()()
    exact = not getattr(augment, "resamples", False)
    y, x = np.mgrid[0:16, 0:16] / 16
    smooth = np.stack([127 + 90 * np.sin(6 * x), 127 + 90 * np.cos(5 * y), 200 * x * y], -1)
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    lr = noise if exact else smooth.astype(np.uint8)
    hr = lr.repeat(2, 0).repeat(2, 1)
    for seed in range(8):
        a, b = augment(lr.copy(), hr.copy(), np.random.default_rng(seed))
        assert a.shape == lr.shape and b.shape == hr.shape, "changes the size"
        assert a.dtype == b.dtype == np.uint8, f"gives {a.dtype} and {b.dtype}, not uint8"
        apart = np.abs(a.repeat(2, 0).repeat(2, 1).astype(float) - b).mean()
        assert apart <= (0 if exact else 8), f"LR is {apart:.1f} of 255 from HR"
        again, _ = augment(lr.copy(), hr.copy(), np.random.default_rng(seed))
        assert (a == again).all(), "draws from elsewhere than the generator"


LAWS: Laws = {
    "dataset": (names_its_images,),
    "degradation": (degrades,),
    "augmentation": (changes_both_patches_alike,),
}
