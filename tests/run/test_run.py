"""`srbench run` from a study file to rows: everything is trained once, and scored."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import tiny
from PIL import Image

pytestmark = pytest.mark.slow

RUNS = "select variant, seed, attempt, state, steps, run_id from v_runs order by variant, seed"
TRAINED = "select variant, seed, attempt, state from v_runs where total_steps > 0"
COUNT = "select count(*) from runs where attempt = 1 and fence = 1"


def test_every_variant_is_trained_with_every_seed(done: Path) -> None:
    found = [row[:5] for row in tiny.rows(done, RUNS)]
    assert found == [
        ("bicubic", 0, 1, "done", 0),
        ("plain", 0, 1, "done", 9),
        ("plain", 1, 1, "done", 9),
        ("residual", 0, 1, "done", 9),
        ("residual", 1, 1, "done", 9),
    ]


def test_the_loss_of_every_step_is_kept(done: Path) -> None:
    found = tiny.rows(
        done, "select run_id, name, group_concat(step) from v_curves group by 1, 2 order by 1, 2"
    )
    epochs, each = "3,6,9", ",".join(map(str, range(1, 10)))
    per_run = {"loss": epochs, "loss_step": each, "lr": epochs}
    validated = ("psnr_y", "psnr_rgb", "ssim_y", "psnr_above_flat")
    per_run |= {f"validate/{name}": epochs for name in validated}
    runs = {run for run, *_ in found}
    assert len(runs) == 4
    assert found == [(run, *curve) for run in sorted(runs) for curve in sorted(per_run.items())]


def test_every_image_is_scored_by_every_metric(done: Path) -> None:
    found = tiny.rows(done, "select distinct variant, seed, image, metric from v_scores")
    images, metrics = sorted(tiny.CROPS), ["psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "l1"]
    cells = [(v, s) for v, s, *_ in tiny.rows(done, RUNS)]
    assert sorted(found) == sorted((*c, i, m) for c in cells for i in images for m in metrics)
    assert tiny.rows(done, "select count(*) from v_scores where value is null") == [(0,)]


def test_weights_and_pictures_lie_where_the_database_says(done: Path) -> None:
    weights = tiny.rows(done, "select weights, weights_sha256 from runs where weights is not null")
    files = [done / "db" / file for file, _ in weights]
    assert [hashlib.sha256(f.read_bytes()).hexdigest() for f in files] == [s for _, s in weights]
    assert len(set(files)) == 4
    pictures = [done / "db" / file for (file,) in tiny.rows(done, "select path from pictures")]
    assert len(pictures) == 5 * 3 * 3
    assert all(picture.is_file() for picture in pictures)
    assert not list(done.rglob("*.checkpoint"))


def test_the_summary_answers_the_question(done: Path) -> None:
    said = " ".join((done / "said.txt").read_text().split())
    assert "Does a bilinear residual help a tiny CARN?" in said
    assert "residual differs from plain by" in said
    assert "runs 4 of 4 done" in said


def test_the_same_command_again_prints_the_same_and_opens_nothing(done: Path) -> None:
    """No step, no torch, and neither database nor frames, so it costs the same for 10,000 runs."""
    before = tiny.rows(done, "select * from runs"), tiny.rows(done, "select * from points")
    code = (
        "import sys; from srbench.cli.main import main\n"
        "try: main(['run', 'tiny.yaml'])\n"
        "finally: print({'torch', 'optuna', 'pandas', 'sqlalchemy'} & set(sys.modules))"
    )
    said = tiny.ended(tiny.started(done, sys.executable, "-c", code), 0)
    assert said.endswith("set()\n")
    assert (done / "said.txt").read_text().endswith(said.removesuffix("set()\n"))
    assert before == (
        tiny.rows(done, "select * from runs"),
        tiny.rows(done, "select * from points"),
    )


def test_a_report_without_a_search_leaves_torch_and_optuna_out(done: Path) -> None:
    code = (
        "import sys; from srbench.cli.main import main\n"
        "try: main(['report', 'tiny'])\n"
        "finally: print({'torch', 'optuna', 'scipy.stats'} & set(sys.modules))"
    )
    assert tiny.ended(tiny.started(done, sys.executable, "-c", code), 0).endswith("set()\n")


def test_two_commands_at_once_train_everything_once(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, tiny.STUDY.replace("seeds: 2", "seeds: 1"))
    both = [tiny.start(folder, "run", "tiny.yaml") for _ in range(2)]
    for process in both:
        tiny.ended(process, 0)
    assert tiny.rows(folder, "select count(*) from runs") == tiny.rows(folder, COUNT) == [(3,)]
    assert tiny.rows(folder, "select distinct state from runs") == [("done",)]
    assert tiny.rows(folder, "select count(*) from v_scores") == [(3 * 3 * 5,)]


def test_a_new_evaluation_set_trains_nothing_and_adds_scores(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(copy)
    before = tiny.rows(copy, "select * from runs")
    tiny.save_crop("coffee", copy / "more" / "cup.png")
    added = tiny.STUDY.replace(
        "eval: [{folder: {path: photos}}]",
        "eval: [{folder: {path: photos}}, {folder: {path: more}}]",
    )
    (copy / "tiny.yaml").write_text(added)
    assert tiny.called("run", "tiny.yaml") == 0
    assert "0 of 5 runs to do, 5 to score" in capsys.readouterr().out
    assert tiny.rows(copy, "select * from runs") == before
    scored = "select count(*) from v_scores where image = 'cup'"
    assert tiny.rows(copy, scored) == [(5 * 5,)]


def test_fresh_adds_an_attempt_beside_what_is_there(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    sha = (
        "select variant, weights_sha256 from v_runs join runs on runs.id = run_id"
        " where runs.seed = 0 order by 1"
    )
    before = tiny.rows(copy, sha)
    options = ["--fresh", "--seeds", "1", "--only", "res*", "--workers", "1"]
    assert tiny.called("run", "tiny.yaml", *options) == 0
    assert tiny.rows(copy, TRAINED + " order by 1, 2") == [
        ("plain", 0, 2, "done"),
        ("residual", 0, 2, "done"),
    ]
    assert tiny.rows(copy, "select count(*) from runs where attempt = 1") == [(5,)]
    assert tiny.rows(copy, sha) == before  # the same bits a second time


def test_a_setting_on_the_command_line_makes_other_runs(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    options = ["--set", "train.epochs=1", "--set", "channels=3", "--seeds", "1", "--workers", "1"]
    assert tiny.called("run", "tiny.yaml", *options) == 0
    assert tiny.rows(copy, TRAINED + " and steps = 3 order by 1") == [
        ("plain", 0, 1, "done"),
        ("residual", 0, 1, "done"),
    ]
    [(epochs,)] = tiny.rows(copy, "select distinct json_extract(train, '$.epochs') from trainings "
                                  "where steps = 3")  # fmt: skip
    assert epochs == 1


def test_flat_images_leave_every_curve_and_answer_finite(tmp_path: Path) -> None:
    """A black frame and a white page, which bicubic and networks may reproduce exactly."""
    folder = tiny.lay_out(tmp_path)
    for name, level in (("black", 0), ("white", 255)):
        Image.new("RGB", (48, 48), (level,) * 3).save(folder / "photos" / f"{name}.png")
    printed = tiny.srbench(folder, "run", "tiny.yaml")
    assert "RuntimeWarning" not in printed
    assert "2 of 5 images of" in printed
    assert "(black and white) left out" in printed
    curves = "select count(*), count(value) from v_curves where name like 'validate/%'"
    ((points, finite),) = tiny.rows(folder, curves)
    assert points == finite > 0
    exact = "select count(*) from v_scores where image = 'black' and not_finite = 'inf'"
    assert tiny.rows(folder, exact) != [(0,)]
    assert "inf" not in (printed + tiny.srbench(folder, "report", "tiny")).split()
