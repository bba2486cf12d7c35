"""Simulated studies against the bounds of the method: do the verdicts err as rarely as they say?

    python benchmarks/calibration.py                    # 50,000 studies a setting, minutes
    python benchmarks/calibration.py --studies 2000     # a glance

Every study passes through srbench.analysis itself (the functions take leading axes). Prints each
figure with its Monte-Carlo error and its bound, and ends with 1 when a bound is broken. Settings
outside the bounds' promise (skewed or heavy-tailed differences) are shown and named, not judged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srbench.analysis.looks import Schedule, decide_looks, schedule
from srbench.analysis.power import detectable, equivalence_power, power
from srbench.analysis.significance import half_width, sample
from srbench.analysis.verdicts import Decisions, decide

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int, int]], Floats]

SEEDS = (3, 5, 8, 12, 20)
CONTRASTS = (1, 5, 15, 31)
PROMISED = 50_000  # studies from which on a bound is taken to the letter
CHUNK = 2_000_000  # numbers drawn at once
HUGE = 1e6  # min_effect beside which everything is small
TINY = 1e-6  # min_effect beside which nothing is


@dataclass(frozen=True)
class Figure:
    """One figure of the table. `bound` is what it may be, (low, high), or None: shown only."""

    what: str
    noise: str
    seeds: str
    contrasts: int
    value: float
    error: float  # Monte-Carlo standard error
    aim: float
    bound: tuple[float, float] | None

    def broken(self, studies: int) -> bool:
        """Whether the bound is broken: to the letter from 50,000 studies on, else by 3 errors."""
        if self.bound is None:
            return False
        slack = 0.0 if studies >= PROMISED else 3 * self.error
        return not self.bound[0] - slack <= self.value <= self.bound[1] + slack


def normal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Independent contrasts of one spread."""
    return rng.standard_normal(shape)


def unequal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Independent contrasts whose spreads go from 1 to 10."""
    return rng.standard_normal(shape) * np.geomspace(1.0, 10.0, shape[1])[:, None]


def shared(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """All contrasts share the baseline's runs: correlation 1/2."""
    studies, contrasts, seeds = shape
    baseline = rng.standard_normal((studies, 1, seeds))
    return (rng.standard_normal((studies, contrasts, seeds)) - baseline) / 2**0.5


def heavy(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Student's t with 3 degrees of freedom, spread 1."""
    found: Floats = rng.standard_t(3, shape) / 3**0.5
    return found


def skewed(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Exponential, mean taken out: a skewness of 2, spread 1."""
    return rng.standard_exponential(shape) - 1.0


PROMISE: dict[str, Draw] = {"normal": normal, "unequal spread": unequal, "shared baseline": shared}
BEYOND: dict[str, Draw] = {"heavy-tailed (t3)": heavy, "skewed (exponential)": skewed}


def mean(shares: Sequence[Floats]) -> tuple[float, float]:
    """Mean over studies and its Monte-Carlo error."""
    x = np.concatenate(shares)
    return float(x.mean()), float(x.std(ddof=1) / len(x) ** 0.5)


def chunks(draw: Draw, studies: int, contrasts: int, seeds: int, key: int) -> Iterator[Floats]:
    """The noise of `studies` studies (studies, contrasts, seeds), in pieces that fit in memory."""
    rng = np.random.default_rng([key, contrasts, seeds])
    step = max(1, CHUNK // (contrasts * seeds))
    for start in range(0, studies, step):
        yield draw(rng, (min(step, studies - start), contrasts, seeds))


def words(found: Decisions, *codes: int) -> NDArray[np.bool_]:
    """(studies, contrasts): which contrasts came out as one of these."""
    return np.isin(found.code, codes)


def fixed(name: str, draw: Draw, studies: int, m: int, n: int) -> Iterator[Figure]:
    """Coverage, family-wise error and false equivalence of a study with fixed seeds."""
    judged = name in PROMISE
    single, family, wrong, some_real, equal = [], [], [], [], []
    spread = np.geomspace(1.0, 10.0, m)[:, None] if draw is unequal else np.ones((m, 1))
    real = (np.arange(m) % 2 == 0)[:, None] * 3.0 * spread  # every other effect is large
    for x in chunks(draw, studies, m, n, 1):
        of = sample(x)
        single.append((np.abs(of.mean) <= half_width(of, 0.05)).mean(axis=1))
        family.append((np.abs(of.mean) <= half_width(of, 0.05 / m)).all(axis=1))
        wrong.append(words(decide(x, TINY, "higher"), 1, -1).any(axis=1))
        # Effects that lie exactly on the margin are not equivalent; nothing is easier to mistake.
        margin = 3.0  # in spreads of the contrast
        equal.append(words(decide(x / spread + margin, margin, "higher"), 2).any(axis=1))
        if m > 1:
            null = real[:, 0] == 0
            some_real.append(words(decide(x + real, TINY, "higher"), 1, -1)[:, null].any(axis=1))

    def figure(what: str, shares: list[Floats], aim: float, bound: tuple[float, float]) -> Figure:
        value, error = mean(shares)
        return Figure(what, name, str(n), m, value, error, aim, bound if judged else None)

    # The promise of the 95 % interval is for normal noise, each contrast by itself.
    yield figure("coverage, 95 % interval", single, 0.95, (0.94, 0.96))
    yield figure("coverage, simultaneous", family, 0.95, (0.94, 1.0))
    yield figure("family-wise error", wrong, 0.05, (0.0, 0.06))
    if some_real:
        yield figure("family-wise error, half real", some_real, 0.05, (0.0, 0.06))
    yield figure("false equivalent, on margin", equal, 0.05, (0.0, 0.06))


def powers(name: str, draw: Draw, studies: int, m: int, n: int) -> Iterator[Figure]:
    """Power to see one real effect, and to call an effect of zero equivalent, as predicted."""
    effect = detectable(1.0, n, m)
    margin = effect  # the same number of spreads serves as min_effect
    expected = equivalence_power(0.0, 1.0, n, margin, m)
    seen, equal = [], []
    for x in chunks(draw, studies, m, n, 2):
        x[:, 0] += effect
        seen.append(decide(x, TINY, "higher").p_holm[:, 0] <= 0.05)
        # For "equivalent" the other contrasts lie far outside, so that Holm's first step decides.
        x[:, 0] -= effect
        x[:, 1:] += 100.0
        equal.append(words(decide(x, margin, "higher"), 2)[:, 0])
    for what, shares, aim in (
        ("power, effect predicted 80 %", seen, power(effect, 1.0, n, m)),
        ("power, equivalent", equal, expected),
    ):
        value, error = mean(shares)
        bound = (aim - 0.01, aim + 0.01) if name in PROMISE else None
        yield Figure(what, name, str(n), m, value, error, aim, bound)


def first_words(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The code of the first look that decides, 0 where none does: (studies, contrasts)."""
    found = np.zeros_like(codes[0])
    for code in codes:
        found = np.where(found == 0, code, found)
    return found


def sequences(name: str, draw: Draw, studies: int, m: int, plan: Schedule) -> Iterator[Figure]:
    """Errors of seeds until decided, and whether the repeated intervals hold together."""
    wrong, equal, held, used = [], [], [], []
    margin = 2.0
    spread = np.geomspace(1.0, 10.0, m)[:, None] if draw is unequal else np.ones((m, 1))
    for x in chunks(draw, studies, m, plan.looks[-1], 3):
        x /= spread
        codes = first_words(decide_looks(x, TINY, "higher", plan))
        wrong.append(np.isin(codes, (1, -1)).any(axis=1))
        # Any look counts, also one that an earlier "helps" would have kept from being taken.
        equal.append((decide_looks(x + margin, margin, "higher", plan) == 2).any(axis=(0, 2)))
        inside = np.ones(x.shape[:2], bool)
        for seeds, level in zip(plan.looks, plan.different, strict=True):
            of = sample(x[..., :seeds])
            inside &= np.abs(of.mean) <= half_width(of, level)
        held.append(inside.all(axis=1))
        used.append(seeds_used(decide_looks(x + 1.5, 0.5, "higher", plan), plan).mean(axis=1))
    seeds = "-".join(str(n) for n in plan.looks)
    judged = name in PROMISE
    for what, shares, aim, bound in (
        ("sequential error", wrong, 0.05, (0.0, 0.06)),
        ("sequential false equivalent", equal, 0.05, (0.0, 0.06)),
        ("coverage, repeated intervals", held, 0.95, (0.94, 1.0)),
    ):
        value, error = mean(shares)
        yield Figure(what, name, seeds, m, value, error, aim, bound if judged else None)
    value, error = mean(used)
    yield Figure("seeds used, effect of 1.5 sd", name, seeds, m, value, error, np.nan, None)


def seeds_used(codes: NDArray[np.int64], plan: Schedule) -> Floats:
    """Seeds of the look that decided, or of the last: (studies, contrasts)."""
    found = np.full(codes.shape[1:], float(plan.looks[-1]))
    for seeds, code in reversed(list(zip(plan.looks, codes, strict=True))):
        found = np.where(code != 0, float(seeds), found)
    return found


def figures(
    studies: int, seeds: Sequence[int] = SEEDS, contrasts: Sequence[int] = CONTRASTS
) -> Iterator[Figure]:
    """Every figure of the table, setting after setting."""
    for name, draw in (PROMISE | BEYOND).items():
        for m in contrasts:
            if draw in (unequal, shared) and m == 1:
                continue  # the same as normal
            for n in seeds:
                yield from fixed(name, draw, studies, m, n)
                if draw is not unequal:
                    yield from powers(name, draw, studies, m, n)
            yield from sequences(name, draw, studies, m, schedule(m))


HEAD = (
    f"{'figure':<30}{'differences':<22}{'seeds':<13}{'m':>3}{'found':>9}{'MC error':>10}{'aim':>8}"
)


def line(figure: Figure, studies: int) -> str:
    """One line of the table."""
    if figure.bound is None:
        says = "shown"
    else:
        says = f"{figure.bound[0]:.3f}..{figure.bound[1]:.3f} "
        says += "BROKEN" if figure.broken(studies) else "held"
    aim = "" if np.isnan(figure.aim) else f"{figure.aim:.4f}"
    return (
        f"{figure.what:<30}{figure.noise:<22}{figure.seeds:<13}{figure.contrasts:>3}"
        f"{figure.value:>9.4f}{figure.error:>10.4f}{aim:>8}  {says}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--studies", type=int, default=PROMISED, help="simulated a setting")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--contrasts", type=int, nargs="+", default=CONTRASTS)
    given = parser.parse_args(arguments)
    studies = given.studies
    started = time.perf_counter()
    print(f"{studies} studies a setting\n{HEAD}  bound")
    broken: list[Figure] = []
    count = 0
    for figure in figures(studies, given.seeds, given.contrasts):
        print(line(figure, studies), flush=True)
        broken += [figure] if figure.broken(studies) else []
        count += 1
    print(f"{count} figures in {time.perf_counter() - started:.0f} s; {len(broken)} bounds broken")
    for figure in broken:
        print("broken: " + line(figure, studies))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
