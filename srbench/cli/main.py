"""`srbench`: the list of its commands, and their exit codes.

0 done; 1 some runs failed, or a check did; 2 a mistake in the input; 130, 143, 129 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from srbench import __version__
from srbench.cli import database, files, findings, latency, measuring, parts, runs
from srbench.cli.options import err, out
from srbench.core.command_line import masked_text
from srbench.core.errors import UserError, first_line, printable
from srbench.core.files import reason_of
from srbench.core.signals import exit_on_signal

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
NO_MEMORY = "failed to map segment", "annot allocate memory"
"""What the dynamic linker says where a library does not fit into memory."""
Misuse: type[Any] = typer.BadParameter.__bases__[0]
"""What typer raises for a command line that it cannot parse."""


@app.callback(invoke_without_command=True)
def srbench(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Ablation benchmarks for image super-resolution.

    Does this block help, by how much, and at what cost? Write the question as a study file, then

      srbench plan   ablations/quickstart.yaml    what will run, and what it costs
      srbench run    ablations/quickstart.yaml    train and score every variant
      srbench report quickstart                   one HTML page with the answer
    """
    if version:
        out.print(f"srbench {__version__}")
        raise typer.Exit


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Studies": (
        parts.new, runs.run, runs.plan, latency.latency, findings.report,
        findings.claims, findings.compare,
    ),
    "Parts and images": (
        parts.blocks, parts.datasets, parts.check, parts.schema, measuring.scores,
        measuring.verify, measuring.cosines, files.upscale,
    ),
    "Runs and rows": (
        database.list_, database.show, runs.reproduce, database.sql, files.export, database.import_,
        database.merge, database.dashboard, database.doctor,
    ),
}  # fmt: skip
"""Every command, in the order that help shows them. A command's name is its function's."""

for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a mistake in the input is one line and exit code 2."""
    try:
        with exit_on_signal():
            given = list(arguments) if arguments is not None else None
            code = app(args=given, prog_name="srbench", standalone_mode=False)
        sys.exit(code)
    except Misuse as error:
        _explain(error)
    except UserError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.exit(0)
        _fail(f"{error.filename or 'the output'}: {reason_of(error)}")
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and not any(sign in str(error) for sign in NO_MEMORY):
            raise
        _fail(f"not enough memory ({first_line(error)}); is it limited (ulimit -v, SLURM --mem)?")


def _explain(misuse: Any) -> None:
    """Print help if no arguments were given, else one line with the mistake."""
    command = misuse.ctx.command_path if misuse.ctx else "srbench"
    problem = " ".join(misuse.format_message().split())
    if not problem or "NoArgs" in type(misuse).__name__:
        misuse.show()
        sys.exit(2)
    _fail(f"{problem.rstrip('.')} ({command} --help tells more)")


def _fail(message: str, code: int = 2) -> None:
    plain: dict[str, Any] = {"markup": False, "emoji": False}  # whose table is a file to open
    err.print("srbench: error:", end=" ", style="bold red", **plain)
    err.print(printable(masked_text(message)), soft_wrap=True, **plain)
    sys.exit(code)
