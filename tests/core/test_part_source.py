"""What of a script or notebook defines a part, and files of parts; a second in all."""

from __future__ import annotations

from pathlib import Path

import pytest

from srbench.core import part_files
from srbench.core.errors import InputError, UserError
from srbench.core.part_source import sliced

SCRIPT = """\
from __future__ import annotations
import torch
from torch import nn
import srbench
LEAK = 0.1
def helper(x):
    return other(x) * LEAK  # a remark
def other(x):
    return helper(x) if x else x
class Base(nn.Module): pass
@srbench.attention.register("mine")
class Mine(Base):
    def forward(self, x): return helper(x)
torch.manual_seed(0)
study = srbench.read("a.yaml")
if __name__ == "__main__":
    srbench.run(study)
"""


def test_a_part_brings_what_it_uses_and_nothing_else() -> None:
    text = sliced((SCRIPT,), ("Mine",))
    for there in ("__future__", "nn", "import srbench", "LEAK = 0.1", "def other", "class Base"):
        assert there in text
    for absent in ("manual_seed", "read(", "run(", "remark"):
        assert absent not in text


def test_definitions_come_before_their_use_whatever_the_order_of_the_cells() -> None:
    cells = ("class Mine(Base): pass", "class Base: old = 1", "not python (", "class Base: pass")
    text = sliced(cells, ("Mine",))
    assert text.index("class Base") < text.index("class Mine")
    assert "old" not in text
    exec(text, {})


def test_a_registration_by_call_is_brought() -> None:
    cells = ("def mine(): ...", 'loss.register("mine")(mine)', "from srbench import loss")
    assert "register" in sliced(cells, ("mine",))


def test_another_part_changes_nothing_of_this_one() -> None:
    assert sliced((SCRIPT, "x = 3"), ("Mine",)) == sliced((SCRIPT,), ("Mine",))


def test_a_part_that_is_not_at_the_top_level_is_an_error() -> None:
    with pytest.raises(InputError, match="not defined at the top level"):
        sliced((SCRIPT,), ("make.<locals>.Mine",))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("wrong.py", "x = (", r"wrong.py:1: is not Python: '\(' was never closed"),
        ("wrong.py", "\x00", "is not Python"),
        ("wrong-name.py", "", "letters, digits and _"),
        ("numpy.py", "", "numpy is the name of an installed module"),
        ("json.py", "", "json is the name of an installed module"),
    ],
)
def test_a_file_that_is_no_module_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=says):
        part_files.read(tmp_path / name)
