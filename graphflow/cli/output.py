"""What every command prints with: results on stdout, all else on stderr, JSON on one line."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from graphflow.diagnostics import Diagnostic

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

GOOD, FAILED, WRONG, STOPPED = 0, 1, 2, 130
"""Exit codes."""
WIDTH = 120
"""How wide tables are where nothing says how wide the terminal is."""


def console(stderr: bool = False) -> Console:
    """A console on stdout or stderr as they are now. Lines of text are not broken; tables are as
    wide as the terminal or, where there is none, as ``COLUMNS`` says.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else shutil.get_terminal_size((WIDTH, 0)).columns
    return Console(file=stream, width=width, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """A line for the person at the terminal, apart from the result."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """One JSON value on one line of stdout. Numbers that JSON lacks (NaN, infinity) become null."""
    print(json.dumps(_finite(value), ensure_ascii=False), flush=True)


def report_errors(diagnostics: Sequence[Diagnostic], as_json: bool = False) -> int:
    """Print what is wrong with the input; the exit code for it."""
    stderr = console(stderr=True)
    for diagnostic in diagnostics:
        stderr.print(coloured(diagnostic))
    if as_json:
        print_json({"errors": [d.to_json() for d in diagnostics]})
    return WRONG


def coloured(diagnostic: Diagnostic) -> Text:
    """A rendered diagnostic with its parts set apart."""
    from rich.text import Text

    text = Text(diagnostic.render())
    text.highlight_regex(r"\b(error|warning) GF\d+", "bold red")
    text.highlight_regex(r"(?m)^ +\| +\^+$", "bold red")
    text.highlight_regex(r"(?m)^  help:", "bold green")
    text.highlight_regex(r"(?m)^  note:", "bold cyan")
    return text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on stdout; columns marked with ``>`` are aligned right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for number, column in enumerate(columns):
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold",
                         no_wrap=number == 0)  # fmt: skip
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def shown_number(value: float) -> str:
    """A metric as people read it: four significant digits, no needless zeros."""
    return f"{value:.4g}"


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
