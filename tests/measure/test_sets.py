"""Scores of a whole set: against piq's own, by law, and what is said where they cannot be had."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import piq
import pytest
import torch
from piq.feature_extractors import fid_inception

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.pretrained import WeightsMissing
from srbench.core.slots import Image
from srbench.measure import named
from srbench.measure.distributions import frechet, sureness
from srbench.measure.forward import resolved
from srbench.measure.inception import features, inception, logits
from srbench.measure.scores import PROTOCOLS, Pictured, metrics_named, score_sets
from srbench.measure.sets import Answers, SetScore

slots.load()
DRAWN = np.random.default_rng(0)


def images(n: int, side: int = 40) -> tuple[Image, ...]:
    return tuple(DRAWN.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(n))


def repeated(lr: Image) -> Image:
    return lr.repeat(2, 0).repeat(2, 1)


def answers(n: int = 3, again: Any = repeated) -> Answers:
    lr = images(n, 20)
    return Answers(tuple(map(str, range(n))), lr, images(n), tuple(map(again, lr)), again)


def score(name: str) -> SetScore:
    found: SetScore = named.choice(name).build()()
    return found


# Fréchet distance and Inception Score


@pytest.mark.parametrize("n", [60, 200])
def test_the_frechet_distance_is_piqs(n: int) -> None:
    generator = torch.Generator().manual_seed(n)
    one = torch.randn(n, 12, generator=generator, dtype=torch.float64)
    other = 1.5 * torch.randn(n + 5, 12, generator=generator, dtype=torch.float64) + 0.3
    assert frechet(one, other) == pytest.approx(float(piq.FID()(one, other)), rel=1e-4)


def test_the_frechet_distance_of_few_wide_features_is_that_of_the_formula() -> None:
    """As with real sets: covariances of rank 4 in 30 dimensions."""
    one, other = torch.randn(5, 30).double(), torch.randn(5, 30).double()
    product = torch.cov(one.T) @ torch.cov(other.T)
    root = torch.linalg.eigvals(product).real.clamp(min=0).sqrt().sum()
    wanted = (one.mean(0) - other.mean(0)).square().sum() - 2 * root
    wanted += torch.cov(one.T).trace() + torch.cov(other.T).trace()
    assert frechet(one, other) == pytest.approx(float(wanted), abs=1e-4)
    assert frechet(one, one.flip(0)) == pytest.approx(0, abs=1e-9)


def test_the_inception_score_is_piqs_in_one_split() -> None:
    classes = 3 * torch.randn(20, 50, generator=torch.Generator().manual_seed(0)).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a softmax without dimension, and a spread of one
        wanted, _ = piq.isc.inception_score(classes, num_splits=1)
    assert sureness(classes) == pytest.approx(float(wanted), rel=1e-4)
    assert sureness(classes[:1]) == pytest.approx(1)
    assert sureness(1000 * torch.eye(5)) == pytest.approx(5)


def test_a_set_against_itself_has_distance_zero() -> None:
    hr = images(3)
    same = Answers(("a", "b", "c"), images(3, 20), hr, hr, repeated)
    values = score("fid/weights=none")(same)
    assert len(values) == 3
    assert max(values) < 1e-6 < min(score("fid/weights=none")(answers()))
    assert math.isnan(score("fid/weights=none")(answers(1))[0])  # one image has no distance


def test_features_are_piqs_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = inception("none")
    state = {
        name.replace("classes.", "fc."): tensor for name, tensor in random.state_dict().items()
    }
    torch.save(state, tmp_path / "inception.pth")
    monkeypatch.setattr(fid_inception, "load_state_dict_from_url", lambda *_, **__: state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's old arguments
        theirs = piq.feature_extractors.InceptionV3().eval()
    hr = images(2)
    ours = features(hr, str(tmp_path / "inception.pth"))
    x = torch.tensor(np.stack(hr)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        wanted = theirs(x)[0].flatten(1).double()
    assert torch.allclose(ours, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))
    assert logits(ours, "none").shape == (2, 1008)


@pytest.mark.parametrize("name", ["fid", "inception_score"])
def test_weights_that_are_not_there_are_one_plain_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="inception: there is no file"):
        score(f"{name}/weights={tmp_path / 'none.pth'}")(answers())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth has no Conv2d_1a_3x3"):
        inception(str(tmp_path / "other.pth"))


# diversity


def test_diversity_is_zero_without_noise_and_grows_with_it() -> None:
    given = answers()
    found = [np.mean(score(f"diversity/noise={n}")(given)) for n in (0, 2, 5, 20)]
    assert found[0] == 0
    assert found == sorted(found)
    assert score("diversity/noise=5")(given) == score("diversity/noise=5")(given)


def test_diversity_of_the_noise_itself_is_its_size() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    given = Answers(("a",), (grey,), (grey,), (grey,), lambda lr: lr)
    assert score("diversity/noise=8/draws=8")(given)[0] == pytest.approx(8, rel=0.02)


def test_another_metric_under_noise_is_that_metric_without_it() -> None:
    given = answers()
    psnr = slots.metric.parse("psnr_y").build()()
    plain = [psnr(sr, hr) for sr, hr in zip(given.sr, given.hr, strict=True)]
    assert score("noisy/noise=0")(given) == pytest.approx(plain)
    assert named.stated(named.choice("noisy/of=l1")).better == "lower"
    smooth = np.full((40, 40, 3), 128, np.uint8)
    clean = Answers(("a",), (smooth[::2, ::2],), (smooth,), (smooth,), repeated)
    worse = [score(f"noisy/noise={n}")(clean)[0] for n in (2, 5, 20)]
    assert worse == sorted(worse, reverse=True)


# descriptions


def test_a_missing_text_file_or_description_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        score(f"clip_cosine/texts={tmp_path / 'none.yaml'}")
    (tmp_path / "texts.yaml").write_text("coins: old coins\n")
    with pytest.raises(UserError, match=r"has no description of 0 \(it has coins\)"):
        score(f"clip_cosine/texts={tmp_path / 'texts.yaml'}/weights=none")(answers())


def test_a_cosine_stands_at_each_image(tmp_path: Path) -> None:
    pytest.importorskip("open_clip", reason="the extra clip is not installed")
    (tmp_path / "texts.yaml").write_text("'0': old coins\n'1': a page\n'2': gravel\n")
    found = score(f"clip_cosine/texts={tmp_path / 'texts.yaml'}/weights=none")(answers())
    assert len(set(found)) == 3
    assert all(-1 <= value <= 1 for value in found)


# names, outputs, and what is wanting


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("psnr_y", "psnr_y"),
        ("psnr_y/x2", "psnr_y/x2"),
        ("diversity/noise=10", "diversity"),  # the default
        ("diversity/noise=5.0/x2", "diversity/noise=5/x2"),
        ({"diversity": {"noise": 2, "draws": 8}}, "diversity/noise=2/draws=8"),
        ({"noisy": {"of": "l1"}}, "noisy/of=l1"),
        ("fid/weights=/some/where/inception.pth", "fid/weights=/some/where/inception.pth"),
    ],
)
def test_a_metrics_name_says_its_settings(written: Any, name: str) -> None:
    assert named.read(written, 4, ()) == name == named.read(name, 4, ())


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("diversty", "did you mean 'diversity'"),
        ("diversity/nose=5", "did you mean 'noise'"),
        ("diversity/noise=-1", "-1 is not 0 to 255"),
        ("diversity/noise=5/x3", "/x3 is no output smaller than x4"),
        ("clip_cosine", "texts names a YAML file"),
        ({"noisy": {"of": "fid"}}, "noisy is of a metric of two images"),
    ],
)
def test_a_mistake_in_a_metric_is_named(written: Any, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        named.read(written, 4, ("metrics", 0))


def test_each_output_has_its_scores_of_the_set_and_one_that_is_not_there_has_none() -> None:
    net = slots.model.parse({"superresnet": {"outputs": "first", "channels": 4}}).build()(4)
    pictured = [Pictured("a", lr, hr, resolved(net, lr)) for lr, hr in
                zip(images(2, 12), images(2, 48), strict=True)]  # fmt: skip
    pairs, whole = metrics_named(["psnr_y", "diversity/x2", "diversity"], 4)
    assert (list(pairs), list(whole)) == (["psnr_y"], ["diversity/x2", "diversity"])
    values, why = score_sets(net, pictured, PROTOCOLS["sr-y-v1"], 4, whole)
    assert min(values["diversity/x2"]) > 0
    assert np.isnan(values["diversity"]).all()
    assert not why


def test_a_score_that_cannot_be_had_takes_no_other_with_it() -> None:
    _, whole = metrics_named(["fid/weights=nowhere.pth", "diversity"], 2)
    net = slots.model.parse("bicubic").build()(2)
    pictured = [Pictured(str(n), lr, repeated(lr), resolved(net, lr)) for n, lr in
                enumerate(images(2, 12))]  # fmt: skip
    values, why = score_sets(net, pictured, PROTOCOLS["sr-y-v1"], 2, whole)
    assert list(values) == ["diversity"]
    assert why[0].startswith("fid/weights=nowhere.pth is not scored: inception: there is no file")
