"""What a YAML file holds, with the place of everything: scalars, mappings, sequences.

A :class:`Value` is what :mod:`graphflow.spec.yaml12` reads and :mod:`graphflow.spec.document`
understands. :func:`plain` forgets the places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from yaml.scanner import Scanner

from graphflow.diagnostics import Mark

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word, number or text. ``text`` is what was written, without quotes, lines folded;
    ``value`` is what it means under YAML 1.2's core schema. ``lines`` are the file's.
    """

    value: str | int | float | bool | None
    text: str
    mark: Mark
    lines: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def at(self, offset: int, length: int = 1) -> Mark:
        r"""The place in the file of ``length`` characters of :attr:`text` from ``offset`` on.

        Right for plain, quoted, folded and literal scalars: the text may stand on several lines,
        and an escape such as ``''`` or ``\u03bb`` takes more room in the file than in the text.
        """
        line = self.mark.text
        for quote in (0, 1):
            start = self.mark.column - 1 + quote
            if line[start : start + len(self.text)] == self.text:
                return self.mark.shifted(quote + offset, length)
        places = _places(self)
        row, column = places[min(offset, len(places) - 1)]
        last_row, last_column = places[min(offset + max(1, length) - 1, len(places) - 1)]
        text = self.lines[row]
        end = last_column if last_row == row else len(text) - 1
        return Mark(self.mark.file, row + 1, column + 1, max(1, end - column + 1), text)


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping: its entries in the order of the file. Keys are unique."""

    items: tuple[tuple[Scalar, Value], ...]
    mark: Mark

    def get(self, key: str) -> Value | None:
        """The value under ``key``, or None."""
        return next((value for name, value in self.items if name.text == key), None)


@dataclass(frozen=True, slots=True)
class Seq:
    """A sequence of values."""

    items: tuple[Value, ...]
    mark: Mark


Value = Scalar | Map | Seq


def plain(value: Value) -> Plain:
    """The same as Python data, without places.

    >>> mark = Mark("a.yaml", 1, 1)
    >>> plain(Seq((Scalar(1, "1", mark), Scalar("x", "x", mark)), mark))
    [1, 'x']
    """
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, Seq):
        return [plain(item) for item in value.items]
    return {key.text: plain(item) for key, item in value.items}


@lru_cache(maxsize=64)
def _places(scalar: Scalar) -> tuple[tuple[int, int], ...]:
    """(row, column), from 0, of every character of the text, and of the place after the last.

    Folding and indentation change white space only, so the visible characters of the text and of
    the file correspond one to one; white space is placed after the character before it.
    """
    visible = _visible(scalar.lines, scalar.mark.line - 1, scalar.mark.column - 1)
    row, column = scalar.mark.line - 1, scalar.mark.column - 1
    found: list[tuple[int, int]] = []
    for char in scalar.text:
        if char.isspace():
            found.append((row, column))
            column += 1
        else:
            row, column, width = next(visible, (row, column, 0))
            found.append((row, column))
            column += width
    return (*found, (row, column))


def _visible(lines: tuple[str, ...], row: int, column: int) -> Iterator[tuple[int, int, int]]:
    """(row, column, width) of every visible character of the scalar that begins here."""
    style = lines[row][column : column + 1]
    if style and style in "|>":
        row, column = row + 1, 0
    elif style and style in "\"'":
        column += 1
    while row < len(lines):
        line = lines[row]
        while column < len(line):
            width, char = _unit(line, column, style)
            if not char.isspace():
                yield row, column, width
            column += width
        row, column = row + 1, 0


def _unit(line: str, column: int, style: str) -> tuple[int, str]:
    """How many characters of the file stand for one of the text, and that one."""
    char = line[column]
    if style == "'" and char == "'":
        return 2, char
    if style != '"' or char != "\\":
        return 1, char
    code = line[column + 1 : column + 2]
    if code in Scanner.ESCAPE_CODES:
        width = 2 + Scanner.ESCAPE_CODES[code]
        return width, chr(int(line[column + 2 : column + width], 16))
    return 2, Scanner.ESCAPE_REPLACEMENTS.get(code, " ")
