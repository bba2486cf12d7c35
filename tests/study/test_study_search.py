"""The `tune:` of a study: what it takes, and how a mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from srbench.core.errors import UserError
from srbench.study.read import Study, read

TUNE = """\
question: Which?
seeds: 4
data: {train: photos, validate: photos, eval: [photos]}
base: {carn: {channels: 16}}
tune:
  space:
    train.optimizer.lr: {low: 1.0e-4, high: 1.0e-2, log: true}
    attention.branches: [both, spatial]
    attention.reduction: {low: 4, high: 16, step: 4}
    attention: [none, se, scse]
    rates: [[1, 1, 1], [1, 2, 1]]
  constraints: [params <= 1M, macs <= 1.2 x baseline]
  budget: {trials: 40, hours: 2}
"""


def study(folder: Path, text: str = TUNE) -> Study:
    (folder / "s.yaml").write_text(text)
    return read(folder / "s.yaml")


def test_a_part_s_own_settings_are_sought_only_where_it_is_chosen(tmp_path: Path) -> None:
    search = study(tmp_path).search
    assert search is not None
    needs = {d.path: d.needs and d.needs.among for d in search.space.dimensions}
    assert needs == {
        "attention": None,
        "rates": None,
        "attention.reduction": ("se", "scse"),
        "attention.branches": ("scse",),
        "train.optimizer.lr": None,
    }


def test_a_point_becomes_the_tree_that_a_variant_would_write(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert found.search is not None
    point = {"attention": "se", "attention.reduction": 8, "rates": "[1, 2, 1]"}
    by_hand = found.base.set("attention", {"se": {"reduction": 8}}).set("rates", [1, 2, 1])
    assert found.search.tree(found.base, point) == by_hand
    assert found.search.in_words(point) == "attention: se, rates: [1, 2, 1], attention.reduction: 8"


def test_the_confirmation_has_seeds_that_the_search_never_used(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert found.search is not None
    assert (found.search.seeds, found.seeds) == ((0,), (1, 2, 3, 4))
    with pytest.raises(UserError, match="the search uses seed 0; take fresh ones"):
        study(tmp_path, TUNE.replace("seeds: 4", "seeds: [0, 7]"))


def test_a_constraint_is_broken_by_a_share_of_its_bound(tmp_path: Path) -> None:
    search = study(tmp_path).search
    assert search is not None
    params, macs = search.constraints
    assert params.violation(1.5e6, baseline=0) == pytest.approx(0.5)
    assert macs.violation(120, baseline=100) == pytest.approx(0)
    assert macs.violation(60, baseline=100) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            "attention: [none, se, scse]",
            "attention: [none, sse]",
            "attention.1: .*'scse'",
        ),
        ("attention.branches:", "attention.branch:", "'branch' is unknown; did you mean"),
        ("attention.branches:", "unit.attention.x:", "has no setting|is unknown"),
        ("rates: [[1, 1, 1], [1, 2, 1]]", "rates: []", r"write \[choices\]"),
        ("rates: [[1, 1, 1], [1, 2, 1]]", "rates: [[1], [1]]", "is in it twice"),
        ("low: 4, high: 16", "low: 16, high: 4", "16 is not below 4"),
        ("low: 4, high: 16", "low: 0, high: 16", "0 is not 1 or more"),
        ("log: true", "step: 0.1, log: true", "no step"),
        ("log: true", "logs: true", "did you mean 'log'"),
        ("budget: {trials: 40, hours: 2}", "budget: 4 days", "'days' is unknown"),
        ("budget: {trials: 40, hours: 2}", "seed: 1", "say how long"),
        ("budget:", "sampler: tpa\n  budget:", "did you mean 'tpe'"),
        ("budget:", "sampler: grid\n  budget:", "tune.space.train.optimizer.lr: grid needs"),
        ("budget:", "pruner: wilcoxon\n  seeds: 2\n  budget:", "give tune.seeds 3 or more"),
        ("budget:", "pruner: hyperband\n  seeds: 2\n  budget:", "one seed a trial"),
        ("budget:", "objective: [psnr_y, params]\n  pruner: hyperband\n  budget:", "one objective"),
        ("budget:", "objective: [params]\n  budget:", "first one is a score on validate"),
        ("macs <= 1.2 x baseline", "latency <= 5", "times compare within one pass"),
        ("params <= 1M", "params < 1M", "constraints.0: .* is no constraint; write"),
        ("seeds: 4", "seeds: {until: decided}\nmin_effect: 0.1 dB", "a fixed number of seeds"),
        ("base: {", "variants: {best_1: {}}\nbase: {", "the search gives this name"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    was: str, becomes: str, said: str, tmp_path: Path
) -> None:
    assert was in TUNE
    with pytest.raises(UserError, match=said) as caught:
        study(tmp_path, TUNE.replace(was, becomes))
    assert "s.yaml:" in str(caught.value)
