"""Questions put to Optuna: answered from the rows alone, by every sampler and pruner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from srbench.analysis.history import Tried, front, ranked
from srbench.analysis.space import Choices, Dimension, Integers, Needs, Numbers, Point, Space
from srbench.run.proposals import Method, importances, propose, should_prune
from srbench.study import samplers

SKIP = Dimension("skip", Choices(("none", "nearest", "bilinear", "bicubic")))
ATTENTION = Dimension("attention", Choices(("none", "se")))
REDUCTION = Dimension("attention.reduction", Integers(2, 8, 2), Needs("attention", ("se",)))
LR = Dimension("train.optimizer.lr", Numbers(1e-4, 1e-2, log=True))
FINITE = Space((SKIP, ATTENTION, REDUCTION))
EPOCHS = 9
GAIN = {"none": 0.0, "nearest": 3.0, "bilinear": 6.0, "bicubic": 5.0}


def method(
    sampler: str = "tpe", pruner: str = "none", space: Space = FINITE, **more: Any
) -> Method:
    def settings(slot: Any, name: str) -> Mapping[str, Any]:
        return dict(vars(slot.parse(name).build()()))

    made = Method(
        "test", space, ("maximize",), sampler, settings(samplers.sampler, sampler),
        pruner, settings(samplers.pruner, pruner), 0, EPOCHS,
    )  # fmt: skip
    return replace(made, **more)


def trial(number: int, point: Point, noted: Mapping[str, Any], **more: Any) -> Tried:
    made = Tried(
        number, point, "complete", (GAIN[str(point.get("skip", "none"))],), {}, None, None, "",
        EPOCHS, 1.0, noted=noted, variant=f"trial {number}", fingerprint=f"print {number}",
    )  # fmt: skip
    return replace(made, **more)


def searched(how: Method, count: int, of: Callable[..., Tried] = trial) -> list[Tried]:
    history: list[Tried] = []
    for number in range(count):
        point, noted = propose(how, history)
        assert how.space.holds(point)
        history.append(of(number, point, noted))
    return history


@pytest.mark.parametrize("sampler", list(samplers.sampler.parts))
def test_every_sampler_stays_in_the_space_and_goes_on_after_a_kill(sampler: str) -> None:
    how = method(sampler)
    history = searched(how, 13)
    again = [propose(how, history[:n])[0] for n in (0, 5, 12)]
    assert again == [history[n].point for n in (0, 5, 12)]


@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_a_finite_space_is_tried_whole_and_nothing_twice(sampler: str) -> None:
    history = searched(method(sampler), int(FINITE.size))
    assert {repr(sorted(t.point.items())) for t in history} == {
        repr(sorted(p.items())) for p in FINITE.points()
    }


def test_tpe_finds_more_than_chance_does() -> None:
    """Among 12 choices with one that is best, averaged over five searches of 40 trials."""
    wide = Space(tuple(Dimension(f"p{i}", Choices(tuple(range(6)))) for i in range(4)))

    def gain(number: int, point: Point, noted: Mapping[str, Any]) -> Tried:
        return trial(number, point, noted, values=(-float(sum(map(int, point.values()))),))  # type: ignore[arg-type]

    def best(sampler: str, seed: int) -> float:
        found = searched(method(sampler, space=wide, seed=seed), 40, gain)
        return max(t.values[0] for t in found)

    seeds = range(5)
    assert sum(best("tpe", s) for s in seeds) > sum(best("random", s) for s in seeds) + 2


def test_samplers_keep_away_from_what_breaks_a_constraint() -> None:
    def costly(number: int, point: Point, noted: Mapping[str, Any]) -> Tried:
        broken = {"params <= 1M": 1.0 if point["skip"] == "bilinear" else -1.0}
        bad = {"state": "infeasible", "values": (), "variant": None}
        return trial(number, point, noted, constraints=broken, **(bad if broken["params <= 1M"] > 0 else {}))  # noqa: E501  # fmt: skip

    space = Space((SKIP, LR))
    late = searched(method(space=space), 60, costly)[20:]
    free = searched(method(space=space), 60)[20:]
    assert sum(t.point["skip"] == "bilinear" for t in late) < 8
    assert sum(t.point["skip"] == "bilinear" for t in free) > 20


def test_with_several_objectives_the_front_is_what_no_other_beats() -> None:
    values = [(1.0, 5.0), (2.0, 5.0), (3.0, 9.0), (0.5, 1.0), (3.0, 9.5)]
    history = [trial(i, {}, {}, values=v) for i, v in enumerate(values)]
    assert [t.number for t in front(history, ("maximize", "minimize"))] == [2, 1, 3]
    assert [t.number for t in ranked(history, ("maximize", "minimize"))] == [2, 1, 3]


def test_nsga2_goes_from_generation_to_generation() -> None:
    def two(number: int, point: Point, noted: Mapping[str, Any]) -> Tried:
        return trial(number, point, noted, values=(GAIN[str(point["skip"])], float(len(point))))

    how = method("nsga2", directions=("maximize", "minimize"), sampler_settings={"population": 5})
    noted = [t.noted for t in searched(how, 17, two)]
    assert max(v for n in noted for k, v in n.items() if k.endswith("generation")) == 3


def reports(best: float) -> dict[int, float]:
    return {epoch: best * epoch / EPOCHS for epoch in range(1, EPOCHS + 1)}


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband"])
def test_a_pruner_over_epochs_gives_up_the_worse_and_never_the_best(pruner: str) -> None:
    how = method("random", pruner)
    history: list[Tried] = []
    for number in range(30):
        best = float((7 * number) % 30)
        under_way = trial(number, {"skip": "none", "attention": "none"}, {}, state="running", values=())  # noqa: E501  # fmt: skip
        for epoch in range(1, EPOCHS):
            now = replace(under_way, reports={e: reports(best)[e] for e in range(1, epoch + 1)})
            gone, noted = should_prune(how, [*history, now], number)
            under_way = replace(now, noted=noted)
            if gone:
                under_way = replace(under_way, state="pruned", ended_at=epoch)
                break
        else:
            under_way = replace(under_way, state="complete", values=(best,), reports=reports(best))
        history.append(under_way)
    pruned = [t for t in history if t.state == "pruned"]
    assert 8 <= len(pruned) < 30
    assert max(h.values[0] for h in history if h.values) == 29


def test_wilcoxon_gives_up_what_is_worse_seed_after_seed() -> None:
    how = method("random", "wilcoxon")
    good = trial(0, {}, {}, values=(30.0,), reports={i: 30.0 + i / 10 for i in range(8)})

    def worse(seeds: int, by: float) -> bool:
        told = {i: 30.0 + i / 10 - by for i in range(seeds)}
        now = trial(1, {}, {}, state="running", values=(), reports=told)
        return should_prune(how, [good, now], 1)[0]

    assert [worse(n, 1.0) for n in (1, 2, 6)] == [False, False, True]
    assert not worse(6, -1.0)


def test_what_decided_is_told_from_what_did_not() -> None:
    space = Space((SKIP, LR))
    shares = importances(method(space=space), searched(method("random", space=space), 60))
    assert shares["skip"] > 0.8 > shares["train.optimizer.lr"]
    assert sum(shares.values()) == pytest.approx(1)
    assert importances(method(), searched(method("random"), 9)) == {}
