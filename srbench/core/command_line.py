"""Commands of srbench as text that a shell takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from os import PathLike

PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def command(
    verb: str, word: str | PathLike[str], options: Sequence[str] = (), db: str | None = None
) -> str:
    """A command to copy: its words are quoted, and a database that was named is named again.

    A password in the URL of a database is not shown. A word that begins with a dash stands behind
    `--`, where no option is expected.
    """
    given = str(word)
    db = db and PASSWORD.sub(r"\1***@", db)
    end = ["--"] if given.startswith("-") else []
    database = ["--db", db] if db is not None else []
    if end:
        return shlex.join(["srbench", verb, *options, *database, *end, given])
    return shlex.join(["srbench", verb, given, *options, *database])
