"""Printed commands: a shell reads back what was meant, and no password is shown."""

from __future__ import annotations

import shlex

import pytest

from srbench.core.command_line import as_typed, command, masked_command, masked_text


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


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("--db=postgresql://me:s3cret@host:5432/db", "--db=postgresql://me:***@host:5432/db"),
        ("postgresql://me@server:s3/c:r@et@host/db", "postgresql://me@server:***@host/db"),
        ("postgresql://me:s3cret word@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:s3cret@/db", "postgresql://:***@/db"),
        ("postgresql:///db?password=s3cret&user=me", "postgresql:///db?password=***&user=me"),
        ("postgresql:///db?user=me&sslpassword=s3", "postgresql:///db?user=me&sslpassword=***"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("ray://host:10001", "ray://host:10001"),
    ],
)
def test_passwords_are_masked_wherever_they_stand_in_a_url(word: str, shown: str) -> None:
    assert as_typed(["srbench", "run", "a b", word]) == shlex.join(["srbench", "run", "a b", shown])
    assert masked_command(shlex.join(["srbench", word])) == shlex.join(["srbench", shown])


def test_a_text_that_is_no_command_is_masked_too() -> None:
    assert masked_text("(postgresql://me:s3@host/db) is not it") == (
        "(postgresql://me:***@host/db) is not it"
    )
    assert masked_command("it's postgresql://me:s3@host/db") == "it's postgresql://me:***@host/db"
    assert masked_command("it's 'quoted  as' before") == "it's 'quoted  as' before"
