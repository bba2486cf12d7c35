"""Commands of srbench as text that a shell takes, without the passwords of databases."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from os import PathLike

PASSWORD = re.compile(r"(://[^:/\s]*:).*@|([?&](?:ssl)?password=)[^&\s]*", re.DOTALL)


def masked(word: str) -> str:
    """A word with *** for the password of a database's URL, wherever it stands in the URL."""
    return PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", word)


def masked_text(text: str) -> str:
    """A message, each of its words masked."""
    return " ".join(map(masked, text.split(" "))) if "://" in text else text


def as_typed(words: Iterable[str]) -> str:
    """A command line as text, masked."""
    return shlex.join(map(masked, words))


def masked_command(text: str) -> str:
    """A command line that is text already, masked."""
    try:
        return as_typed(shlex.split(text)) if masked(text) != text else text
    except ValueError:  # not of a shell
        return masked_text(text)


def command(
    verb: str, word: str | PathLike[str], options: Sequence[str] = (), db: str | None = None
) -> str:
    """A command to copy: its words are quoted, and a database that was named is named again.

    A password in the URL of a database is not shown. A word that begins with a dash stands behind
    `--`, where no option is expected.
    """
    given = str(word)
    end = ["--"] if given.startswith("-") else []
    database = ["--db", db] if db is not None else []
    if end:
        return as_typed(["srbench", verb, *options, *database, *end, given])
    return as_typed(["srbench", verb, given, *options, *database])
