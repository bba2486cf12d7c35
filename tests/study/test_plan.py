"""Study to plan: what makes two runs the same run, and which mistakes are met before training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srbench.core.errors import UserError
from srbench.run.records import record
from srbench.study import decoding, dry_build
from srbench.study import plan as planning
from srbench.study.plan import Numerics, Plan
from srbench.study.read import read

CPU = Numerics("cpu", 1)
STUDY = """\
question: Which is better?
data: {{train: {images}, validate: {images}, eval: [{images}], patch: 8, patches: 5}}
train: {{epochs: 3, batch: 2}}
seeds: 2
base: {{carn: {{channels: 4, blocks: 1, units: 1}}}}
variants: {{plain: {{}}, se: {{attention: scse}}}}
interpolations: [bicubic]
"""
Make = Callable[..., Plan]


def draw(folder: Path, seed: int = 0, side: int = 16) -> Path:
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(folder / "a.png")
    return folder


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Plans the study above, or another text; {images} is a dataset of one small image."""
    draw(tmp_path / "images")

    def made(
        text: str = STUDY, *, folder: Path = tmp_path / "images", on: Numerics = CPU, **options: Any
    ) -> Plan:
        file = tmp_path / "study.yaml"
        file.write_text(text.format(images=f"{{folder: {{path: {folder}}}}}"))
        return planning.make_plan(read(file, **options), on)

    return made


def fingerprints(plan: Plan) -> list[str]:
    return [v.fingerprint for v in plan.variants]


def test_a_plan_says_what_will_be_run(make: Make) -> None:
    plan = make()
    plain, se, bicubic = plan.variants
    assert (plain.steps, plain.seeds, plain.trained) == (9, (0, 1), True)
    assert se.cost.parameters == plain.cost.parameters + 4 * 4 + 4 + 4 * 4 + 4 + 4
    assert (bicubic.steps, bicubic.seeds, bicubic.trained) == (0, (0,), False)
    assert plan.runs == 5
    assert sorted(role for role, _ in plan.datasets) == ["eval", "train", "validate"]


def test_neither_the_order_of_keys_nor_a_default_that_is_written_matters(make: Make) -> None:
    settings = "units: 1, skip: none, rates: [], channels: 4, blocks: 1"
    text = STUDY.replace("channels: 4, blocks: 1, units: 1", settings)
    lines = text.replace("epochs: 3, batch: 2", "batch: 2, epochs: 3").splitlines()
    first, again = make(), make("\n".join(reversed(lines)))
    assert fingerprints(again) == fingerprints(first)
    assert again.digest == first.digest


@pytest.mark.parametrize(
    "change",
    [
        "channels=8", "blocks=2", "units=2", "rates=[2]", "unit.dilated=first", "attention=eca",
        "shortcut=block", "fuse.kernel=3", "convolution=partial", "activation=relu",
        "activation.slope=0.2", "entry=linear", "upsampler=nearest", "upscale=before",
        "feature_skip=add", "gather=all", "skip=bilinear", "wiring=published",
        "train.epochs=4", "train.batch=3", "train.loss=mse", "train.optimizer.lr=1e-3",
        "train.optimizer=sgd", "train.schedule=cosine", "train.clip=1", "train.validations=1",
        "data.patches=6", "data.patch=12", "data.cut=fixed", "data.augment=[hflip]",
        "data.degradation=bilinear", "data.validate=photos",
    ],
)  # fmt: skip
def test_a_changed_setting_is_another_run(make: Make, change: str) -> None:
    assert fingerprints(make(set_=[change]))[0] not in fingerprints(make())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Which is better?", "Which is worse?"),
        ("eval: [{images}]", "eval: [{images}, photos]"),
        ("seeds: 2", "seeds: 5"),
        ("seeds: 2", "seeds: 2\nmetrics: [ssim_y]"),
        ("seeds: 2", "seeds: 2\nmin_effect: 1 dB"),
        ("seeds: 2", "seeds: 2\nbaseline: se"),
        ("interpolations", "metric: psnr_rgb\ninterpolations"),
    ],
)
def test_another_question_to_the_same_runs_is_another_plan_of_them(
    make: Make, before: str, after: str
) -> None:
    asked = make(STUDY.replace(before, after))
    assert fingerprints(asked) == fingerprints(make())
    assert asked.digest != make().digest


@pytest.mark.parametrize(
    "numerics", [Numerics("cpu", 2), Numerics("NVIDIA H100", 1), Numerics("cpu", 1, "bf16")]
)
def test_other_numerics_are_another_run(make: Make, numerics: Numerics) -> None:
    assert not set(fingerprints(make(on=numerics))) & set(fingerprints(make()))


def test_pixels_count_and_not_where_they_lie(make: Make, tmp_path: Path) -> None:
    here = fingerprints(make())
    assert fingerprints(make(folder=draw(tmp_path / "elsewhere"))) == here
    assert fingerprints(make(folder=draw(tmp_path / "others", seed=1)))[0] != here[0]


def test_what_is_not_trained_does_not_depend_on_training(make: Make) -> None:
    assert fingerprints(make(set_=["train.epochs=9"]))[2] == fingerprints(make())[2]


def test_equal_variants_are_trained_once_and_named(make: Make) -> None:
    plan = make(STUDY.replace("se: {{attention: scse}}", "same: {{skip: none}}"))
    assert plan.variants[0].fingerprint == plan.variants[1].fingerprint
    assert plan.runs == 2 + 1
    assert make().warnings == ()
    assert plan.warnings == (
        "same is the same training as plain: they share their runs, and differ by 0",
    )


def test_equal_networks_are_built_once_and_equal_settings_tried_once(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    built, tried = [], []
    cost, try_training = dry_build.cost, planning.try_training
    monkeypatch.setattr(dry_build, "cost", lambda *of: built.append(of) or cost(*of))
    monkeypatch.setattr(planning, "try_training", lambda *of: tried.append(of) or try_training(*of))
    dry_build._cost_of.cache_clear()
    rows = (
        f"v{n}: {{{{train.optimizer.lr: 1e-{2 + n % 3}, channels: {4 + n % 2}}}}}"
        for n in range(12)
    )
    make(STUDY.replace("plain: {{}}, se: {{attention: scse}}", ", ".join(rows)))
    assert (len(built), len(tried)) == (2 + 1, 3)  # two networks and bicubic, three rates


def test_the_last_step_of_an_epoch_may_have_fewer_patches(make: Make) -> None:
    assert make(set_=["train.batch=5"]).variants[0].steps == 3
    assert make(set_=["train.batch=9"]).variants[0].steps == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("rates=[1, 2]", "variants.plain: cannot be built: 2 rates for 1 blocks"),
        ("attention={eca: {kernel: 2}}", "variants.plain: cannot be built: eca.kernel 2 is even"),
        ("data.patch=32", "data.patch: folder: .* a has 16x16 pixels, too few for a patch of"),
        ("data.lr=own", "data.lr: folder: .* a has no LR file of its own"),
        ("data.train={folder: {path: nowhere}}", "data.train: folder: there is no folder"),
        ("data.eval=[folder]", "folder: path is needed"),
        ("train.loss={sum: {weights: [1]}}", "variants.plain: .*sum has 2 losses and 1 weights"),
        ("train.loss=ssim", "variants.plain: .* patches of 8x8 are smaller than ssim's window 11"),
        ("train.optimizer={sgd: {momentum: 0, nesterov: true}}", "variants.plain: .*Nesterov"),
    ],
)
def test_what_a_run_would_meet_is_met_here(make: Make, change: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(set_=[change])


def test_the_bibliography_names_what_is_used_and_is_not_ours(make: Make) -> None:
    found = dict(planning.references(make()))
    assert "1803.02579" in found["attention scse"]
    assert "1412.6980" in found["optimizer adam"]
    assert not any("none" in part or "Ours." in text for part, text in found.items())


def test_two_names_for_the_same_images_are_refused(make: Make, tmp_path: Path) -> None:
    twin = f"{{folder: {{path: {draw(tmp_path / 'twin')}}}}}"
    with pytest.raises(UserError, match=r"are the same images"):
        make(
            STUDY.replace(
                "eval: [{images}]",
                f"eval: [{{images}}, {twin.replace('{', '{{').replace('}', '}}')}]",
            )
        )


@pytest.mark.parametrize(
    ("size", "says"),
    [("blocks: 1000000", "more than 20,000 modules"), ("channels: 20000", "parameters")],
)
def test_a_network_that_is_far_too_large_is_refused_at_once(
    make: Make, size: str, says: str
) -> None:
    key = size.split(":")[0]
    text = STUDY.replace({"blocks": "blocks: 1", "channels": "channels: 4"}[key], size)
    with pytest.raises(UserError, match=f"cannot be built: it has .*{says}"):
        make(text)


def test_a_plan_takes_along_what_its_metrics_state(make: Make) -> None:
    plan = make(f"{STUDY}metric: l1\nmetrics: [fid/weights=none]\n")
    facts = record(plan, "key", "tiny.yaml").facts["metric_facts"]
    assert (facts["psnr_y"]["unit"], facts["l1"]["better"]) == ("dB", "lower")
    assert facts["fid/weights=none"]["heading"] == "FID of random features"


SCALED = """\
data: {{train: {images}, validate: {images}, eval: [{images}], patch: 4, patches: 5}}
train: {{epochs: 3, batch: 2}}
base: {{carn: {{channels: 4, blocks: 1, units: 1, scales: [2, 3, 4]}}}}
variants:
  one: {{}}
  two: {{train.learner: {{multi_scale: {{scales: [2, 3]}}}}}}
  all: {{train.learner: multi_scale}}
interpolations: []
"""


def test_training_at_several_scales_is_another_training_of_the_same_network(make: Make) -> None:
    one, two, all_ = make(SCALED).variants
    assert len({one.fingerprint, two.fingerprint, all_.fingerprint}) == 3
    assert len({one.step, two.step, all_.step}) == 3
    assert one.network == two.network == all_.network
    assert one.steps == two.steps == all_.steps
    assert one.cost.parameters == all_.cost.parameters


def test_dead_is_what_no_scale_that_is_trained_reaches(make: Make) -> None:
    one, two, all_ = make(SCALED).variants
    assert one.cost.dead_modules == ("upsampler.x3", "upsampler.x4")
    assert two.cost.dead_modules == ("upsampler.x4",)
    assert all_.cost.dead_modules == ()


def test_the_images_of_every_scale_decide_a_training_at_several(make: Make, tmp_path: Path) -> None:
    before = make(SCALED)
    pixels = np.array(PIL.Image.open(tmp_path / "images" / "a.png"))
    wide = np.concatenate([pixels, pixels[:, :1]], 1)  # of 17 columns x2 takes 16, x3 takes 15
    PIL.Image.fromarray(wide).save(tmp_path / "images" / "a.png")
    assert fingerprints(make(SCALED)) == fingerprints(before)
    wider = np.concatenate([wide, pixels[:, :2]], 1)[:, :19]  # 18 at x2 and x3, 16 at x4
    PIL.Image.fromarray(wider).save(tmp_path / "images" / "a.png")
    after = make(SCALED)
    assert not set(fingerprints(after)) & set(fingerprints(before))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "scales: [2, 3, 4]}}",
            "scales: [2, 3]}}",
            "variants.all.train.learner: trains at x2, x3, x4, and this carn does x2, x3; give it "
            "scales: [2, 3, 4]",
        ),
        (
            ", scales: [2, 3, 4]",
            "",
            "variants.two.train.learner: trains at x2, x3, and this carn does x2 alone; give it "
            "scales: [2, 3]",
        ),
        (
            "{{carn: {{channels: 4, blocks: 1, units: 1, scales: [2, 3, 4]}}}}",
            "espcn",
            "variants.two.train.learner: trains at x2, x3, and this espcn does x2 alone; take carn "
            "or carn_m or carn_official",
        ),
        (
            "scales: [2, 3]}}",
            "scales: [3, 4]}}",
            "variants.two.train.learner: trains at x3, x4, without the study's scale, x2",
        ),
        ("patch: 4", "patch: 10", "data.patch: at x4: "),
    ],
)
def test_scales_that_cannot_be_trained_are_refused(
    make: Make, old: str, new: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        make(SCALED.replace(old, new))
    assert str(caught.value).startswith(said)


def test_training_images_are_decoded_once_while_their_files_stand(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "JUST_NOW_S", -1e9)  # these files were written just now
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    decoded: list[str] = []
    real = decoding.decode

    def counted(files: Any, name: str, role: str, *how: Any) -> Any:
        decoded.append(role)
        return real(files, name, role, *how)

    counted.__module__ = real.__module__  # its source is part of the key
    monkeypatch.setattr(decoding, "decode", counted)
    first, second = make(), make()
    assert decoded == ["train", "validate", "eval", "eval"]
    assert first.digest == second.digest
    draw(tmp_path / "images", seed=1)
    assert make().digest != first.digest
