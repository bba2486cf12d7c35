"""Names that would like to be commands, markup, formulas or paths stay names, or are refused."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from pathlib import Path

import fuzz_names
import pytest
import tiny
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from srbench.cli.console import PlainConsole
from srbench.core.errors import UserError
from srbench.data.decoded import decode
from srbench.data.folders import images_below
from srbench.store import open_store
from srbench.study.read import read

STEERING = "\x1b[2J\x1b]0;title\x07\x9b31m\u202etxt.\x08"


def test_a_variants_name_is_the_same_to_the_letter_or_refused_at_its_place(
    tmp_path: Path,
) -> None:
    file, refused = tmp_path / "s.yaml", 0
    for name in fuzz_names.HOSTILE:
        file.write_text(f"variants:\n  {fuzz_names.quoted(name)}: {{}}\n", encoding="utf-8")
        try:
            found, said = read(file).variants[0].name, ""
        except UserError as error:
            found, said = "", str(error)
        assert found == name or re.match(r"\S*s\.yaml:\d:\d+( variants\..*)?: .+", said), said
        assert said.isprintable()
        refused += bool(said)
    assert refused < len(fuzz_names.HOSTILE) * 0.3  # most strange names are names


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "a\tb", "\u202egnp", "\udc80"])
def test_an_image_whose_name_has_control_characters_is_refused(tmp_path: Path, name: str) -> None:
    tiny.save_crop("coffee", tmp_path / "plain.png")
    (tmp_path / "plain.png").rename(tmp_path / f"{name}.png")
    with pytest.raises(
        UserError, match="its name has a control character, or is not UTF-8; rename"
    ) as caught:
        decode(images_below(tmp_path, "folder"), "photos", "eval", 2)
    assert str(caught.value).isprintable()


def test_a_studys_file_name_is_held_to_the_same(tmp_path: Path) -> None:
    file = tmp_path / "\x1b[2J.yaml"
    file.write_text("seeds: 3\n")
    again = file.rename(tmp_path / "con.yaml.yaml")
    with pytest.raises(UserError, match=r"con\.yaml\.yaml: the study's own name would end"):
        read(again)
    again.rename(file)
    with pytest.raises(UserError, match=r"\\x1b\[2J\.yaml: the file's name becomes") as caught:
        read(file)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("shown", [str, Text, Panel, "cell"], ids=["str", "Text", "Panel", "cell"])
def test_no_text_steers_the_terminal(shown: object) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, force_terminal=False, width=200)
    if shown == "cell":
        table = Table("name")
        table.add_row(Text(STEERING))
        console.print(table)
    else:
        console.print(shown(STEERING), markup=False)  # type: ignore[operator]
    assert not fuzz_names.TERMINAL.search(out.getvalue())
    assert "\\x1b[2J" in out.getvalue()


def test_a_terminal_keeps_its_own_colours() -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, force_terminal=True, color_system="standard", width=80)
    console.print("[red]mistake[/red] of", Text("\x1b[32mmine"))
    assert out.getvalue() == "\x1b[31mmistake\x1b[0m of \\x1b[32mmine\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n in fuzz_names.HOSTILE if "/" not in n and n.strip(". ") and "\x00" not in n]
)
def test_a_database_is_the_file_of_that_very_name_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    with suppress(UserError):
        open_store(name).close()
    made = {path.name for path in folder.iterdir() if path.is_file()}
    assert all(file.startswith(name) for file in made), made
    assert [p for p in tmp_path.rglob("*") if folder not in (p, *p.parents)] == [tmp_path / "in"]


@pytest.mark.slow
def test_a_report_prints_its_path_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tiny.finished(tmp_path.parent))
    assert tiny.called("report", "tiny", "-o", str(tmp_path / "[red]x[/red]")) == 0
    assert f"Report: {tmp_path}/[red]x[/red]/tiny/index.html" in capsys.readouterr().out
