"""Sets with an LR of their own making: same HR, another manifest, the same pixels each time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import Save

from srbench.core.errors import UserError
from srbench.core.slots import dataset
from srbench.data.combinations import pipeline
from srbench.data.datasets import folder, mixture, pairs
from srbench.data.decoded import Dataset, decode
from srbench.data.degradations import noise, shrink
from srbench.data.degraded import degraded
from srbench.data.resizers import bilinear, matlab_bicubic, nearest


@pytest.fixture
def own(tmp_path: Path, save: Save) -> partial[object]:
    save("hr/a.png", 12, 16, seed=1)
    save("hr/b.png", 12, 16, seed=2)
    return partial(folder, path=str(tmp_path / "hr"))


def decoded(part: object) -> Dataset:
    return decode(part("eval", 2), "degraded", "eval", 2)  # type: ignore[operator]


@pytest.mark.parametrize("by", [bilinear, nearest, partial(matlab_bicubic, precision="float")])
def test_the_lr_is_what_the_degradation_makes(own: object, by: Any) -> None:
    for image in decoded(partial(degraded, of=own, by=by)).images:
        wanted = shrink(by(2), image.hr, 2, np.random.default_rng(0))
        assert np.array_equal(image.lr, wanted)


def test_each_degradation_is_a_set_of_its_own(own: object) -> None:
    sets = [decoded(partial(degraded, of=own, by=by)) for by in (bilinear, matlab_bicubic)]
    assert len({one.manifest for one in [decoded(own), *sets]}) == 3


def test_random_degradations_give_the_same_pixels_each_time(own: object) -> None:
    noisy = partial(pipeline, of=(bilinear, noise))
    first, second = (decoded(partial(degraded, of=own, by=noisy)) for _ in range(2))
    assert first.manifest == second.manifest
    a, b = (image.lr for image in first.images)
    assert not np.array_equal(a, b)


def test_draws_follow_the_image_and_not_its_neighbours(
    own: partial[object], tmp_path: Path
) -> None:
    noisy = partial(degraded, of=own, by=partial(pipeline, of=(bilinear, noise)))
    before = decoded(noisy).images[1]
    (tmp_path / "hr" / "a.png").unlink()
    assert np.array_equal(decoded(noisy).images[0].lr, before.lr)


def test_lr_files_of_the_set_are_left_aside(tmp_path: Path, save: Save) -> None:
    save("hr/a.png", 12, 16, seed=1)
    save("lr/a.png", 6, 8, seed=9)
    paired = partial(pairs, hr=str(tmp_path / "hr"), lr=str(tmp_path / "lr"))
    (image,) = decoded(partial(degraded, of=paired, by=bilinear)).images
    assert np.array_equal(image.lr, bilinear(2)(image.hr, np.random.default_rng(0)))


def test_degraded_sets_mix(own: object) -> None:
    both = partial(mixture, of=(own, partial(degraded, of=own, by=bilinear)))
    assert [image.lr is None for image in decoded(both).images] == [True, True, False, False]


def test_a_degradation_that_keeps_the_size_is_refused(own: object) -> None:
    with pytest.raises(UserError, match="use one resizer"):
        decoded(partial(degraded, of=own, by=noise))


def test_it_is_written_in_a_study_as_it_reads() -> None:
    written = {"degraded": {"of": "photos", "by": {"pipeline": {"of": ["bicubic", "jpeg"]}}}}
    assert dataset.parse(written).to_json()["degraded"]["of"] == "photos"
