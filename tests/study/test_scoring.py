"""What scoring needs is checked by the plan, with image, set and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srbench.core import slots
from srbench.core.errors import StudyError, UserError
from srbench.core.part_facts import MetricFacts
from srbench.measure.needs import least_side
from srbench.measure.scores import PROTOCOLS
from srbench.study.plan import Numerics, Plan, make_plan
from srbench.study.read import read

slots.load()
STUDY = """\
scale: {scale}
data: {{train: photos, patch: 24, patches: 8, validate: {validate}, eval: [{eval}]}}
base: {base}
variants: {{plain: {{}}}}
interpolations: []
"""
Planned = Callable[..., Plan]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """Plans a study of sets that are folders of images with these sides."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def made(
        more: str = "", *, evaluate: tuple[int, ...] = (64,), validate: tuple[int, ...] = (64,),
        scale: int = 2, base: str = "{carn: {channels: 4, blocks: 1, units: 1}}",
    ) -> Plan:  # fmt: skip
        for name, sides in (("e", evaluate), ("v", validate)):
            (tmp_path / name).mkdir(exist_ok=True)
            for side in sides:
                pixels = np.random.default_rng(side).integers(0, 256, (side, 64, 3), dtype=np.uint8)
                PIL.Image.fromarray(pixels).save(tmp_path / name / f"{name}{side}.png")
        sets = {name: f"{{folder: {{path: {name}}}}}" for name in "ev"}
        text = STUDY.format(scale=scale, eval=sets["e"], validate=sets["v"], base=base)
        (tmp_path / "study.yaml").write_text(text + more)
        return make_plan(read(tmp_path / "study.yaml"), Numerics("cpu", 1))

    return made


def test_an_evaluation_image_that_is_too_small_is_named_with_set_and_remedy(
    planned: Planned,
) -> None:
    with pytest.raises(StudyError) as refused:
        planned(evaluate=(12, 16, 64), scale=4)
    assert str(refused.value) == (
        "data.eval.0: folder: {path: e}: too small at x4 for ssim_y, ssim_rgb under sr-y-v1: "
        "e12 (64x12), e16 (64x16); sides of 20 pixels or more are needed: remove them, or name "
        "the set as {large_enough: {side: 20, of: ...}}"
    )


@pytest.mark.parametrize(("scale", "least"), [(2, 16), (3, 18), (4, 20)])  # 11 in the border
def test_the_size_that_is_asked_for_is_enough(planned: Planned, scale: int, least: int) -> None:
    with pytest.raises(StudyError, match=f"sides of {least} pixels or more"):
        planned(evaluate=(least - scale,), scale=scale)
    for file in Path("e").iterdir():
        file.unlink()
    assert planned(evaluate=(least,), scale=scale).warnings == ()


@pytest.mark.parametrize(
    ("metric", "scale", "least"),
    [
        ("psnr_y", 2, 6), ("l1", 4, 12), ("ssim_y", 4, 20), ("ssim_y/x2", 4, 32),
        ("noisy/of=ssim_rgb", 3, 18),
    ],
)  # fmt: skip
def test_the_least_side_is_that_of_border_and_window(metric: str, scale: int, least: int) -> None:
    assert least_side(metric, PROTOCOLS["sr-y-v1"], scale, scale) == least


def test_metrics_without_a_window_take_the_image(planned: Planned) -> None:
    assert planned("metrics: [psnr_y]", evaluate=(12,), scale=4).variants


def test_a_validation_image_that_is_too_small_is_named(planned: Planned) -> None:
    with pytest.raises(UserError, match=r"data\.validate: folder: .*for ssim_y .* v12 \(64x12\)"):
        planned(validate=(12, 64))


def test_a_smaller_output_is_validated_too(planned: Planned) -> None:
    """At x4 LR of 6 is 24 pixels for the output at x4, and 12 for that at x2."""
    base = "{superresnet: {channels: 8}}"
    with pytest.raises(UserError, match=r"too small at x4 for ssim_y/x2 .* sides of 32 pixels"):
        planned(validate=(24, 64), scale=4, base=base)


def test_a_protocol_at_a_scale_it_is_not_defined_at_is_refused(planned: Planned) -> None:
    with pytest.raises(UserError, match="protocol: ntire-esr is defined at x4, not at x2"):
        planned("protocol: ntire-esr\nmetrics: [psnr_rgb]\nmetric: psnr_rgb")


def test_missing_weights_are_a_warning_but_of_the_primary_metric(planned: Planned) -> None:
    fid = "fid/weights=nowhere.pth"
    [warning] = planned(f"metrics: [psnr_y, {fid}]").warnings
    assert warning.startswith(
        f"{fid} on folder: {{path: e}} will not be scored: inception: there is no file nowhere.pth"
    )
    with pytest.raises(UserError, match="metric: cannot be taken: inception: there is no file"):
        planned(f"metric: {fid}")


@pytest.mark.slow  # imports torchvision and piq
def test_weights_of_another_network_are_refused(planned: Planned, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match=r"metrics: fid.*: inception: x.safetensors has no Conv2d"):
        planned("metrics: [psnr_y, fid/weights=x.safetensors]")


def test_an_image_without_its_description_is_named(planned: Planned) -> None:
    Path("texts.yaml").write_text("other: a cat")
    [warning] = planned(
        "metrics: [psnr_y, {clip_cosine: {texts: texts.yaml, weights: none}}]"
    ).warnings
    assert "texts.yaml has no description of e64 (it has other)" in warning


@pytest.fixture
def strict() -> Iterator[None]:
    """A metric of others that takes no image below 40 pixels, and says so in its own way."""

    @slots.metric.register("strict", facts=MetricFacts(better="higher"))
    def strict() -> Any:
        """Ours."""

        def score(sr: Any, hr: Any) -> float:
            if min(sr.shape[:2]) < 40:
                raise AssertionError("kernel is larger than the image")
            return 1.0

        return score

    yield
    for known in (slots.metric.parts, slots.metric.versions):
        known.pop("strict")


@pytest.mark.usefixtures("strict")
def test_a_metric_of_others_is_tried(planned: Planned) -> None:
    with pytest.raises(UserError, match=r"too small at x2 for strict .*: e42 .*sides of 44 pixels"):
        planned("metrics: [psnr_y, strict]", evaluate=(42, 64))
