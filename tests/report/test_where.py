"""Effects by image: sorted by spread, the same in table and page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from states import only
from synthetic_study import failed, study, with_runs

from srbench.analysis.effects import difference
from srbench.analysis.image_effects import where_it_helps
from srbench.analysis.run_matrix import image_scores
from srbench.report import write
from srbench.report.where import section, where_shown


def test_it_agrees_with_the_effects_taken_one_by_one() -> None:
    results = with_runs(study(seeds=4), lambda row: failed(row) if row["run_id"] == 6 else row)
    found, scores = where_it_helps(results), image_scores(results)
    for v, name in enumerate(found.variants):
        for i, image in enumerate(found.images):
            own, base = (seeds_of(scores, variant, image) for variant in (name, "plain"))
            effect = difference(own, base)
            assert found.mean[i, v] == pytest.approx(effect.mean)
            assert found.half[i, v] == pytest.approx(effect.half)


def seeds_of(scores: pd.DataFrame, variant: str, image: str) -> dict[int, float]:
    mine = scores[(scores["variant"] == variant) & (scores["image"] == image)]
    return dict(zip(mine["seed"], mine["value"], strict=True))


def test_images_on_which_variants_differ_most_come_first() -> None:
    found = where_it_helps(study(images=30))
    assert (np.diff(found.spread) <= 0).all()


def test_the_table_has_a_row_for_each_image_and_variant() -> None:
    assert len(where_shown(study(images=5)).rows) == 5 * 3


def test_a_lost_baseline_leaves_nothing_to_show() -> None:
    assert section(with_runs(study(), only("plain", failed))).shows["rows"] == []


@pytest.mark.slow
def test_two_hundred_images_show_the_first_and_the_rest_on_demand(
    browser: Any, tmp_path: Any
) -> None:
    page = browser.new_page()
    page.goto(write([study(images=200)], tmp_path, plotly="beside").as_uri())
    rows = page.locator("#where tbody tr:visible")
    assert rows.count() == 20
    page.get_by_role("button", name="show all 200 images").press("Enter")
    assert rows.count() == 200
    page.get_by_role("button", name="show the first 20").click()
    page.locator("#where").get_by_label("filter").fill("image199")
    assert rows.count() == 1
    page.close()
