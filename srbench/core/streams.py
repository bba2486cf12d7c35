"""Named random streams: what makes two runs of one seed comparable.

Every draw is a function of (seed, salt, name, position), never of what was drawn before it.
So all variants of a seed see the same patches in the same order, and a killed run resumes at any
step with the same bits, without a stored generator state.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """The streams of one run. The names in use: init, order, crop, augment, degrade, noise,
    scale.

    `salt` is empty for ordinary runs; a control run sets it, so that all its draws differ.
    """

    seed: int
    salt: str = ""

    def key(self, name: str, *position: int | str) -> int:
        """128 bits that depend on seed, salt, name and position, and on nothing else."""
        text = "\x1f".join(("srbench", self.salt, str(self.seed), name, *map(str, position)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")

    def generator(self, name: str, *position: int | str) -> np.random.Generator:
        """A NumPy generator for one place in one stream."""
        return np.random.Generator(np.random.Philox(key=self.key(name, *position)))

    def torch_seed(self, name: str, *position: int | str) -> int:
        """A seed for torch's generators: 63 bits, not negative."""
        return self.key(name, *position) >> 65
