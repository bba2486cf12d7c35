"""Simulated studies against the bounds of the method: do the verdicts err as rarely as they say?

    python benchmarks/calibration.py                    # 50,000 studies a setting, 1.5 hours
    python benchmarks/calibration.py --studies 2000     # minutes

Every study passes through srbench.analysis itself (the functions take leading axes). Prints each
figure with its Monte-Carlo error and its bound, and ends with 1 when a bound is broken. `old` is
the method before (as many seeds of the baseline, paired t tests), beside it. The ninth setting, a
seed that now and then fails on one side, cannot be held by a mean: it is shown, not judged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from srbench.analysis.looks import LOOKS, Schedule, each_look
from srbench.analysis.outliers import outliers
from srbench.analysis.power import baseline_seeds, detectable, equivalence_power, power
from srbench.analysis.significance import half_width
from srbench.analysis.verdicts import Rules, decide

Floats = NDArray[np.float64]
Shape = tuple[int, int, int]  # studies, contrasts, seeds of the baseline
Noise = Callable[[np.random.Generator, Shape], Floats]

SEEDS = (3, 5, 10)
CONTRASTS = (1, 3, 6, 31)
EFFECTS = (1.0, 2.0, 3.0, 5.0)
SD = 2**0.5  # of the difference of two runs: the unit of effects
PROMISED = 50_000  # studies from which on a bound is taken to the letter
CHUNK = 2_000_000  # numbers drawn at once
ALL_PAIRS = 6  # variants, up to which they are compared with each other as well
TINY = 1e-6  # min_effect beside which nothing is equivalent
ERROR, COVERED = (0.0, 0.06), (0.94, 1.0)
GOALS = {(3, 31, 3.0): 0.60, (5, 31, 3.0): 0.90, (3, 3, 3.0): 0.80}
"""Power that is asked for: seeds, contrasts, effect."""


def normal(rng: np.random.Generator, shape: Shape) -> Floats:
    """One spread, 1; (studies, 1 + contrasts, seeds), the baseline first, as all of these."""
    studies, contrasts, seeds = shape
    return rng.standard_normal((studies, 1 + contrasts, seeds))


def shared(rng: np.random.Generator, shape: Shape) -> Floats:
    """Half of the variance is the seed's, the same for all variants (ICC 0.5)."""
    seed = rng.standard_normal((shape[0], 1, shape[2]))
    return np.asarray((normal(rng, shape) + seed) / 2**0.5)


def unequal(rng: np.random.Generator, shape: Shape) -> Floats:
    """Variances from a scaled inverse chi-squared distribution with 4 degrees of freedom."""
    spread = np.sqrt(4 / rng.chisquare(4, (shape[0], 1 + shape[1], 1)))
    return np.asarray(normal(rng, shape) * spread)


def noisy_baseline(rng: np.random.Generator, shape: Shape) -> Floats:
    """The baseline's spread is 4."""
    return np.asarray(normal(rng, shape) * _spreads(shape, 4.0, 1.0))


def low_family(rng: np.random.Generator, shape: Shape, share: float = 0.5) -> Floats:
    """Half of the variants have a spread of 0.2."""
    spread = _spreads(shape, 1.0, 1.0)
    spread[1 : 1 + round(share * shape[1])] = 0.2
    return np.asarray(normal(rng, shape) * spread)


def mostly_low(rng: np.random.Generator, shape: Shape) -> Floats:
    """Three quarters of the variants have a spread of 0.2: the pool is far below the rest."""
    return low_family(rng, shape, 0.75)


def wild(rng: np.random.Generator, shape: Shape) -> Floats:
    """One variant in ten has a spread of 5."""
    is_wild = rng.random((shape[0], 1 + shape[1], 1)) < 0.1
    is_wild[:, 0] = False
    return np.asarray(normal(rng, shape) * np.where(is_wild, 5.0, 1.0))


def heavy(rng: np.random.Generator, shape: Shape) -> Floats:
    """Student's t with 3 degrees of freedom."""
    studies, contrasts, seeds = shape
    return np.asarray(rng.standard_t(3, (studies, 1 + contrasts, seeds)) / 3**0.5)


def skewed(rng: np.random.Generator, shape: Shape) -> Floats:
    """Exponential on both sides: a skewness of 2."""
    studies, contrasts, seeds = shape
    return np.asarray(rng.standard_exponential((studies, 1 + contrasts, seeds)) - 1.0)


def failing(rng: np.random.Generator, shape: Shape) -> Floats:
    """Of the variants' runs, one in twenty ends 10 spreads lower; means are equal all the same."""
    x = normal(rng, shape)
    fails = rng.random(x.shape) < 0.05
    fails[:, 0] = False
    return np.asarray(x - 10 * fails + np.where(np.arange(x.shape[1]) > 0, 0.5, 0.0)[:, None])


def _spreads(shape: Shape, baseline: float, variants: float) -> Floats:
    return np.array([baseline, *[variants] * shape[1]])[:, None]


EIGHT: dict[str, Noise] = {
    "equal": normal, "seeds shared": shared, "unequal": unequal, "noisy baseline": noisy_baseline,
    "half low": low_family, "one in ten wild": wild, "t with 3 df": heavy, "skewed": skewed,
}  # fmt: skip
SHOWN: dict[str, Noise] = {"three quarters low": mostly_low, "a seed fails": failing}


@dataclass(frozen=True)
class Figure:
    """One figure of the table. `bound` is what it may be, (low, high), or None: shown only."""

    what: str
    noise: str
    seeds: str
    contrasts: int
    value: float
    error: float  # Monte-Carlo standard error
    old: float  # of the method before, on the same studies; NaN where it has none
    bound: tuple[float, float] | None

    def broken(self, studies: int) -> bool:
        """Whether the bound is broken: to the letter from 50,000 studies on, else by 3 errors."""
        if self.bound is None:
            return False
        slack = 0.0 if studies >= PROMISED else 3 * self.error
        return not self.bound[0] - slack <= self.value <= self.bound[1] + slack


def mean(shares: Sequence[Floats]) -> tuple[float, float]:
    """Mean over studies and its Monte-Carlo error."""
    x = np.concatenate(shares).astype(np.float64)
    return float(x.mean()), float(x.std(ddof=1) / len(x) ** 0.5)


def studies_of(
    noise: Noise, studies: int, m: int, n: int, key: int
) -> Iterator[tuple[Floats, Floats]]:
    """Scores without effects, for the method (more seeds of the baseline) and for the old one."""
    rng, base = np.random.default_rng([key, m, n]), baseline_seeds(n, m)
    step = max(1, CHUNK // ((1 + m) * base))
    for start in range(0, studies, step):
        x = noise(rng, (min(step, studies - start), m, base))
        x[:, 1:, n:] = np.nan
        yield x, x[..., :n]


def errors(name: str, noise: Noise, studies: int, m: int, n: int) -> Iterator[Figure]:
    """Family-wise error, false equivalence and coverage of a study with fixed seeds."""
    found: dict[str, tuple[list[Floats], list[Floats]]] = {}
    real = np.where(np.arange(m + 1) % 2 == 1, 100.0, 0.0)[:, None]  # every other one
    null = np.arange(m) % 2 == 1
    on_margin = np.where(np.arange(m + 1) > 0, 3 * SD, 0.0)[:, None]

    def note(what: str, by_method: list[Floats]) -> None:
        both = found.setdefault(what, ([], []))
        for values, shares in zip(both, by_method, strict=True):
            values.append(shares)

    for both in studies_of(noise, studies, m, n, 1):
        rules = (Rules(TINY), Rules(TINY, paired=True))
        decided = [decide(x, rule) for x, rule in zip(both, rules, strict=True)]
        note("family-wise error", [_any(d.code, (1, -1)) for d in decided])
        note(
            "coverage, 95 % interval",
            [(np.abs(d.of.mean) <= half_width(d.of, 0.05)).mean(axis=1) for d in decided],
        )
        note(
            "coverage, simultaneous",
            [(np.abs(d.of.mean) <= half_width(d.of, 0.05 / m)).all(axis=1) for d in decided],
        )
        if m > 1:
            some = [decide(x + real, rule) for x, rule in zip(both, rules, strict=True)]
            note("family-wise error, half real", [_any(d.code[:, null], (1, -1)) for d in some])
            if m <= ALL_PAIRS:
                pairs = tuple(combinations(range(1, m + 1), 2))
                rules = (Rules(TINY, pairs=pairs), Rules(TINY, paired=True, pairs=pairs))
                every = [decide(x, rule) for x, rule in zip(both, rules, strict=True)]
                note("family-wise error, all pairs", [_any(d.code, (1, -1)) for d in every])
        rules = (Rules(3 * SD), Rules(3 * SD, paired=True))
        same = [decide(x + on_margin, rule) for x, rule in zip(both, rules, strict=True)]
        note("false equivalent, on margin", [_any(d.code, (2,)) for d in same])
    for what, (new, old) in found.items():
        value, error = mean(new)
        bound = COVERED if "coverage, sim" in what else None if "coverage" in what else ERROR
        judged = bound if name in EIGHT else None
        yield Figure(what, name, str(n), m, value, error, mean(old)[0], judged)


def _any(codes: NDArray[np.int64], wrong: tuple[int, ...]) -> Floats:
    return np.asarray(np.isin(codes, wrong).any(axis=1), dtype=np.float64)


def powers(studies: int, m: int, n: int) -> Iterator[Figure]:
    """Power to find one effect among null ones, and how well `power` predicts it."""
    for effect in EFFECTS:
        new, old, equal = [], [], []
        for x, before in studies_of(normal, studies, m, n, 2):
            for scores, rule, out in (
                (x.copy(), Rules(TINY), new), (before.copy(), Rules(TINY, paired=True), old),
            ):  # fmt: skip
                scores[:, 1] += effect * SD
                out.append(decide(scores, rule).p_holm[:, 0] <= 0.05)
            scores = x.copy()
            scores[:, 2:] += 100.0  # far outside, so that Holm's first step decides
            equal.append(decide(scores, Rules(effect * SD)).code[:, 0] == 2)
        value, error = mean(new)
        what = f"power at {effect:g} sd"
        goal = GOALS.get((n, m, effect))
        yield Figure(what, "equal", str(n), m, value, error, mean(old)[0], goal and (goal, 1.0))
        predicted = power(effect * SD, n, m)
        yield Figure(f"{what}, as predicted", "equal", str(n), m, value - predicted, error, np.nan,
                     (-0.03, 0.03))  # fmt: skip
        value, error = mean(equal)
        gap = value - equivalence_power(0.0, effect * SD, n, m)
        yield Figure(f"equivalent, min_effect {effect:g} sd", "equal", str(n), m, value, error,
                     np.nan, None)  # fmt: skip
        yield Figure("the same, as predicted", "equal", str(n), m, gap, error, np.nan,
                     (-0.03, 0.03))  # fmt: skip
    least = detectable(n, m) / SD
    yield Figure("detectable effect, sd", "equal", str(n), m, least, 0.0, np.nan, None)


def sequences(name: str, noise: Noise, studies: int, m: int) -> Iterator[Figure]:
    """Errors of seeds until decided, its repeated intervals, and how early it decides."""
    plan = Schedule(LOOKS, m)
    wrong, equal, held, early, used = [], [], [], [], []
    on_margin = np.where(np.arange(m + 1) > 0, 2 * SD, 0.0)[:, None]
    effect = np.where(np.arange(m + 1) == 1, 5 * SD, 0.0)[:, None]
    rng = np.random.default_rng([3, m])
    step = max(1, CHUNK // ((1 + m) * plan.baseline[-1]))
    for start in range(0, studies, step):
        x = noise(rng, (min(step, studies - start), m, plan.baseline[-1]))
        x[:, 1:, LOOKS[-1] :] = np.nan
        looks = each_look(x, Rules(TINY), plan)
        wrong.append(_any(looks[-1].code, (1, -1)))
        inside = np.stack([(np.abs(at.of.mean) <= at.half).all(axis=1) for at in looks])
        held.append(inside.all(axis=0).astype(np.float64))
        equal.append(_any(each_look(x + on_margin, Rules(2 * SD), plan)[-1].code, (2,)))
        codes = [at.code[:, 0] for at in each_look(x + effect, Rules(0.5 * SD), plan)]
        early.append((codes[1] == 1).astype(np.float64))
        seeds = np.full(len(x), float(LOOKS[-1]))
        for at, code in reversed(list(zip(LOOKS, codes, strict=True))):
            seeds = np.where(code != 0, float(at), seeds)
        used.append(seeds)
    judged = name in EIGHT
    for what, shares, bound in (
        ("looks: family-wise error", wrong, ERROR),
        ("looks: false equivalent", equal, ERROR),
        ("looks: repeated intervals", held, COVERED),
        ("looks: 5 sd by the second", early, (0.8, 1.0) if name == "equal" else None),
        ("looks: seeds for 5 sd", used, None),
    ):
        value, error = mean(shares)
        seeds_text = "-".join(map(str, LOOKS))
        yield Figure(what, name, seeds_text, m, value, error, np.nan, bound if judged else None)


def named(studies: int, m: int, n: int) -> Iterator[Figure]:
    """How often a run is named an outlier: where none is one, and the one that failed."""
    alarms, hits = [], []
    base = baseline_seeds(n, m)
    rng = np.random.default_rng([4, m, n])
    for _ in range(min(studies, 2000)):
        x = normal(rng, (1, m, base))[0]
        rows = {str(k): dict(enumerate(row[: base if k == 0 else n])) for k, row in enumerate(x)}
        alarms.append(bool(outliers(rows)))
        rows["1"][0] -= 10.0
        hits.append(("1", 0) in {(one.variant, one.seed) for one in outliers(rows)})
    for what, found, bound in (
        ("outlier named, there is none", alarms, ERROR), ("outlier of 10 sd named", hits, None),
    ):  # fmt: skip
        value, error = mean([np.array(found)])
        yield Figure(what, "equal", str(n), m, value, error, np.nan, bound)


def figures(
    studies: int, seeds: Sequence[int] = SEEDS, contrasts: Sequence[int] = CONTRASTS
) -> Iterator[Figure]:
    """Every figure of the table, setting after setting."""
    for m in contrasts:
        for n in seeds:
            yield from powers(studies, m, n)
            yield from named(studies, m, n)
    for name, noise in (EIGHT | SHOWN).items():
        for m in contrasts:
            for n in seeds:
                yield from errors(name, noise, studies, m, n)
            yield from sequences(name, noise, max(studies // 10, 200), m)


HEAD = f"{'figure':<32}{'runs':<20}{'seeds':<13}{'m':>3}{'found':>9}{'MC error':>10}{'old':>9}"


def line(figure: Figure, studies: int) -> str:
    """One line of the table."""
    if figure.bound is None:
        says = "shown"
    else:
        says = f"{figure.bound[0]:.2f}..{figure.bound[1]:.2f} "
        says += "BROKEN" if figure.broken(studies) else "held"
    old = "" if np.isnan(figure.old) else f"{figure.old:.4f}"
    return (
        f"{figure.what:<32}{figure.noise:<20}{figure.seeds:<13}{figure.contrasts:>3}"
        f"{figure.value:>9.4f}{figure.error:>10.4f}{old:>9}  {says}"
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
    print(f"{studies} studies a setting, a tenth for looks; sd is of the difference of two runs")
    print(f"{HEAD}  bound")
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
