"""Errors as data: what is wrong, where, why, and what to do.

Every mistake graphflow finds in a file becomes a :class:`Diagnostic`. The command line, the studio
and editors render the same object; :class:`GraphflowError` carries all of a file's at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

Severity = Literal["error", "warning"]
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal, or turn the order of what it shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a source file. ``line`` and ``column`` count from 1; ``text`` is the line."""

    file: str
    line: int
    column: int
    length: int = 1
    text: str = ""

    def shifted(self, offset: int, length: int = 1) -> Mark:
        """The mark ``offset`` characters further right on the same line."""
        return replace(self, column=self.column + offset, length=max(1, length))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Note:
    """The second place involved: where the operand was declared, where the name was first used."""

    message: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable ``code`` (see :mod:`graphflow.codes`), a message, where, and help."""

    code: str
    message: str
    mark: Mark | None = None
    notes: tuple[Note, ...] = ()
    help: str | None = None
    severity: Severity = "error"

    def at(self, mark: Mark | None) -> Diagnostic:
        """This diagnostic placed at ``mark`` if it has no place of its own yet."""
        return self if self.mark is not None or mark is None else replace(self, mark=mark)

    def render(self) -> str:
        """The text shown to a person, with the source line and a caret under the place.

        Control characters, such as a file may hold, are shown as escapes.

        >>> mark = Mark("mlp.yaml", 23, 24, 5, "  loss: cross_entropy(logit, y)")
        >>> print(Diagnostic("GF020", "unknown name 'logit'", mark).render().splitlines()[0])
        mlp.yaml:23:24: error GF020: unknown name 'logit'
        """
        where = f"{self.mark}: " if self.mark else ""
        lines = [f"{where}{self.severity} {self.code}: {self.message}", *self._below()]
        lines.append(f"  help: {self.help or f'graphflow explain {self.code} says more'}")
        return _seen(lines)

    def where(self) -> str:
        """The place with its line and the notes with theirs, for whoever shows the message and the
        help otherwise; empty where nothing is known of it.

        >>> Diagnostic("GF020", "unknown name 'logit'", Mark("mlp.yaml", 23, 24)).where()
        'mlp.yaml:23:24'
        """
        return _seen([*([str(self.mark)] if self.mark else []), *self._below()])

    def _below(self) -> list[str]:
        """The line that is marked, and the notes with theirs."""
        lines = _excerpt(self.mark)
        for note in self.notes:
            at = f"{note.mark}: " if note.mark else ""
            lines += [f"  note: {at}{note.message}", *_excerpt(note.mark)]
        return lines

    def to_json(self) -> dict[str, object]:
        """The same as plain data, for ``--json`` and editors."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            **_place(self.mark),
            "notes": [{"message": note.message, **_place(note.mark)} for note in self.notes],
            "help": self.help,
        }


class GraphflowError(Exception):
    """One or more diagnostics. The only exception that bad input may raise."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(d.render() for d in diagnostics))

    def __reduce__(self) -> tuple[type[GraphflowError], tuple[Diagnostic, ...]]:
        """From one process to another with all that it says."""
        return type(self), self.diagnostics


def fail(
    code: str,
    message: str,
    mark: Mark | None = None,
    *,
    notes: Sequence[Note] = (),
    help: str | None = None,
) -> NoReturn:
    """Raise a :class:`GraphflowError` with a single diagnostic."""
    raise GraphflowError(Diagnostic(code, message, mark, tuple(notes), help))


@contextmanager
def placed(mark: Mark | None) -> Iterator[None]:
    """Diagnostics raised inside this block without a place of their own get this one."""
    try:
        yield
    except GraphflowError as error:
        raise GraphflowError(*(d.at(mark) for d in error.diagnostics)) from None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A help line naming the closest candidates, or None when nothing is close.

    >>> did_you_mean("logit", ["logits", "loss"])
    "did you mean 'logits'?"
    """
    close = difflib.get_close_matches(name, list(dict.fromkeys(candidates)), n=3, cutoff=0.6)
    if not close:
        return None
    return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"


def _seen(lines: Iterable[str]) -> str:
    """Lines as a text in which control characters stand as escapes."""
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], "\n".join(lines))


def _excerpt(mark: Mark | None, width: int = 96) -> list[str]:
    """The marked line and a caret below; a very long line is cut around the place."""
    if mark is None or not mark.text:
        return []
    start = 0
    if len(mark.text) > width:
        start = max(0, min(mark.column - 1 - width // 2, len(mark.text) - width))
    shown = _UNSEEN.sub("?", mark.text)[start : start + width]
    offset = mark.column - 1 - start
    length = max(1, min(mark.length, len(shown) - offset))
    pad = "".join("\t" if c == "\t" else " " for c in shown[:offset]).ljust(offset)
    return [f"{mark.line:6d} | {shown}", f"       | {pad}{'^' * length}"]


def _place(mark: Mark | None) -> dict[str, object]:
    if mark is None:
        return {"file": None, "line": None, "column": None}
    return {"file": mark.file, "line": mark.line, "column": mark.column, "length": mark.length}
