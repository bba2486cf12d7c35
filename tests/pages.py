"""A page of docs/ as a reader uses it: the files that it shows, its commands and its code.

A paragraph that ends with "`name.py`:" names the file in the fenced block below it. Indented and
```sh blocks are commands. Comments that readers do not see mark what a test must know:

    <!-- not run: needs a GPU -->   the next block is checked, not executed, for this reason
    <!-- given: first -->           the reader has the study `first` of the tutorial, finished
    <!-- given: first, postgresql://me@host/srbench -->  and this database
    <!-- before: cp -r db other --> a test executes this line before the next block
    <!-- notebook -->               the Python blocks are the cells of one notebook
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"<!-- (not run|given|before|notebook)(?:: (.+?))? -->")
FILE = re.compile(r"`([\w./-]+\.\w+)`:$")
SETTING = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Block:
    """A block of a page.

    kind      its language; sh are commands
    file      the file that the reader saves
    reason    why no test runs it
    before    lines that a test executes before it
    """

    kind: str
    text: str
    line: int
    file: str = ""
    reason: str = ""
    before: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines of commands, without comments and those that are continued joined."""
        joined = self.text.replace("\\\n", " ")
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line]


@dataclass(frozen=True)
class Page:
    """A page by its file; its name is the path in the repository."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def given(self) -> list[str]:
        """What the reader has: `first`, the address of a database."""
        found = (mark for token in self.tokens for mark in MARK.findall(token.content))
        return [one for mark, of in found if mark == "given" for one in of.split(", ")]

    @property
    def is_notebook(self) -> bool:
        """Whether the Python blocks are the cells of one notebook."""
        return any("<!-- notebook -->" in token.content for token in self.tokens)

    @cached_property
    def blocks(self) -> list[Block]:
        """Every block, in order."""
        found: list[Block] = []
        file = reason = ""
        before: list[str] = []
        for token in self.tokens:
            if token.type in ("fence", "code_block"):
                kind = token.info.split(" ")[0] if token.type == "fence" else "sh"
                line = (token.map or [0])[0] + 1
                found.append(Block(kind, token.content, line, file, reason, tuple(before)))
                file, reason, before = "", "", []
            elif marks := MARK.findall(token.content):
                reason = next((of for mark, of in marks if mark == "not run"), reason)
                before += [of for mark, of in marks if mark == "before"]
            elif token.type == "inline":
                named = FILE.search(token.content)
                file = named[1] if named else ""
        return found

    @cached_property
    def mentioned(self) -> list[str]:
        """What the page names in passing, between backticks."""
        children = (child for token in self.tokens for child in token.children or ())
        return [child.content for child in children if child.type == "code_inline"]


def words(line: str) -> list[str]:
    """The arguments of a command line of srbench, settings of the environment before it left out.

    Empty for another program.
    """
    given = shlex.split(line)
    while given and SETTING.match(given[0]):
        given.pop(0)
    return given[1:] if given[:1] == ["srbench"] else []


ELSEWHERE = ("README.md", "CONTRIBUTING.md", "db/README.md")
"""Pages outside docs/: checked, not executed."""
PAGES = [Page(p) for p in (*sorted((ROOT / "docs").rglob("*.md")), *map(ROOT.joinpath, ELSEWHERE))]
