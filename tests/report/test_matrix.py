"""The degradation matrix: gaps down the column, from a real study too."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from designed import crossed
from synthetic_study import study

from srbench.analysis.degradation_matrix import (
    PROTOCOLS_OWN,
    key_of,
    matrices,
    matrix_heading,
    names_of,
)
from srbench.measure.scores import PROTOCOLS
from srbench.report.degradations import matrix_shown, section
from srbench.store import open_store

CROSS = """\
question: Which training degradation holds up under others?
scale: 2
data:
  train: {folder: {path: photos}}
  patches: 12
  patch: 16
  validate: {folder: {path: photos}}
  eval:
  - {folder: {path: photos}}
  - {degraded: {of: {folder: {path: photos}}, by: {pipeline: {of: [bicubic, noise]}}}}
train: {epochs: 1, batch: 4, validations: 1}
seeds: 2
base: {carn: {channels: 4, blocks: 1, units: 1, skip: bilinear}}
variants:
  clean: {}
  noisy: {data.degradation: {pipeline: {of: [bicubic, noise]}}}
"""


def test_every_protocol_makes_lr_with_what_the_matrix_calls_its_own() -> None:
    assert {protocol.lr for protocol in PROTOCOLS.values()} == {PROTOCOLS_OWN}


def test_a_gap_is_taken_down_the_column_against_the_specialist() -> None:
    (matrix,) = matrices(crossed(lost=0.4))
    gaps = {k: e.gap.mean for k, e in matrix.entries.items() if e.gap}
    assert set(gaps) == {("noisy", "photos"), ("clean", "degraded: {by: noisy}")}
    assert list(gaps.values()) == pytest.approx([-0.4, -0.4], abs=0.05)
    assert sum(entry.own for entry in matrix.entries.values()) == 2


def test_the_heading_names_the_dearest_mismatch() -> None:
    assert "the mismatch costs 0.4" in matrix_heading(crossed())


def test_other_studies_have_no_matrix() -> None:
    assert section(study()).heading == ""


def test_names_show_settings_only_where_they_tell_apart() -> None:
    soft, hard = ({"jpeg": {"quality": [q]}} for q in (90, 10))
    assert set(names_of(map(key_of, ["bicubic", soft])).values()) == {"bicubic", "jpeg"}
    assert set(names_of(map(key_of, [soft, hard])).values()) == {
        "jpeg (quality 90)",
        "jpeg (quality 10)",
    }


@pytest.mark.slow
def test_a_real_study_has_its_matrix(tmp_path: Path) -> None:
    tiny.lay_out(tmp_path, CROSS, name="cross")
    tiny.srbench(tmp_path, "run", "cross.yaml")
    results = open_store(tmp_path / tiny.DB).reading.results("cross")
    table = matrix_shown(results)
    assert [row[1:4] for row in table.rows] == [
        ("clean", "matlab_bicubic", "matlab_bicubic"),
        ("clean", "matlab_bicubic", "bicubic, then noise"),
        ("noisy", "bicubic, then noise", "matlab_bicubic"),
        ("noisy", "bicubic, then noise", "bicubic, then noise"),
    ]
    scores = [row[4] for row in table.rows]
    assert len(set(scores)) == 4  # another LR, another score
    manifests = results.datasets.loc[results.datasets["role"] == "eval", "manifest"]
    assert manifests.nunique() == 2
