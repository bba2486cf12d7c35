"""`srbench reproduce`: what was stored comes out again, and what does not is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow


def test_every_run_comes_out_the_same_to_the_last_bit(done: Path) -> None:
    said = tiny.srbench(done, "reproduce", "99")
    assert said.count("identical") == 5
    assert "4 of 4 identical" in said


def test_a_number_that_differs_in_its_last_place_is_found(copy: Path) -> None:
    other = "update segments set numbers = json_set(numbers, '$[3]', (numbers ->> 3) + 1)"
    tiny.changed(copy, f"{other} where first = 1 and count > 3")
    said = tiny.srbench(copy, "reproduce", "1", code=1)
    assert "different" in said
    assert "1 of 27 points, first loss_step 4:" in said


def test_images_that_changed_are_named_and_nothing_is_trained(copy: Path) -> None:
    tiny.save_crop("coffee", copy / "photos" / "chelsea.png")
    said = tiny.srbench(copy, "reproduce", "4", code=1)
    assert said.count("changed") == 8
    assert "Nothing was compared: 4 runs drawn by --seed" in said
    assert "the training images changed since" in said
    assert "training tiny" not in said


def test_a_database_without_finished_runs_is_named(copy: Path) -> None:
    tiny.changed(copy, "update runs set weights_sha256 = null")
    assert "no finished training yet" in tiny.srbench(copy, "reproduce", code=2)
