"""Random studies to compare two implementations of the verdicts on, ordinary and nasty ones."""

import numpy as np

KINDS = [
    *4 * ["plain"], *3 * ["effect"], "wild", "outlier", "duplicate", "twin", "constant", "shift",
    "tiny_shift", "coarse", "float32",
]  # fmt: skip


def _row(rng, base, others, width, spread):
    """One variant's scores in units of about 1 (no offset), by a kind drawn at random."""
    kind = rng.choice(KINDS)
    fresh = rng.normal(0, spread, width)
    if kind == "effect":
        return fresh + rng.normal(0, 5) * spread
    if kind == "wild":
        return rng.normal(0, 10 ** rng.uniform(-2, 1), width)  # sd .01 to 10
    if kind == "outlier":
        fresh[rng.integers(width)] += rng.choice([-1, 1]) * rng.uniform(5, 50) * spread
        return fresh
    if kind == "duplicate":  # identical to the baseline
        return base.copy()
    if kind == "twin":  # identical to another variant, for the pairs
        return others[rng.integers(len(others))].copy() if others else base.copy()
    if kind == "constant":
        return np.full(width, rng.choice([0.0, rng.normal(), base[0]]))
    if kind == "shift":
        return base + rng.normal(0, 1)
    if kind == "tiny_shift":
        return base + rng.choice([-1e-6, 1e-6])
    if kind == "coarse":  # exact ties in some cells
        tied = rng.random(width) < 0.6
        return np.where(tied, base, fresh)
    if kind == "float32":  # marked here, rounded once scale and offset are in
        return base + rng.choice([0.0, 0.5])
    return fresh


def studies(count, seed):
    """Yields (scores, min_effect, higher, pairs, paired), `count` times, from one Generator."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        m = int(rng.integers(1, 13))
        n = int(rng.integers(2, 9))
        n0 = n if rng.random() < 0.5 else int(rng.integers(n, 3 * n + 1))
        spread = 10 ** rng.uniform(-2, 1) if rng.random() < 0.3 else 1.0
        base_spread = spread * (rng.choice([0.01, 4.0, 10.0]) if rng.random() < 0.2 else 1.0)
        base = rng.normal(0, base_spread, n0)
        if rng.random() < 0.05:
            base[:] = rng.choice([0.0, 1.0, -0.7])  # a baseline without spread
        if rng.random() < 0.1:
            base = np.round(base, 1)
        rows = []
        unequal = rng.random() < 0.3
        for _ in range(m):
            own = 10 ** rng.uniform(-2, 1) if unequal else spread
            rows.append(_row(rng, base, rows, n0, own))
        scores = np.vstack([base, *rows])

        scale = float(rng.choice([1.0, 1.0, 1.0, 1.0, 1e-6, 1e6]))
        offset = float(rng.choice([0.0, 30.0, 30.0]))
        scores = scores * scale + offset
        if rng.random() < 0.15:  # everything as a float32 gives it
            scores = scores.astype(np.float32).astype(float)
        elif rng.random() < 0.2:  # some rows only
            for k in np.flatnonzero(rng.random(m + 1) < 0.3):
                scores[k] = scores[k].astype(np.float32).astype(float)
        if rng.random() < 0.1:  # shifts of 1e-6 in the scores' own unit
            k = int(rng.integers(1, m + 1))
            scores[k] = scores[0] + rng.choice([-1e-6, 1e-6])

        scores[1:, n:] = np.nan  # the variants have the baseline's first n seeds
        if rng.random() < 0.5:
            scores[rng.random(scores.shape) < rng.uniform(0, 0.3)] = np.nan

        unit = spread * scale
        min_effect = [None, 0.1 * unit, 1.0 * unit, 5.0 * unit, 50.0 * unit][int(rng.integers(5))]
        pairs = ()
        if m >= 2 and rng.random() < 0.4:
            every = [(i, j) for i in range(1, m + 1) for j in range(1, m + 1) if i != j]
            taken, pairs = set(), []
            for at in rng.permutation(len(every))[: int(rng.integers(1, 4))]:
                i, j = every[at]
                if (min(i, j), max(i, j)) not in taken:  # never the same two rows twice
                    taken.add((min(i, j), max(i, j)))
                    pairs.append((i, j))
            pairs = tuple(pairs)
        yield scores, min_effect, bool(rng.random() < 0.6), pairs, bool(rng.random() < 0.25)
