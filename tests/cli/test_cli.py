"""The commands, as typed: what they print, what they refuse in one line, their exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import resource
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from srbench import __version__
from srbench.cli import latency
from srbench.cli.main import app
from srbench.core.errors import UserError
from srbench.store.problems import explained_by_sqlite
from srbench.study.files import study_file, study_name

COMMANDS = [c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def done(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished study, stood in."""
    folder = tiny.finished(tmp_path_factory.getbasetemp())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the study, not run yet, stood in."""
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    return tmp_path


def printed(capsys: Captured, *arguments: str, code: int = 0) -> str:
    ended = tiny.called(*arguments)
    out, err = capsys.readouterr()
    assert (ended, err) == (code, "")
    return out


def refused(capsys: Captured, *arguments: str) -> str:
    """The one line that says what was wrong."""
    ended = tiny.called(*arguments)
    out, err = capsys.readouterr()
    assert (ended, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("srbench: error: ")
    return err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_teaches_every_command(command: str, capsys: Captured) -> None:
    said = printed(capsys, *command.split(), "--help")
    assert f"Usage: srbench {command}" in said
    assert len(said.splitlines()) > 8


def test_help_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    code = (
        "import sys; from srbench.cli.main import main\n"
        f"for command in {[[], *([command] for command in COMMANDS)]}:\n"
        "    try: main([*command, '--help'])\n"
        "    except SystemExit: pass\n"
        "late = {'torch', 'numpy', 'pandas', 'optuna', 'sqlalchemy', 'ray', 'PIL', 'yaml'}\n"
        "print(late & set(sys.modules))"
    )
    said = tiny.ended(tiny.started(tmp_path, sys.executable, "-c", code), 0)
    assert said.splitlines()[-1] == "set()"


def test_too_few_file_handles_are_named_with_the_limit(done: Path, capsys: Captured) -> None:
    printed(capsys, "list")  # everything is imported
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        said = refused(capsys, "list")
        with pytest.raises(sqlite3.OperationalError) as unopened:
            sqlite3.connect(tiny.DB)
        explained = explained_by_sqlite(unopened.value)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    for line in (said, str(explained)):
        assert "Too many open files: the limit is 3; raise it by `ulimit -n 4096`" in line


def test_the_version_is_printed(capsys: Captured) -> None:
    assert printed(capsys, "--version") == f"srbench {__version__}\n"


def test_a_plan_as_json_names_every_variant_and_cost(here: Path, capsys: Captured) -> None:
    plan = json.loads(printed(capsys, "plan", "tiny.yaml", "--json"))
    assert plan["runs"] == 5
    found = {v["variant"]: (v["steps"], v["seeds"], v["dead"]) for v in plan["variants"]}
    trained = (9, [0, 1], 0)
    assert found == {"plain": trained, "residual": trained, "bicubic": (0, [0], 0)}
    assert not (here / "db").exists()


def test_a_plan_in_words_shows_shapes_and_time(done: Path, capsys: Captured) -> None:
    said = " ".join(printed(capsys, "plan", "tiny.yaml").split())
    assert "9 steps of 4x3x8x8 to 4x3x16x16; 2 seeds" in said
    assert "It takes about" in said


def test_only_seeds_and_set_choose_what_is_planned(here: Path, capsys: Captured) -> None:
    options = ["--only", "res*", "--seeds", "3", "--set", "train.epochs=5"]
    plan = json.loads(printed(capsys, "plan", "tiny.yaml", "--json", *options))
    found = [(v["variant"], v["seeds"], v["steps"]) for v in plan["variants"]]
    assert found == [
        ("plain", [0, 1, 2], 15),
        ("residual", [0, 1, 2], 15),
        ("bicubic", [0], 0),
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("mine.yml", "mine.yml"),
        ("mine", "mine.yml"),
        ("tiny", "tiny.yaml"),
        ("other", "ablations/other.yaml"),
        ("Tiny.yaml", "did you mean 'tiny.yaml'?"),
        ("photos", "photos: is a folder; name a study file"),
    ],
)
def test_a_study_file_is_found_with_its_suffix_or_without(
    here: Path, given: str, found: str
) -> None:
    (here / "ablations").mkdir()
    for name in ("mine.yml", "ablations/other.yaml"):
        (here / name).touch()
    try:
        message = str(study_file(Path(given)))
    except UserError as error:
        message = str(error)
    assert message.endswith(found) or found in message
    assert study_name("mine.yml") == study_name("mine.yaml") == "mine"


def test_datasets_are_listed_and_checked(here: Path, capsys: Captured) -> None:
    said = printed(capsys, "datasets")
    assert re.search(r"^photos +3 ", said, re.M)
    assert re.search(r"^manga109 +not on this machine *$", said, re.M)
    assert re.search(r"^eval +3 +0\.64 .* 32\.51 ", printed(capsys, "datasets", "photos"), re.M)


def test_a_folder_has_its_fingerprint_printed(
    here: Path, capsys: Captured, data_folder: Path
) -> None:
    said = printed(capsys, "datasets", str(data_folder / "Set5" / "HR"))
    assert re.search(r"^eval +5 +0\.57 .* 33\.66 ", said, re.M)


def test_a_folder_with_broken_files_is_read_whole(here: Path, capsys: Captured) -> None:
    (here / "photos" / "half.png").write_bytes(b"\x89PNG")
    (here / "photos" / "film.mp4").touch()
    assert tiny.called("datasets", "photos/") == 2
    out, err = capsys.readouterr()
    assert re.search(r"^eval +3 .*^refused +1 .*half.png.*^not used +1 +.mp4", out, re.M | re.S)
    assert "photos/: 1 of 4 images cannot be used" in err
    assert tiny.called("datasets", "photos/", "--json") == 2
    [(reason, [file])] = json.loads(capsys.readouterr().out)["eval"]["refused"].items()
    assert (file.endswith("half.png"), "broken" in reason) == (True, True)


def test_studies_and_runs_are_listed_with_their_numbers(done: Path, capsys: Captured) -> None:
    [study] = json.loads(printed(capsys, "list", "--json"))
    assert (study["study"], study["runs"], study["done"], study["failed"]) == ("tiny", 5, 5, 0)
    runs = json.loads(printed(capsys, "list", "tiny", "--json"))
    query = "select run_id, variant, seed, state from v_runs where role != 'interpolation'"
    numbered = {tuple(run[k] for k in ("run", "variant", "seed", "state")) for run in runs}
    assert numbered == set(tiny.rows(done, query))
    assert "residual" in printed(capsys, "list", "tiny")
    assert "tiny" in refused(capsys, "list", "tinny")


def test_a_run_is_shown_whole_with_a_curve(done: Path, capsys: Captured) -> None:
    [(run,)] = tiny.rows(done, "select run_id from v_runs where variant = 'plain' and seed = 1")
    assert json.loads(printed(capsys, "show", str(run), "--json"))["state"] == "done"
    shown = printed(capsys, "show", str(run))
    assert f"{run}: plain of tiny, seed 1" in shown
    assert "psnr_y" in shown
    assert len(shown.splitlines()) <= 30
    assert "fit version" in printed(capsys, "show", str(run), "--all").replace("_", " ")
    assert "validate/psnr_y over steps 3 to 9, last" in shown
    assert "lr over steps 3 to 9, last 0.002" in printed(capsys, "show", str(run), "--curve", "lr")
    assert "known: loss, loss_step, lr" in refused(capsys, "show", str(run), "--curve", "los")


def test_sql_is_csv_through_a_pipe(done: Path, capsys: Captured) -> None:
    query = "select variant, count(*) as n from v_runs group by 1 order by 1"
    text = printed(capsys, "sql", query)
    assert list(csv.reader(io.StringIO(text))) == [
        ["variant", "n"], ["bicubic", "1"], ["plain", "2"], ["residual", "2"],
    ]  # fmt: skip
    assert json.loads(printed(capsys, "sql", query, "--json"))[0] == {"variant": "bicubic", "n": 1}


@pytest.mark.parametrize(
    "statement",
    ["delete from runs", "drop table runs", "update runs set steps = 0", "attach 'x' as x",
     "select 1; delete from runs", "pragma journal_mode = delete", "selekt 1"],
)  # fmt: skip
def test_sql_only_reads(done: Path, capsys: Captured, statement: str) -> None:
    before = tiny.rows(done, "select count(*), sum(steps) from runs")
    refused(capsys, "sql", statement)
    assert tiny.rows(done, "select count(*), sum(steps) from runs") == before


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("select psnr from runs", "sql: no such column: psnr; views are v_runs,"),
        ("select * from run", "sql: no such table: run; views are v_runs,"),
        ("select median(value) from v_scores", "sql: no such function: median"),
        ("select json('{')", "sql: malformed JSON"),
        ("select :seed", "write values in place of parameters"),
    ],
)
def test_a_mistake_in_a_statement_is_not_called_damage(
    done: Path, capsys: Captured, statement: str, says: str
) -> None:
    assert says in refused(capsys, "sql", statement)


def test_a_study_is_timed_by_the_name_that_reports_take(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is the one that its latest plan was made of."""
    shutil.copy(done / "tiny.yaml", tmp_path)
    shutil.copytree(done / "db", tmp_path / "db")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    db = str(tmp_path / tiny.DB)
    assert latency._file(Path("tiny"), db) == tmp_path / "tiny.yaml"
    with pytest.raises(UserError, match="there is no such study file"):
        latency._file(Path("tinny"), db)


def test_too_little_memory_for_torch_is_one_line(done: Path) -> None:
    limited = f"ulimit -v 800000; exec {sys.executable} -m srbench verify"
    ran = tiny.started(done, "bash", "-c", limited)
    out, err = ran.communicate(timeout=60)
    assert (ran.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("srbench: error: not enough memory (libtorch")


def test_export_writes_every_point(done: Path, tmp_path: Path, capsys: Captured) -> None:
    printed(capsys, "export", "tiny", "-o", str(tmp_path / "one"))
    curves = (tmp_path / "one" / "curves.csv").read_text().splitlines()
    assert len(curves) - 1 == tiny.rows(done, "select count(*) from points")[0][0]
    said = printed(capsys, "export", "-o", str(tmp_path / "all")).split("\n")
    assert str(tmp_path / "all" / "runs.csv") in said
    assert all(Path(line).is_file() for line in said if line)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").touch()
    assert "holds a report" in refused(capsys, "export", "tiny", "-o", str(tmp_path / "page"))


def test_a_report_is_written(done: Path, tmp_path: Path, capsys: Captured) -> None:
    said = printed(capsys, "report", "tiny", "-o", str(tmp_path))
    page = tmp_path / "tiny" / "index.html"
    assert f"Report: {page}" in said
    assert "Does a bilinear residual help a tiny CARN?" in page.read_text()


@pytest.mark.parametrize("browser", [True, False])
def test_a_report_is_opened_in_the_browser(
    browser: bool, done: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or browser)
    said = printed(capsys, "report", "tiny", "-o", str(tmp_path), "--open")
    page = tmp_path / "tiny" / "index.html"
    assert opened == [page.as_uri()]
    assert (f"No browser was found; open this file in one: {page}" in said) == (not browser)


def test_doctor_looks_at_machine_and_database(done: Path, capsys: Captured) -> None:
    checks = {c["what"]: c for c in json.loads(printed(capsys, "doctor", "--json"))}
    assert checks["integrity"]["ok"]
    assert str(done / tiny.DB) in checks["database"]["found"]
    assert "integrity" in printed(capsys, "doctor")


def test_doctor_calls_a_new_installation_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    assert "none here yet" in printed(capsys, "doctor")
    assert "look" in printed(capsys, "doctor", "--db", "nothing.sqlite", code=1)


WRONG = {  # what tests/faults/bad_inputs.yaml does not hold
    "a run of no file": (["run", "nothing.yaml"], "nothing.yaml: there is no such study file"),
    "a wrong precision": (
        ["run", "tiny.yaml", "--precision", "fp8"], "--precision: 'fp8' is unknown",
    ),
    "a wrong order": (
        ["run", "tiny.yaml", "--memory-order", "rows"], "not one of 'auto', 'contiguous',",
    ),
    "a device beyond": (["run", "tiny.yaml", "--device", "cuda:99"], "--device: 'cuda:99'"),
    "missing images": (["run", "tiny.yaml", "--set", "data.train={folder: {path: gone}}"], "gone"),
    "a small SSIM": (["run", "tiny.yaml", "--set", "train.loss=ssim", "--set", "data.patch=8"], ""),
    "no database": (["sql", "select 1"], "there is no database yet"),
    "no run's name": (["show", "x"], "x: write a run's number, or STUDY:VARIANT"),
    "a figure of no format": (
        ["cosines", "--data", "photos", "--texts", "x", "-o", "x.gif"], "neither .svg nor .pdf",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_line_and_code_2(here: Path, capsys: Captured, mistake: str) -> None:
    arguments, words = WRONG[mistake]
    assert words in refused(capsys, *arguments)
    assert (here / "tiny.yaml").read_text() == tiny.STUDY


@pytest.mark.parametrize(
    "arguments", [["show", "99"], ["report", "tinny"], ["export", "tinny"], ["sql", ""]]
)
def test_what_the_database_does_not_hold_is_code_2(
    done: Path, capsys: Captured, arguments: list[str]
) -> None:
    refused(capsys, *arguments)


def test_a_port_in_use_is_one_line(done: Path, capsys: Captured) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert tiny.called("dashboard", "--port", str(taken.getsockname()[1])) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "lines"),
    [("--version", 0), ("blocks", 0), ("run tiny.yaml", 0),
     ("sql 'select * from points, points as again limit 100000'", 1)],
)  # fmt: skip
def test_a_closed_pipe_is_no_error(done: Path, command: str, lines: int) -> None:
    process = tiny.start(done, *shlex.split(command))
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


def test_an_encoding_without_a_sign_ends_nothing(done: Path) -> None:
    command = [sys.executable, "-m", "srbench", "run", "--help"]
    surroundings = tiny.environment(done) | {"PYTHONIOENCODING": "ascii"}
    said = subprocess.run(command, env=surroundings, capture_output=True, check=True)
    assert b"Train and score" in said.stdout
