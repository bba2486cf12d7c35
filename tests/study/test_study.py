"""Study files: what they mean, and what a mistake is told, to the column."""

from __future__ import annotations

from pathlib import Path

import pytest

from srbench.core.errors import UserError
from srbench.core.slots import metric
from srbench.study.read import Study, read
from srbench.study.seeds import seeds_of_baseline
from srbench.study.tree import dataset_name, describe

GOOD = """\
question: Does atrous
  convolution help?
scale: 2
data: {patch: 48, patches: 8, eval: [photos, {folder: {path: x}}]}
train:
  epochs: 3
  optimizer: {adam: {lr: 1e-3}}
seeds: 2
base: {carn: {channels: 8}}
variants:
  plain: {}
  atrous: {rates: [1, 2, 1], train.epochs: 4}
  deep:
    units: 4
    attention: {scse: {branches: spatial}}
baseline: plain
metric: ssim_y on photos
metrics: [psnr_y]
interpolations: [bicubic]
min_effect: 0.001
notes: one remark
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD)
    return path


def parsed(path: Path, text: str) -> Study:
    path.write_text(text)
    return read(path)


def test_a_study_means_what_it_says(file: Path) -> None:
    found = read(file)
    assert (found.name, found.scale, found.seeds) == ("s", 2, (0, 1))
    assert found.question == "Does atrous convolution help?"
    assert (found.metric, found.dataset) == ("ssim_y", "photos")
    assert found.metrics == ("ssim_y", "psnr_y")
    assert (found.min_effect, found.notes) == (0.001, ("one remark",))
    assert found.base.train["optimizer"]["lr"] == 1e-3
    assert [dataset_name(c) for c in found.base.data["eval"]] == [
        "photos", "folder: {path: x}",
    ]  # fmt: skip


def test_a_variant_is_the_base_with_its_changes(file: Path) -> None:
    plain, atrous, deep, bicubic = read(file).variants
    assert [v.role for v in (plain, atrous, deep, bicubic)] == [
        "baseline", "variant", "variant", "interpolation",
    ]  # fmt: skip
    changed = dict(set(atrous.tree.leaves().items()) - set(plain.tree.leaves().items()))
    assert changed == {"rates.0": 1, "rates.1": 2, "rates.2": 1, "train.epochs": 4}
    assert deep.change == "units: 4, attention: {scse: {branches: spatial}}"
    assert deep.tree.model["attention"]["branches"] == "spatial"
    assert bicubic.tree.model.name == "bicubic"


def test_an_empty_study_is_carn_on_photos(file: Path) -> None:
    found = parsed(file, "{}")
    assert [v.name for v in found.variants] == [
        "base", "nearest", "bilinear", "bicubic", "lanczos",
    ]  # fmt: skip
    assert found.variants[0].tree.model["wiring"] == "intended"
    assert (found.metric, found.dataset, found.protocol) == ("psnr_y", "photos", "sr-y-v1")
    assert (found.scale, found.seeds, found.min_effect) == (2, (0, 1, 2), None)


MISTAKES = [  # what tests/faults/bad_inputs.yaml does not hold
    ("variants:\n  a: {unit.dilatd: first}",
     "2:7 variants.a.unit.dilatd: residual: setting 'dilatd' is unknown; did you mean 'dilated'?"),
    ("variants: {a: {train: {epochs: 5}}}",
     "1:16 variants.a.train: name a setting: train.something"),
    ("variants: {a: 3}", "1:12 variants.a: changes are written as {setting: value}, found 3"),
    ("variants: [a]", "1:1 variants: settings are written as {name: value}, found ['a']"),
    ("train: 0", "1:1 train: settings are written as {name: value}, found 0"),
    ("variants: {a  b: {}}", "1:12 variants.a  b: a name has 1 to 80 characters, single spaces"),
    ("scale: 2.0", "1:1 scale: 2.0 is not a whole number"),
    ("data: {eval: []}", "1:8 data.eval: name at least one set"),
    ("data: {eval: [photos, photos]}", "1:8 data.eval: 'photos' is listed twice"),
    ("data: {patches: {fix: 3}}", "1:8 data.patches: write a number, {fixed: number}"),
    ("seeds: [1, 1]", "1:1 seeds: a seed is listed twice"),
    ("seeds: [1, -1]", "1:1 seeds: [1, -1] is neither a number of seeds, nor a list of them, nor"),
    ("metric: psnr on photos", "1:1 metric: metric 'psnr' is unknown; did you mean 'psnr_"),
    ("metrics: [psnr_y, ssim]", "1:19 metrics.1: metric 'ssim' is unknown; did you mean 'ssim_"),
    ("metrics: 3", "1:1 metrics: 3 is not a list of metrics"),
    ("min_effect: 0.03",
     "1:1 min_effect: 0.03 is not a size in the unit of psnr_y (such as 0.03 dB)"),
    ("min_effect: -1 dB", "1:1 min_effect: '-1 dB' is not a size"),
    ("metric: ssim_y\nmin_effect: 0.1 dB",
     "2:1 min_effect: '0.1 dB' is not a size in the unit of ssim_y (such as 0.03)"),
    ("interpolations: [cubic]",
     "1:18 interpolations.0: interpolation 'cubic' is unknown; did you mean 'bicubic'?"),
    ("variants: {bicubic: {}}",
     "1:12 variants.bicubic: the name is taken by the interpolation 'bicubic'"),
    ("train: {until: converged}", "1:9 train.until: converged goes with max_epochs"),
    ("train: {until: converged, max_epochs: 9, validations: 3}",
     "1:9 train.until: converged needs 30 validations or more"),
    ("seeds: {until: bored}", "1:1 seeds: write {until: decided, looks: [3, 5, 8, 12, 20]}"),
    ("seeds: {until: decided, looks: [2, 5]}",
     "1:25 seeds.looks: [2, 5] are not rising numbers of seeds, the first at least 3"),
    ("seeds: {until: decided}", "1:1: seeds until decided need a min_effect"),
    ("baseline_seeds: 2", "1:1 baseline_seeds: 2 are fewer than the 3 of the variants"),
    ("seeds: {until: decided}\nmin_effect: 0.1 dB\nbaseline_seeds: 9",
     "3:1 baseline_seeds: seeds until decided choose the baseline's themselves"),
    ("paired: maybe", "1:1 paired: 'maybe' is neither true nor false"),
    ("seeds: {until: decided}\nmin_effect: 0.1 dB\npaired: true",
     "3:1 paired: seeds until decided compare means; leave paired out"),
    ("variants: {a: {}, b: {skip: bilinear}, c: {units: 2}}\ncompare: every",
     "2:1 compare: 'every' is neither a list of pairs nor all"),
    ("variants: {a: {}, b: {skip: bilinear}, c: {units: 2}}\ncompare: [[b, cc]]",
     "2:15 compare.0.1: variant 'cc' is unknown"),
    ("variants: {a: {}, b: {skip: bilinear}, c: {units: 2}}\ncompare: [[b, a]]",
     "2:15 compare.0.1: variant 'a' is unknown"),
    ("variants: {a: {}, b: {skip: bilinear}, c: {units: 2}}\ncompare: [b, c]",
     "2:11 compare.0: 'b' is no pair of variants: [a, b]"),
    ("variants: {a: {}, b: {skip: bilinear}, c: {units: 2}}\ncompare: [[b, c], [c, b]]",
     "2:19 compare.1: ['c', 'b'] is one variant, or listed twice"),
    ("seeds: {until: decided}\nmin_effect: 0.1 dB\ncompare: all",
     "3:1 compare: seeds until decided compare with the baseline alone"),
    ("variants: {a: {}}\nclaims: [{id: A1, says: x, test: psnr_y(b) < psnr_y(a)}]",
     "2:28 claims.0.test: variant 'b' is unknown"),
    ("claims: [{id: A1, says: x}]", "1:10 claims.0: id and test are required"),
    ("claims: [{id: 1, test: params(base) = 3}]", "1:11 claims.0.id: 1 is not a text"),
    ("claims: {A: psnr_y(a) < 3}", "1:1 claims: a list of claims is expected"),
    ("design: {factorial: {se: {attenton: se}}}", "1:10 design.factorial.attenton: carn: setting"),
    ("design: {add_one: {se: {attention: se}}}\nvariants: {se: {}}",
     "2:12 variants.se: the design makes a variant 'se' too"),
    ("controls: {identy: {}}", "1:12 controls.identy: control 'identy' is unknown; did you mean"),
    ("controls: {broken: {}}", "1:12 controls.broken: say what is broken"),
    ("controls: {identity: {skip: none}}", "1:12 controls.identity: write {}: it is the baseline"),
    ("question: [a]", "1:1 question: ['a'] is not a text"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[text[:40] for text, _ in MISTAKES])
def test_a_mistake_is_named_with_its_place(file: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parsed(file, text)
    assert str(caught.value).startswith(f"{file}:{message}")


@pytest.mark.parametrize("text", ["metric: sharpness", "metrics: [psnr_y, sharpness]"])
def test_a_metric_without_a_direction_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delitem(metric.facts, "sharpness")
    with pytest.raises(UserError, match=rf"1:1 {text.split(':')[0]}: sharpness states no dir"):
        parsed(file, text)


def test_compare_names_pairs_or_all_of_the_variants(file: Path) -> None:
    text = "variants: {a: {}, b: {skip: bilinear}, c: {units: 2}, d: {units: 4}}\n"
    assert parsed(file, text).compare == ()
    assert parsed(file, f"{text}compare: [[d, b]]").compare == (("d", "b"),)
    every = parsed(file, f"{text}compare: all").compare
    assert every == (("b", "c"), ("b", "d"), ("c", "d"))
    assert read(file, only=["b", "c"]).compare == (("b", "c"),)


@pytest.mark.parametrize(
    ("seeds", "variants", "wanted", "paired", "expected"),
    [
        ((0, 1, 2), 4, None, False, (0, 1, 2, 3, 4, 5)),
        ((5, 2, 9), 3, None, False, (5, 2, 9, 10, 11)),
        ((0, 1, 2), 4, None, True, (0, 1, 2)),
        ((0, 1, 2), 4, 4, False, (0, 1, 2, 3)),
        ((0, 1), 9, None, False, (0, 1)),
    ],
)
def test_the_baseline_has_the_seeds_of_the_variants_and_more(
    seeds: tuple[int, ...], variants: int, wanted: int | None, paired: bool, expected: object
) -> None:
    assert seeds_of_baseline(seeds, variants, wanted, paired=paired) == expected


@pytest.mark.parametrize(
    ("option", "place", "value"),
    [
        ("train.epochs=5", "train.epochs", 5),
        ("channels=16", "channels", 16),
        ("model.channels=16", "channels", 16),
        ("attention=scse", "attention", "scse"),
        ("attention={scse: {reduction: 4}}", "attention.reduction", 4),
        ("rates=[1, 2, 1]", "rates.1", 2),
        ("train.optimizer.lr=1e-4", "train.optimizer.lr", 1e-4),
        ("data.cut=fixed", "data.cut", "fixed"),
        ("model=bicubic", "model", "bicubic"),
    ],
)
def test_set_changes_every_variant(file: Path, option: str, place: str, value: object) -> None:
    file.write_text("variants: {plain: {}, other: {train.batch: 2}}")
    found = read(file, set_=[option])
    trained = [v for v in found.variants if v.role != "interpolation"]
    assert {v.tree.leaves()[place] for v in trained} == {value}
    assert found.overrides == (f"--set {option}",)


def test_a_variants_own_change_wins_over_set(file: Path) -> None:
    found = read(file, set_=["train.epochs=9"])
    assert [v.tree.train["epochs"] for v in found.variants] == [9, 4, 9, 9]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("train.epoch=5", "--set train.epoch=5: train: setting 'epoch' is unknown; did you mean"),
        ("epochs=5", "--set epochs=5: carn has no setting 'epochs'; did you mean train.epochs?"),
        ("lr=1", "--set lr=1: carn has no setting 'lr'; did you mean train.optimizer.lr or data"),
        ("optimizer.lr=1", "--set optimizer.lr=1: carn has no setting 'optimizer'; did you mean t"),
        ("train.optimizer.adam.lr=1", "--set train.optimizer.adam.lr=1: adam is the optimizer it"),
        (
            "attention.scse.reduction=1",
            "--set attention.scse.reduction=1: the attention is none, w",
        ),
        ("train.epochs", "--set train.epochs: write PATH=VALUE, such as train.epochs=5"),
        ("=5", "--set =5: write PATH=VALUE"),
        ("seeds=1", "--set seeds=1: seeds is a key of the study, not of its base; --seeds sets it"),
        ("metric=fid", "--set metric=fid: metric is a key of the study, not of its base; change"),
        ("train.epochs=[", "--set train.epochs:1:2: not YAML"),
        ("train.epochs=x", "--set train.epochs=x: 'x' is not a whole number"),
        ("train={}", "--set train={}: name a setting: train.something"),
        ("data.patches={fixt: 3}", "--set data.patches={fixt: 3}: write a number"),
        ("data.patch=47", "--set data.patch=47 data.patch: 47 does not divide"),
    ],
)
def test_a_mistake_in_set_is_named_as_such(file: Path, option: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(file, set_=[option])
    assert str(caught.value).startswith(message)


def test_seeds_on_the_command_line_win(file: Path) -> None:
    found = read(file, seeds=4)
    assert found.seeds == (0, 1, 2, 3)
    assert found.overrides == ("--seeds 4",)
    with pytest.raises(UserError, match=r"^--seeds 0 seeds: 0 seeds; from 1 to 1000 are possible"):
        read(file, seeds=0)


def test_only_keeps_what_fits_and_what_it_is_compared_with(file: Path) -> None:
    found = read(file, only=["atr*"])
    assert [v.name for v in found.variants] == ["plain", "atrous", "bicubic"]
    assert found.overrides == ("--only atr*",)
    with pytest.raises(UserError, match=r"^--only x\*: no variant fits \(known: plain, atrous"):
        read(file, only=["atrous", "x*"])


def test_every_study_of_this_project_is_read() -> None:
    files = sorted((Path(__file__).parents[2] / "ablations").glob("*.yaml"))
    assert files
    for file in files:
        found = read(file)
        assert found.question
        assert found.baseline in {v.name for v in found.variants}


def test_settings_become_plain_data(file: Path) -> None:
    found = describe(read(file).base.train)
    assert found["epochs"] == 3
    assert found["optimizer"]["adam"]["lr"] == 1e-3
    assert found["schedule"] == "constant"


def test_fixed_patches_are_written_alike_in_file_variant_and_option(file: Path) -> None:
    text = "data: {patches: {fixed: 12}}\nvariants: {a: {}, b: {data.patches: {fixed: 3}}}"
    a, b, *_ = parsed(file, text).variants
    option = read(file, set_=["data.patches={fixed: 4}"]).base
    found = [(tree.data["cut"], tree.data["patches"]) for tree in (a.tree, b.tree, option)]
    assert found == [("fixed", 12), ("fixed", 3), ("fixed", 4)]


def test_the_identity_control_is_the_baseline_with_draws_of_its_own(file: Path) -> None:
    found = parsed(file, "variants: {a: {}, b: {skip: bilinear}}\ncontrols: {identity: {}}")
    a, _, identity = found.variants[:3]
    assert (identity.role, identity.tree, identity.salt) == ("control", a.tree, "identity")


def test_a_design_makes_the_variants_and_its_baseline(file: Path) -> None:
    found = parsed(file, "design: {factorial: {se: {attention: se}, wide: {channels: 8}}}")
    names = [(v.name, v.role) for v in found.variants if v.role != "interpolation"]
    assert names == [
        ("base", "baseline"), ("se", "variant"), ("wide", "variant"), ("se+wide", "variant"),
    ]  # fmt: skip
    assert found.variants[3].change == "attention: se, channels: 8"


def test_seeds_until_decided_begin_with_the_first_look_unless_the_command_has_seeds(
    file: Path,
) -> None:
    found = parsed(file, "seeds: {until: decided, looks: [3, 6]}\nmin_effect: 0.1 dB")
    assert (found.seeds, found.looks) == ((0, 1, 2), (3, 6))
    found = read(file, seeds=2)
    assert (found.seeds, found.looks) == ((0, 1), ())


def test_training_until_converged_names_its_longest(file: Path) -> None:
    found = parsed(file, "train: {until: converged, max_epochs: 90}").base.train
    assert (found["until"], found["epochs"], found["validations"]) == ("converged", 90, 30)


def test_a_width_matched_twin_is_a_variant_that_claims_may_name(file: Path) -> None:
    text = "variants: {a: {}, b: {blocks: 5}}\nmatch: params\n"
    found = parsed(file, text + "claims: [{id: C, test: psnr_y(b) > psnr_y('b twin')}]")
    assert found.match is not None
    assert (found.match.by, found.match.setting) == ("params", "channels")


def test_the_scale_is_set_from_the_command_line_with_the_patch_that_goes_with_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("variants: {a: {}}\n")
    found = read(file, set_=["scale=3", "train.epochs=5", "data.patch=96"])
    assert (found.scale, found.base.data["patch"], found.base.train["epochs"]) == (3, 96, 5)
    assert found.overrides[0] == "--set scale=3"
    for asked, said in (
        (["scale=3"], "--set scale=3 data.patch: 128 does not divide by the scale 3"),
        (["scale=5"], "--set scale=5 scale: 5 is not 1, 2, 3, 4 or 8"),
        (["scale=x"], "--set scale=x scale: 'x' is not a whole number"),
    ):
        with pytest.raises(UserError) as caught:
            read(file, set_=asked)
        assert str(caught.value) == said


SETS = "{folder: {path: data/Set5/HR}}, {folder: {path: mine/evals}}, {folder: {path: b/HR}}"


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("evals", "folder: {path: mine/evals}"),
        ("folder: {path: b/HR}", "folder: {path: b/HR}"),
        ("HR", None),
        ("folder", None),
    ],
)
def test_a_metric_names_a_folder_in_short_where_that_is_one(
    file: Path, named: str, found: str | None
) -> None:
    text = f"data: {{eval: [{SETS}]}}\nmetric: 'psnr_y on {named}'"
    if found is not None:
        assert parsed(file, text).dataset == found
        return
    with pytest.raises(UserError, match=f"evaluation set '{named}' is unknown"):
        parsed(file, text)
