"""Scores of a whole set in a whole run: kept like others, and asked for again where they failed."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch

from srbench.measure.inception import inception

pytestmark = pytest.mark.slow

STUDY = tiny.STUDY.replace(
    "min_effect: 0.3 dB",
    "min_effect: 0.3 dB\nmetrics: [psnr_y, {diversity: {noise: 5}}, fid/weights=inception.pth]",
).replace("seeds: 2", "seeds: 1")
SCORED = """select metric, count(*), count(distinct value) from scores
           where run_id = (select min(run_id) from scores) group by metric order by metric"""


def test_a_score_without_its_weights_is_asked_for_again_once_they_are_there(
    tmp_path: Path,
) -> None:
    here = tiny.lay_out(tmp_path, STUDY)
    said = tiny.srbench(here, "run", "tiny.yaml")
    assert said.count("fid/weights=inception.pth is not scored: inception: there is no file") == 1
    assert "the next srbench run tries again" in said
    assert tiny.rows(here, "select distinct state from runs") == [("done",)]
    assert tiny.rows(here, SCORED) == [("diversity/noise=5", 3, 3), ("psnr_y", 3, 3)]
    random = inception("none").state_dict()
    weights = {name.replace("classes.", "fc."): tensor for name, tensor in random.items()}
    torch.save(weights, here / "inception.pth")
    tiny.srbench(here, "run", "tiny.yaml")
    assert ("fid/weights=inception.pth", 3, 1) in tiny.rows(here, SCORED)
    tiny.srbench(here, "report", "tiny", "-o", "page")
    [page] = here.glob("page/**/index.html")
    assert "is one number of a whole set, over 3 images of folder" in page.read_text()
