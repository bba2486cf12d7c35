"""The documentation is true: what its pages show is checked, and executed as a reader would.

Commands run in this process where they can; trainings take a few seconds a page, together about
two minutes, so pages that train are slow. `python -m pytest tests/test_pages.py -rs` lists the
blocks that no test runs, with the reason.
"""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import typer
import yaml
from pages import PAGES, Block, Page, words
from postgres_server import postgres, server  # noqa: F401  fixtures

from srbench.cli.main import app
from srbench.core import part_files
from srbench.study.read import read
from srbench.study.study_keys import KEYS

COMMANDS = typer.main.get_command(app)
NO_CODE = {"text", "toml", ""}
LATEX = re.compile(r"\\(?:input|includegraphics)(?:\[.*?\])?\{(.+?)\}")
EXECUTED = {page.name: page for page in PAGES if page.name.startswith("docs/")}
FIRST = """\
question: What helps a tiny CARN?
scale: 2
data:
  train: {folder: {path: my/photos}}
  patches: 12
  patch: 32
  validate: {folder: {path: my/photos}}
  eval: [{folder: {path: my/photos}}]
train: {epochs: 2, batch: 4, optimizer: {adam: {lr: 2.0e-3}}, validations: 2}
seeds: 3
base: {carn: {channels: 4, blocks: 1, units: 1}}
variants:
  plain: {}
  attention_scse: {attention: scse}
  skip_bilinear: {skip: bilinear}
baseline: plain
min_effect: 0.3 dB
"""
TENSORBOARD = """
class SummaryWriter:
    def __init__(self, folder):
        self.folder = __import__("pathlib").Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
    def add_scalar(self, name, value, step):
        assert isinstance(value, float) and isinstance(step, int)
        (self.folder / "events").open("a").write(f"{name} {step}\\n")
import importlib.util, sys, types
if importlib.util.find_spec("tensorboard") is None:
    sys.modules["torch.utils.tensorboard"] = types.SimpleNamespace(SummaryWriter=SummaryWriter)
"""


def pictures(folder: Path) -> None:
    """What every reader has: a photo, a folder of small ones and one of larger ones."""
    tiny.save_crop("astronaut", folder / "photo.png")
    for crop in tiny.CROPS:
        tiny.save_crop(crop, folder / "my" / "photos" / f"{crop}.png")
    tiny.save_crop("coffee", folder / "my" / "large" / "coffee.png", side=128)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader who has finished a first study; for copying."""
    folder = tmp_path_factory.mktemp("first")
    pictures(folder)
    (folder / "first.yaml").write_text(FIRST)
    tiny.srbench(folder, "run", "first.yaml")
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, and a process without parts, database or GPU of its own."""
    for name, value in tiny.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    for name in ("SRBENCH_DB", "SRBENCH_DATA", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    part_files.use([])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_can_be_read(page: Page, folder: Path) -> None:
    """Commands and options exist, Python compiles, YAML is valid and studies are studies."""
    (folder / "first.yaml").write_text(FIRST)
    for block in page.blocks:
        if block.file:
            save(block, folder)
    for block in page.blocks:
        try:
            check(block, folder)
        except Exception as problem:
            raise AssertionError(f"{page.name}:{block.line}: {problem}") from problem
    for mentioned in page.mentioned:
        if mentioned.startswith("srbench "):
            assert_known(mentioned)


def check(block: Block, folder: Path) -> None:
    """Raise an error if a block is no valid text of its language."""
    if block.kind == "python":
        compile(block.text, block.file or "page", "exec")
    elif block.kind == "yaml":
        value = yaml.safe_load(block.text)
        if isinstance(value, dict) and value.keys() <= KEYS.keys():
            file = folder / (block.file or "fragment.yaml")
            added = "" if block.file or "from" in value or "base" in value else "from: first\n"
            file.write_text(added + block.text)
            read(file)
    elif block.kind == "sh":
        for given in filter(None, map(words, block.lines)):
            name, *arguments = given
            COMMANDS.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]
    else:
        assert block.kind in NO_CODE | {"sql", "latex"}, f"a block of {block.kind}"


def assert_known(line: str) -> None:
    """A command that a sentence names exists, and its options do."""
    name, *arguments = re.split(r"[\s=]+", line)[1:]
    if name.islower() and not name.startswith("-"):
        known = {option for p in COMMANDS.commands[name].params for option in p.opts}  # type: ignore[attr-defined]
        options = {one for one in arguments if re.fullmatch(r"--?[a-z][a-z-]*", one)}
        assert options <= known | {"--help"}, line


def test_blocks_that_are_not_run_have_a_reason() -> None:
    """Those of pages outside docs/ are checked alone."""
    left = [(p.name, b.line, b.reason) for p in EXECUTED.values() for b in p.blocks if b.reason]
    print("\n".join(f"{name}:{line}: not run: {reason}" for name, line, reason in left))
    assert all(re.fullmatch(r"needs [^.]+", reason) for _, _, reason in left), left


CODE = ("sh", "python", "sql", "latex")
SAFE = ("python", "mkdir", "cp")
"""Other programs that a page may run in a test."""
TRAINS = re.compile(r"srbench run|srbench\.run")


def executed(page: Page) -> list[Block]:
    """The blocks of a page that a test executes."""
    return [b for b in page.blocks if not b.reason and not b.file and b.kind in CODE]


def pages_that_run() -> list[object]:
    """Pages with something to execute; slow where something is trained."""
    found = []
    for name, page in EXECUTED.items():
        if executed(page) and not page.is_notebook:
            trains = page.given or any(TRAINS.search(block.text) for block in executed(page))
            found.append(pytest.param(page, id=name, marks=[pytest.mark.slow] if trains else []))
    return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as in gc below
@pytest.mark.parametrize("page", pages_that_run())
def test_a_page_works(
    page: Page, folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are saved, its blocks are executed in their order, what it names is there."""
    pictures(folder)
    real: dict[str, str] = {}
    for given in page.given:
        if given == "first":
            shutil.copytree(request.getfixturevalue("first"), folder, dirs_exist_ok=True)
        else:
            real[given] = request.getfixturevalue("postgres")
    names: dict[str, object] = {"__name__": "page"}
    for block in page.blocks:
        for line in block.before:
            subprocess.run(line, shell=True, check=True)
        if block.file:
            save(block, folder)
        elif block in executed(page):
            text = block.text
            for shown, address in real.items():
                text = text.replace(shown, address)
            try:
                execute(replace(block, text=text), names, monkeypatch)
            except (Exception, SystemExit) as problem:
                raise AssertionError(f"{page.name}:{block.line}: {problem!r}") from problem
    for mentioned in page.mentioned:
        if re.match(r"(reports|upscaled|tables|export)/", mentioned):
            assert (folder / mentioned).exists(), mentioned
    gc.collect()  # connections that a command leaves to the end of its process


def save(block: Block, folder: Path) -> None:
    """Write the file that a page shows."""
    file = folder / block.file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")


def execute(block: Block, names: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute a block in this process; commands of a few other programs in a shell."""
    if block.kind == "python":
        exec(compile(block.text, "page", "exec"), names)
    elif block.kind == "sql":
        assert tiny.called("sql", block.text) == 0
    elif block.kind == "latex":
        assert [one for one in LATEX.findall(block.text) if not Path(one).is_file()] == []
    else:
        for line in block.lines:
            if given := words(line):
                assert tiny.called(*given) == 0, line
            elif setting := re.fullmatch(r"export (\w+)=(.*)", line):
                monkeypatch.setenv(*setting.groups())
            else:
                assert line.split()[0] in SAFE, f"mark what no test runs: {line}"
                subprocess.run(line, shell=True, check=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the notebook's own packages
def test_the_python_page_is_a_notebook_that_runs(folder: Path) -> None:
    client = pytest.importorskip("nbclient", reason="no nbclient")
    nbformat = pytest.importorskip("nbformat", reason="no nbformat")
    pytest.importorskip("ipykernel", reason="no ipykernel")
    page = EXECUTED["docs/python.md"]
    assert page.is_notebook
    cells = [TENSORBOARD, *(block.text for block in executed(page) if block.kind == "python")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    shown = {cell["source"]: str(cell["outputs"]) for cell in notebook.cells}
    [run] = [text for cell, text in shown.items() if cell.startswith("found = srbench.run")]
    assert "<svg" in run
    assert "8 of 8 runs" in run
    assert "for Jupyter support" not in run  # rich would ask for ipywidgets
    [own] = [text for cell, text in shown.items() if "Brightness" in cell]
    assert "failed" not in own
    assert (folder / "reports" / "first" / "index.html").is_file()
    assert len(list((folder / "logs").glob("*/*"))) >= 4
