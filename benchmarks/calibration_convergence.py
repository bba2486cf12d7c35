"""Simulated curves against the goals of "converged?": how often is each of its answers given?

    python benchmarks/calibration_convergence.py                  # 4,000 studies a setting, minutes
    python benchmarks/calibration_convergence.py --studies 500    # a glance

Curves approach their limits exponentially, with autocorrelated noise. *To come* is what another
third of training would bring; it, and the noise, are in units of `min_effect`. Each line gives the
worst of eight speeds, from a tenth of the gain in each further third to nearly all of it. Every
study passes through srbench.analysis.plateaus itself. Prints each share with its Monte-Carlo error
and the goal, and ends with 1 when a goal is broken within the promise: 10 validations or more, 3
seeds or more, 4 variants or more, noise up to 0.4. Outside it (fewer of these, more noise, single
runs, other shapes) the table names the goals that are missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from srbench.analysis.plateaus import Gains, Plateaus, gains, plateaus_of_runs, plateaus_of_variants

Floats = NDArray[np.float64]
Judge = Callable[[Gains, float], Plateaus]

STUDIES = 4_000
SPEEDS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)  # gain of a third over that of the third before
ANSWERS = ("converged", "still moving", "not known")


@dataclass(frozen=True)
class Setting:
    """How curves were measured: validations, seeds, variants, and the noise of a validation."""

    points: int = 10
    seeds: int = 3
    variants: int = 4
    correlation: float = 0.0  # of the noise of neighbouring validations
    noise: float = 0.4

    def __str__(self) -> str:
        return (
            f"{self.points:>5}{self.seeds:>6}{self.variants:>9}"
            f"{self.correlation:>6.1f}{self.noise:>7.1f}"
        )


@dataclass(frozen=True)
class Goal:
    """A share that an answer must have, at least or at most, where so much is to come."""

    answer: str
    to_come: float
    least: float = 0.0
    most: float = 1.0

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.least else f"<= {self.most:g}"


CONVERGED = Goal("converged", 0.35, least=0.75)
FALSELY_CONVERGED = Goal("converged", 1.0, most=0.05)
FALSELY_MOVING = Goal("still moving", 0.35, most=0.05)
MOVING = Goal("still moving", 1.7, least=0.95)
GOALS = (Goal("converged", 0.0, least=0.75), CONVERGED, FALSELY_CONVERGED, FALSELY_MOVING, MOVING)
TEN = Setting()
PROMISED = (
    *(replace(TEN, variants=v, correlation=r) for v in (4, 10) for r in (0.0, 0.3, 0.6)),
    replace(TEN, noise=0.2),
    replace(TEN, seeds=5, correlation=0.3),
    replace(TEN, points=20, correlation=0.3),
    replace(TEN, points=40, correlation=0.3),
    replace(TEN, points=100, correlation=0.6),
)
SHOWN = (
    replace(TEN, variants=2),
    replace(TEN, variants=2, correlation=0.6),
    replace(TEN, variants=1),
    replace(TEN, points=6),
    replace(TEN, noise=0.8),
    replace(TEN, seeds=1, noise=0.2),
    replace(TEN, seeds=1, noise=0.2, correlation=0.6),
    replace(TEN, seeds=1),
    replace(TEN, seeds=1, points=100, correlation=0.6),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: the shares of the three answers, and the goal of one of them."""

    setting: Setting
    what: str
    shares: dict[str, float]
    errors: dict[str, float]  # Monte-Carlo standard errors
    goal: Goal
    promised: bool

    def missed(self) -> bool:
        """Whether the goal is missed by more than 2 errors."""
        share = self.shares[self.goal.answer]
        slack = 2 * self.errors[self.goal.answer]
        return not self.goal.least - slack <= share <= self.goal.most + slack

    def broken(self) -> bool:
        """Whether a promise is broken."""
        return self.promised and self.missed()

    def __str__(self) -> str:
        shares = "".join(f"{share:>14.3f}" for share in self.shares.values())
        error = f"{self.errors[self.goal.answer]:>9.4f}"
        words = (
            ("held", "BROKEN") if self.promised else ("met, not promised", "not met, not promised")
        )
        says = f"{self.goal.answer} {self.goal} {words[self.missed()]}"
        return f"{self.setting}  {self.what:<38}{shares}{error}  {says}"


def noisy(rng: np.random.Generator, studies: int, truth: Floats, setting: Setting) -> Floats:
    """Curves (studies, variants, seeds, points) around the truth (variants, points)."""
    points = setting.points
    noise = rng.standard_normal((studies, len(truth), setting.seeds, points))
    r = setting.correlation
    for k in range(1, points):
        noise[..., k] = r * noise[..., k - 1] + (1 - r * r) ** 0.5 * noise[..., k]
    found: Floats = truth[:, None, :] + setting.noise * noise
    return found


def thirds(points: int) -> Floats:
    """When each validation was taken, in thirds of training: up to 3."""
    return np.arange(1, points + 1) / points * 3


def approach(to_come: float, speed: float, points: int) -> Floats:
    """An exponential whose gain in another third is `to_come`: (points,)."""
    found: Floats = -to_come / (1 - speed) * speed ** (thirds(points) - 3)
    return found


def answers(state: NDArray[np.str_]) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the three answers in (studies, variants, ...), and their Monte-Carlo errors.

    The variants of one study are not independent, so the error is that of means by study.
    """
    flat = state.reshape(len(state), -1)
    shares = {answer: (flat == answer).mean(axis=1) for answer in ANSWERS}
    return (
        {answer: float(share.mean()) for answer, share in shares.items()},
        {answer: float(share.std() / len(flat) ** 0.5) for answer, share in shares.items()},
    )


def worst(
    studies: int, setting: Setting, goal: Goal, promised: bool, judge: Judge = plateaus_of_variants
) -> Row:
    """The speed at which the goal's answer is most often, or least often, given."""
    best: Row | None = None
    sign = 1 if goal.least else -1
    for speed in SPEEDS:
        rng = np.random.default_rng([round(100 * speed), round(100 * goal.to_come)])
        truth = np.tile(approach(goal.to_come, speed, setting.points), (setting.variants, 1))
        state = judge(gains(noisy(rng, studies, truth, setting)), 1.0).state
        what = f"{goal.to_come:g} to come, speed {speed:g}"
        what += ", single runs" if judge is plateaus_of_runs else ""
        row = Row(setting, what, *answers(state), goal, promised)
        if best is None or sign * row.shares[goal.answer] < sign * best.shares[goal.answer]:
            best = row
        if goal.to_come == 0:
            break
    assert best is not None
    return best


def mixed(studies: int) -> Iterator[Row]:
    """Studies of two kinds of variants; unequal speed and unequal noise are not promised."""
    rng = np.random.default_rng(7)
    few, much, some, none = (0.35, 0.7), (1.7, 0.7), (1.0, 0.7), (0.0, 0.7)
    for kind, beside, goal, promised in (
        (few, much, CONVERGED, True),
        (much, few, MOVING, True),
        (some, none, FALSELY_CONVERGED, True),
        ((0.35, 0.5), (0.35, 0.9), CONVERGED, False),
        ((0.35, 0.9), (0.35, 0.5), CONVERGED, False),
        ((1.0, 0.9), (1.0, 0.5), FALSELY_CONVERGED, False),
        ((1.7, 0.9), (1.7, 0.5), MOVING, False),
    ):
        truth = np.stack([approach(*each, TEN.points) for each in (kind, kind, beside, beside)])
        state = plateaus_of_variants(gains(noisy(rng, studies, truth, TEN)), 1.0).state[:, :2]
        what = "{:g} at {:g}, beside {:g} at {:g}".format(*kind, *beside)
        yield Row(TEN, what, *answers(state), goal, promised)
    for goal in (CONVERGED, FALSELY_CONVERGED, FALSELY_MOVING, MOVING):
        truth = np.tile(approach(goal.to_come, 0.7, TEN.points), (TEN.variants, 1))
        found = noisy(rng, studies, truth, TEN)
        found[:, 0] = truth[0] + 4 * (found[:, 0] - truth[0])
        state = plateaus_of_variants(gains(found), 1.0).state[:, :1]
        what = f"{goal.to_come:g} to come, noise 4 times the others'"
        yield Row(TEN, what, *answers(state), goal, False)


SHAPES: dict[str, tuple[Callable[[Floats], Floats], float]] = {
    "log(epoch)": (np.log, float(np.log(4 / 3))),
    "1/epoch": (lambda t: -1 / t, 1 / 12),
    "1/(epoch + a third)": (lambda t: -1 / (t + 1), 1 / 20),
}
"""Curves over thirds that are no exponentials, and what another third brings them."""


def half_cosine(points: int) -> Floats:
    """A fast approach under a learning rate of half a cosine: flat at the end."""
    x = thirds(points) / 3
    found: Floats = -10 * np.exp(-6 * (x / 2 + np.sin(np.pi * x) / (2 * np.pi)))
    return found


def shaped(studies: int) -> Iterator[Row]:
    """Other shapes: slower than exponential, cut off by a schedule, overfitting."""
    rng = np.random.default_rng(9)
    t = thirds(TEN.points)
    curves = [
        (f"{name}, {goal.to_come:g} to come", shape(t) / unit * goal.to_come, goal)
        for name, (shape, unit) in SHAPES.items()
        for goal in (CONVERGED, FALSELY_CONVERGED, MOVING)
    ]
    curves += [
        (f"turned, {fall:g} down a third", -10 * 0.2**t - fall * np.maximum(t - 1, 0), goal)
        for fall, goal in ((0.35, CONVERGED), (1.0, FALSELY_CONVERGED), (2.0, MOVING))
    ]
    curves.append(("half a cosine, flat", half_cosine(TEN.points), CONVERGED))
    curves.append(("rises evenly, flat from 0.8", 6 * np.minimum(t / 2.4, 1.0), CONVERGED))
    for what, truth, goal in curves:
        state = plateaus_of_variants(
            gains(noisy(rng, studies, np.tile(truth, (4, 1)), TEN)), 1.0
        ).state
        yield Row(TEN, what, *answers(state), goal, False)


def rows(
    studies: int, promised: Sequence[Setting] = PROMISED, shown: Sequence[Setting] = SHOWN
) -> Iterator[Row]:
    """Every line of the table."""
    for setting in (*promised, *shown):
        for goal in GOALS:
            yield worst(studies, setting, goal, setting in promised)
    for goal in GOALS:
        yield worst(studies, TEN, goal, False, plateaus_of_runs)
    yield from mixed(studies)
    yield from shaped(studies)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a goal is broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--studies", type=int, default=STUDIES, help="simulated a setting")
    studies = parser.parse_args(arguments).studies
    started = time.perf_counter()
    print(f"{studies} studies a setting and speed")
    heads = "".join(f"{answer:>14}" for answer in ANSWERS)
    print(
        f"{'vals':>5}{'seeds':>6}{'variants':>9}{'AR':>6}{'noise':>7}  {'':<38}{heads}{'error':>9}"
    )
    broken = []
    for row in rows(studies):
        print(row, flush=True)
        broken += [row] if row.broken() else []
    print(f"{time.perf_counter() - started:.0f} s; {len(broken)} goals broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
