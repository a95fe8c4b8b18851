"""The commands gathered, and the one place where errors become text and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from graphflow.cli import (
    bench,
    check,
    data,
    expand,
    explain,
    export,
    fetch,
    fmt,
    gallery,
    generate,
    import_,
    lr_find,
    new,
    predict,
    replay,
    report,
    run,
    runs,
    schema,
    show,
    step,
    studio,
    tune,
)
from graphflow.cli.output import GOOD, STOPPED, report_errors, say
from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.files import reason
from graphflow.interrupts import terminable

COMMANDS = (
    run, runs, lr_find, tune, report, check, data, fmt, expand, export, import_, show, step, replay,
    generate, predict, gallery, new, fetch, explain, schema, studio, bench,
)  # fmt: skip

app = typer.Typer(
    name="graphflow",
    help="Models that read like a page of mathematics, trained, differentiated and shown "
    "step by step.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for module in COMMANDS:
    app.command(module.NAME)(module.command)

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What the parser raises for a wrong command line."""


@app.callback(invoke_without_command=True)
def version(
    show_version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Take the options that come before a command."""
    if show_version:
        from graphflow import __version__

        typer.echo(f"graphflow {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line (that of the process by default) and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_answered(given or ["--help"]))


def _answered(arguments: list[str]) -> int:
    """The exit code of a command line; whatever is wrong with the input has been reported."""
    as_json = "--json" in arguments
    try:
        command = typer.main.get_command(app)
        with terminable(), command.make_context("graphflow", arguments) as context:
            code = command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except GraphflowError as error:
        return report_errors(error.diagnostics, as_json)
    except UsageError as error:
        return report_errors([_usage(error, arguments)], as_json)
    except KeyboardInterrupt:
        say("stopped")
        return STOPPED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except OSError as error:
        return report_errors([Diagnostic("GF007", reason(error))], as_json)
    except MemoryError as error:
        return report_errors([Diagnostic("GF060", f"out of memory: {error}")], as_json)
    return code if isinstance(code, int) else GOOD


def _usage(error: Exception, arguments: list[str]) -> Diagnostic:
    """A wrong command line as a diagnostic."""
    message = getattr(error, "format_message", error.__str__)()
    known = any(arguments[:1] == [module.NAME] for module in COMMANDS)
    about = f"graphflow {arguments[0]} --help" if known else "graphflow --help"
    return Diagnostic("GF006", message.rstrip("."), help=f"'{about}' shows how it is called")
