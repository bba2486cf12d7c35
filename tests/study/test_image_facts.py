"""Which LR a training has, what the plan says of it, and which evaluations are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srbench.core.errors import UserError
from srbench.run.worker_images import training_images
from srbench.study import plan as planning
from srbench.study.plan import Numerics, Plan
from srbench.study.read import read

STUDY = """\
scale: {scale}
data: {{train: {train}, validate: {validate}, eval: [{evaluate}], patch: 8, patches: 4{more}}}
train: {{epochs: 1, batch: 2}}
base: {{carn: {{channels: 4, blocks: 1, units: 1}}}}
variants: {{plain: {{}}}}
"""
PAIRS = "{pairs: {hr: hr, lr: lr}}"
HR = "{folder: {path: hr}}"
Make = Callable[..., Plan]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Plans a study of `hr`, two images, and `lr`, their LR made by nobody's degradation."""
    monkeypatch.chdir(tmp_path)
    for name, sides in {"hr/a": 16, "hr/b": 16, "lr/a": 8, "lr/b": 8, "alone/c": 16}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        seed = ord(name[-1]) + sides
        pixels = np.random.default_rng(seed).integers(0, 256, (sides, sides, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(f"{name}.png")

    def made(
        train: str, *more: str, scale: int = 2, evaluate: str = "photos", validate: str = "photos"
    ) -> Plan:
        text = STUDY.format(
            train=train, more="".join(f", {one}" for one in more), scale=scale, evaluate=evaluate,
            validate=validate,
        )  # fmt: skip
        (tmp_path / "study.yaml").write_text(text)
        return planning.make_plan(read(tmp_path / "study.yaml"), Numerics("cpu", 1))

    return made


MIXED = "{mixture: {of: [{pairs: {hr: hr, lr: lr}}, {folder: {path: alone}}]}}"
SHARP = "{degraded: {of: photos, by: {noise: {sigma: 0}}}}"
DEGRADED = "{degraded: {of: {folder: {path: hr}}, by: nearest}}"


@pytest.mark.parametrize(
    ("train", "more", "says", "own"),
    [
        (HR, (), "made by matlab_bicubic", 0),
        (HR, ("degradation: bilinear",), "made by bilinear", 0),
        (PAIRS, (), "own LR files", 2),
        (PAIRS, ("lr: own",), "own LR files", 2),
        (PAIRS, ("lr: made",), "made by matlab_bicubic, not used (lr: made): own LR files", 0),
        (
            PAIRS,
            ("lr: made", "degradation: lanczos"),
            "made by lanczos, not used (lr: made): own LR",
            0,
        ),
        (MIXED, (), "own LR files for 2 of 3, others made by matlab_bicubic", 2),
        (DEGRADED, (), "LR that the set makes", 2),
    ],
)
def test_training_uses_the_lr_that_a_set_has_or_the_plan_says_so(
    make: Make, train: str, more: tuple[str, ...], says: str, own: int
) -> None:
    plan = make(train, *more)
    assert says in plan.images.lr[0]
    [planned] = [p for p in plan.variants if p.trained]
    task = type("Task", (), {"scale": 2, "images": {"train": planned.manifest}})
    found, degrade = training_images(task, planned.variant.tree, 2)  # type: ignore[arg-type]
    read_lr = {name: np.asarray(PIL.Image.open(f"lr/{name}.png")) for name in "ab"}
    nearest = {name: np.asarray(PIL.Image.open(f"hr/{name}.png"))[::2, ::2] for name in "ab"}
    used = 0
    for image in found.images:
        name = image.name[-1]
        expected = (nearest if train == DEGRADED else read_lr).get(name)
        used += image.lr is not None and expected is not None and (image.lr == expected).all()
    assert used == own
    assert degrade is None


def test_auto_is_the_same_training_as_what_it_comes_to(make: Make) -> None:
    def fingerprint(*given: str) -> str:
        return make(*given).variants[0].fingerprint

    assert fingerprint(PAIRS) == fingerprint(PAIRS, "lr: own") != fingerprint(PAIRS, "lr: made")
    assert fingerprint(HR) == fingerprint(HR, "lr: made")


@pytest.mark.parametrize("train", [PAIRS, MIXED, DEGRADED])
def test_a_degradation_of_images_with_lr_has_to_be_meant(make: Make, train: str) -> None:
    with pytest.raises(UserError, match="add lr: own or lr: made"):
        make(train, "degradation: bilinear")
    make(train, "degradation: bilinear", "lr: made")


@pytest.mark.parametrize(
    "evaluate",
    [
        "photos",
        HR,
        "{pairs: {hr: hr, lr: hr}}",
        "{degraded: {of: photos, by: {noise: {sigma: 0}}}}",
    ],
)
def test_an_evaluation_with_nothing_to_restore_is_refused(make: Make, evaluate: str) -> None:
    with pytest.raises(UserError, match="LR equals HR at scale 1"):
        make(DEGRADED.replace("nearest", "jpeg"), scale=1, evaluate=evaluate)
    make(DEGRADED.replace("nearest", "jpeg"), scale=1,
         evaluate="{degraded: {of: photos, by: {noise: {sigma: 5}}}}")  # fmt: skip


def test_judging_by_flat_images_alone_is_refused(make: Make, tmp_path: Path) -> None:
    for name, colour in {"black": 0, "red": (200, 0, 0)}.items():
        (tmp_path / "flat").mkdir(exist_ok=True)
        PIL.Image.new("RGB", (16, 16), colour).save(f"flat/{name}.png")
    with pytest.raises(UserError, match="every image is of one colour"):
        make(HR, evaluate="{folder: {path: flat}}")
    with pytest.raises(UserError, match="flat}: every image is of one colour"):
        make(HR, validate="{folder: {path: flat}}")
    make(HR, evaluate="{mixture: {of: [{folder: {path: flat}}, photos]}}")


def test_the_plan_names_what_is_trained_and_judged_on(make: Make) -> None:
    plan = make(HR, evaluate=PAIRS)
    assert plan.images.overlaps == (
        "2 of 2 images of eval pairs: {hr: hr, lr: lr} are also trained on, in "
        "folder: {path: hr}: a, b",
    )
    assert make(HR, validate=PAIRS).images.overlaps == (
        "2 of 2 images of validate pairs: {hr: hr, lr: lr} are also trained on, in "
        "folder: {path: hr}: a, b",
    )
    assert make(HR).images.overlaps == ()


def test_a_folder_with_the_name_of_a_set_is_not_that_set_and_a_path_is_no_name(make: Make) -> None:
    assert make(HR).images.overlaps == ()
    Path("photos").mkdir()
    meant = "not the folder photos here, which is written {folder: {path: photos}}"
    assert make(HR).images.overlaps == (
        f"validate photos is the set of that name and {meant}",
        f"eval photos is the set of that name and {meant}",
    )
    for written in ("hr", "hr/", "elsewhere/hr"):
        with pytest.raises(
            UserError, match=rf"'{written}' is a path: write .folder: .path: {written}"
        ):
            make(written)


SEARCH = """
tune:
  space: {units: [1, 2]}
  budget: {trials: 2}
"""


def test_a_search_that_chooses_by_evaluation_images_is_told(make: Make, tmp_path: Path) -> None:
    assert make("{folder: {path: alone}}", validate=HR, evaluate=HR).images.overlaps == ()
    study = tmp_path / "study.yaml"
    study.write_text(study.read_text() + SEARCH)
    assert planning.make_plan(read(study), Numerics("cpu", 1)).images.overlaps == (
        "2 of 2 images of eval folder: {path: hr} are also used by the search to choose, in "
        "folder: {path: hr}: a, b",
    )


def test_selfexsrs_layout_is_judged_on_its_hr_with_its_lr(make: Make) -> None:
    for n in (1, 2):
        for kind, side in (("HR", 16), ("LR", 8)):
            pixels = np.random.default_rng(n + side).integers(0, 256, (side, side, 3), np.uint8)
            path = Path(f"B100/image_SRF_2/img_00{n}_SRF_2_{kind}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(pixels).save(path)
    for at in ("{folder: {path: B100}}", "{folder: {path: B100/image_SRF_2}}", "{b100: {root: .}}"):
        plan = make(HR, evaluate=at)
        assert plan.images.lr[-1].endswith("own LR files")
        [judged] = [images for role, images in plan.datasets if role == "eval"]
        assert [image.name for image in judged.images] == ["img_001", "img_002"]
        assert {image.size for image in judged.images} == {"16x16"}
