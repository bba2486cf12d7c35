"""Printed commands: a shell reads back what was meant, and no password is shown."""

from __future__ import annotations

import shlex

import pytest

from srbench.core.command_line import command


@pytest.mark.parametrize(
    ("word", "db", "wanted"),
    [
        ("quickstart", None, ["quickstart"]),
        ("a study", "my rows.sqlite", ["a study", "--db", "my rows.sqlite"]),
        ("-odd", "x.sqlite", ["--db", "x.sqlite", "--", "-odd"]),
        ("s", "postgresql://me@host/db", ["s", "--db", "postgresql://me@host/db"]),
        ("s", "postgresql://me:s3cret@host/db", ["s", "--db", "postgresql://me:***@host/db"]),
    ],
)
def test_a_shell_reads_the_words_and_no_password_is_shown(
    word: str, db: str | None, wanted: list[str]
) -> None:
    assert shlex.split(command("report", word, db=db)) == ["srbench", "report", *wanted]
