"""docs/python.md is true: its blocks are the cells of one notebook, executed in a kernel.

The slow test takes a minute or two: trainings of seconds, and what processes need to start.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tiny

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
ELSEWHERE = ("import wandb", "import mlflow")  # services, which a test does without
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


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_is_python(block: str) -> None:
    compile(block, "python.md", "exec")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the notebook's own packages
def test_the_page_is_a_notebook_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient", reason="no nbclient")
    nbformat = pytest.importorskip("nbformat", reason="no nbformat")
    pytest.importorskip("ipykernel", reason="no ipykernel")
    for name, value in tiny.environment(tmp_path).items():
        if name != "PYTHONPATH":
            monkeypatch.setenv(name, value)
    cells = [TENSORBOARD, *(b for b in BLOCKS if not b.startswith(ELSEWHERE))]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = {cell["source"]: str(cell["outputs"]) for cell in notebook.cells}
    [run] = [text for cell, text in shown.items() if cell.startswith("found = srbench.run")]
    assert "<svg" in run
    assert "8 of 8 runs" in run
    assert "for Jupyter support" not in run  # rich would ask for ipywidgets
    [own] = [text for cell, text in shown.items() if "Brightness" in cell]
    assert "failed" not in own
    assert (tmp_path / "reports" / "first" / "index.html").is_file()
    assert len(list((tmp_path / "logs").glob("*/*"))) >= 4
