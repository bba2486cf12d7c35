"""Views: a study that looks at another's variants, and says the rest itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

from srbench.core.errors import UserError
from srbench.study.read import Study, read

WHOLE = """\
question: the whole
data: {patches: 8, patch: 16}
train: {epochs: 3, batch: 4}
base: {carn: {channels: 4}}
variants: {plain: {}, wide: {channels: 8}, deep: {blocks: 5}}
min_effect: 0.1 dB
claims:
  - {id: wide, test: psnr_y(wide) > psnr_y(plain)}
  - {id: deep, test: psnr_y(deep) > psnr_y(plain)}
"""
ROOT = Path(__file__).parents[2]


def seen(folder: Path, view: str, whole: str = WHOLE) -> Study:
    (folder / "whole.yaml").write_text(whole)
    (folder / "view.yaml").write_text(view)
    return read(folder / "view.yaml")


def names(found: Study) -> list[str]:
    return [v.name for v in found.variants if v.role in ("baseline", "variant")]


def test_a_view_is_the_other_study_where_it_says_nothing(tmp_path: Path) -> None:
    found = seen(tmp_path, "from: whole\n")
    whole = read(tmp_path / "whole.yaml")
    assert found.variants == whole.variants
    assert (found.name, found.question, found.min_effect) == ("view", "the whole", 0.1)
    assert "from whole.yaml" in found.text


def test_only_picks_variants_and_the_claims_that_speak_of_them(tmp_path: Path) -> None:
    found = seen(tmp_path, "from: whole.yaml\nonly: [plain, d*]\n")
    assert names(found) == ["plain", "deep"]
    assert [claim.id for claim in found.claims] == ["deep"]


def test_a_view_may_leave_out_claims_that_its_setting_cannot_answer(tmp_path: Path) -> None:
    found = seen(tmp_path, "from: whole\nwithout_claims: [deep]\n")
    assert [claim.id for claim in found.claims] == ["wide"]


def test_data_and_training_are_taken_over_setting_by_setting(tmp_path: Path) -> None:
    found = seen(tmp_path, "from: whole\ntrain: {epochs: 9}\nvariants: {more: {units: 5}}\n")
    assert (found.base.train["epochs"], found.base.train["batch"]) == (9, 4)
    assert names(found) == ["plain", "wide", "deep", "more"]


def test_every_other_key_is_said_anew(tmp_path: Path) -> None:
    found = seen(tmp_path, "from: whole\nbase: {carn: {units: 1}}\nbaseline: deep\n")
    assert found.base.model["channels"] == 64
    assert found.baseline == "deep"


def test_a_view_of_a_view(tmp_path: Path) -> None:
    (tmp_path / "third.yaml").write_text("from: view\nonly: [deep]\nbaseline: deep\n")
    seen(tmp_path, "from: whole\nonly: [plain, d*]\n")
    assert names(read(tmp_path / "third.yaml")) == ["deep"]


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("from: hole\n", "view.yaml:1:1 from: there is no study 'hole' in the folder of view.yaml"),
        ("from: view\n", "view.yaml:1:1 from: 'view' leads back here"),
        ("from: [whole]\n", "view.yaml:1:1 from: the name of a study is expected"),
        ("only: [plain]\n", "view.yaml:1:1 only: only picks from another study"),
        (
            "from: whole\nwithout_claims: [dep]\n",
            "view.yaml:2:18 without_claims.0: no claim is named 'dep'",
        ),
        ("from: whole\nonly: [wid]\n", "view.yaml:2:8 only.0: no variant fits 'wid' (known: plain"),
        (
            "from: whole\nonly: [wide]\nbaseline: plain\n",
            "view.yaml:3:1 baseline: variant 'plain'",
        ),
        ("from: whole\ntrain: {epoch: 9}\n", "view.yaml:2:9 train.epoch:"),
    ],
)
def test_a_views_mistake_is_named_with_its_place(tmp_path: Path, view: str, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        seen(tmp_path, view)
    assert says in str(refusal.value)


def test_a_mistake_in_the_other_file_is_named_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"whole\.yaml:5:\d+ variants\.wide\.chanels"):
        seen(tmp_path, "from: whole\n", WHOLE.replace("channels: 8", "chanels: 8"))


def test_the_smaller_carn_studies_are_views_of_the_whole() -> None:
    whole = read(ROOT / "ablations/carn_2019.yaml")
    defined = {v.name: v.tree.model for v in whole.variants}
    for name in ("carn_2019_source", "carn_se"):
        view = read(ROOT / f"ablations/{name}.yaml")
        shared = [v for v in view.variants if v.name in defined]
        assert all(v.tree.model == defined[v.name] for v in shared)
        assert len(shared) > 10
    atrous = read(ROOT / "ablations/carn_atrous.yaml")
    for variant in atrous.variants:
        if variant.role in ("baseline", "variant"):
            intended = defined[variant.name].set("wiring", "intended")
            assert variant.tree.model == intended


def test_the_source_setting_is_the_sources() -> None:
    found = read(ROOT / "ablations/carn_2019_source.yaml")
    data, train = found.base.data, found.base.train
    assert (data["patch"] // found.scale, data["patches"], data["cut"]) == (128, 120, "fixed")
    assert (train["batch"], train["epochs"], train["loss"].name) == (3, 300, "l1")
    assert dict(train["optimizer"].settings) | {"amsgrad": True, "lr": 1e-4} == dict(
        train["optimizer"].settings
    )
    assert "random_of" in str(data["degradation"])
    assert "jpeg" in str(data["degradation"])


@pytest.mark.slow
def test_a_view_is_planned_again_when_the_other_study_changes(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    (folder / "view.yaml").write_text("from: tiny\nonly: [plain]\nseeds: 1\n")
    done = "select count(*) from runs where state = 'done'"
    tiny.srbench(folder, "run", "view.yaml")
    [(before,)] = tiny.rows(folder, done)
    (folder / "tiny.yaml").write_text(tiny.STUDY.replace("epochs: 3", "epochs: 2"))
    tiny.srbench(folder, "run", "view.yaml")
    assert tiny.rows(folder, done) == [(before + 1,)]
