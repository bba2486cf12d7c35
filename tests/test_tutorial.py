"""The tutorial is true: its files are written and its commands run, in its order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import tiny

TEXT = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^    (srbench .*)$", TEXT, re.M)]
FILES = dict(re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", TEXT, re.S))
INLINE = re.findall(r"`(srbench [^`]*)`", TEXT)


def lay_out(folder: Path) -> None:
    """The files that the reader saves, and a picture."""
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    tiny.save_crop("astronaut", folder / "photo.png")


def test_the_page_has_what_it_promises() -> None:
    assert set(FILES) == {"my_blocks.py", "mine.yaml", "search.yaml"}
    assert [words[0] for words in COMMANDS] == [
        "new", "plan", "run", "report", "show", "sql", "blocks", "blocks", "check", "blocks", "run",
        "report", "run", "report", "upscale", "export",
    ]  # fmt: skip


def test_commands_named_in_passing_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    for line in INLINE:
        command = shlex.split(line)[1]
        assert command == "COMMAND" or tiny.called(command, "--help") == 0
    capsys.readouterr()


@pytest.mark.slow
def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    lay_out(tmp_path)
    for words in COMMANDS:
        process = tiny.start(tmp_path, *words)
        out, err = process.communicate(timeout=600)
        assert (process.returncode, "Traceback" in err) == (0, False), f"{words}\n{out}\n{err}"
    assert (tmp_path / "reports" / "first" / "index.html").is_file()
    assert (tmp_path / "reports" / "mine" / "index.html").is_file()
    assert "Confirmation" in (tmp_path / "reports" / "search" / "index.html").read_text()
    assert (tmp_path / "upscaled" / "photo.png").is_file()
