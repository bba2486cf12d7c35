"""Parts in a file beside the study: read, checked against their laws, and named where they fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from srbench.core import part_files, slots
from srbench.core.errors import StudyError
from srbench.study import identity
from srbench.study.conformance import checked
from srbench.study.read import Study, read

PARTS = '''\
from torch import nn
from srbench.core.slots import activation, attention

@attention.register("{name}")
class Mine(nn.Identity):
    """{doc}"""
    def __init__(self, channels: int, *, gain: float = {gain}) -> None:
        super().__init__()
'''


@pytest.fixture(autouse=True)
def nothing_in_use() -> Iterator[None]:
    yield
    part_files.use([])


def study(
    folder: Path, *, name: str = "mine", gain: float = 1.0, doc: str = "Ours.", more: str = ""
) -> Study:
    (folder / "my_blocks.py").write_text(PARTS.format(name=name, gain=gain, doc=doc) + more)
    file = folder / "own.yaml"
    file.write_text(f"parts: [my_blocks.py]\nvariants: {{plain: {{}}, a: {{attention: {name}}}}}\n")
    return read(file)


def test_a_study_has_the_parts_of_its_file_and_no_other_study_has(tmp_path: Path) -> None:
    assert study(tmp_path).variants[1].tree.model["attention"]["gain"] == 1.0
    other = tmp_path / "other.yaml"
    other.write_text("variants: {plain: {}, a: {attention: mine}}\n")
    with pytest.raises(StudyError, match="'mine' is unknown"):
        read(other)
    assert read(other, parts=[tmp_path / "my_blocks.py"]).overrides[0].startswith("--parts")
    assert study(tmp_path, name="renamed").variants[1].tree.model["attention"].name == "renamed"
    assert "mine" not in slots.attention.parts


def test_code_not_comments_decides_the_version_and_the_digest_of_the_code(tmp_path: Path) -> None:
    def version(**changes: str | float) -> str:
        return identity.versions_of_tree(study(tmp_path, **changes).variants[1].tree)  # type: ignore[arg-type]

    before, code = version(), identity.code_digest()
    assert version(more="# a remark\n") == before
    assert version(more="X = 1\n") != before
    assert identity.code_digest() != code
    assert {one.name for one in part_files.shipped()} == {"my_blocks"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "se"}, "my_blocks.py:4: TypeError: attention 'se' is registered twice"),
        ({"more": "\nx = nothing"}, "my_blocks.py:10: NameError: name 'nothing'"),
        ({"more": "\nraise SystemExit(3)"}, "my_blocks.py:10: SystemExit: 3"),
    ],
)
def test_a_file_that_fails_is_named_with_its_line(
    tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    with pytest.raises(StudyError, match=says):
        study(tmp_path, **changes)  # type: ignore[arg-type]
    assert "mine" not in slots.attention.parts


def test_a_missing_file_is_named_where_the_study_names_it(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("parts: nowhere.py\n")
    with pytest.raises(StudyError, match=r"own.yaml:1:1 parts: .*nowhere.py: cannot be read"):
        read(tmp_path / "own.yaml")


def test_check_names_the_broken_law_and_what_was_found(tmp_path: Path) -> None:
    study(tmp_path, doc="Nothing.")
    [part] = checked([part_files.read(tmp_path / "my_blocks.py")])
    assert (part.slot, part.name) == ("attention", "mine")
    assert [one.law for one in part.broken] == ["cites_its_source"]
    assert "cites nothing" in part.broken[0].found
    assert part.unexplained == ("gain",)  # a hint, no broken law
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(StudyError, match="registers no part"):
        checked([part_files.read(tmp_path / "empty.py")])


def test_an_error_is_reported_once_with_its_line(tmp_path: Path) -> None:
    study(tmp_path, more="        self.weight = undefined\n")
    broken = checked([part_files.read(tmp_path / "my_blocks.py")])[0].broken
    [found] = [one.found for one in broken]
    assert found.endswith("my_blocks.py:9: NameError: name 'undefined' is not defined")
