"""What can be judged of an expression's text before Python's parser sees it.

Bounds, brackets, quotes and numbers, with exact places; and the turn numbers inside dotted names
(``decoder.0.a.weight``), which Python's grammar refuses, are made readable to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from graphflow.diagnostics import Mark, fail

Place = Callable[[int, int], Mark]
"""Maps (offset, length) in an expression's text to a place in the file."""

MAX_CHARACTERS = 2_000
MAX_NESTING = 50

_TOKEN = re.compile(
    r"""(?P<triple>'''|\"\"\")
    |(?P<string>[rRbBfFuUtT]{0,2}(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
    |(?P<name>[^\W\d]\w*(?:\.\w+)*)
    |(?P<number>\.?\d(?:[eE][+-]?\d|[\w.])*)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<quote>['"])
    |(?P<odd>[#\\$?`\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]|!(?!=))
    |\s|.""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[\\'\"abfnrtv])|\\")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0+|[1-9](_?[0-9])*"
    r"|(?=[0-9_]*[.eE])([0-9](_?[0-9])*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
)
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_ODD = {
    "!": "write 'not x', or 'x != y'",
    "#": "a comment stands behind the value, outside its quotes",
}


def readable(text: str, place: Place) -> str:
    """``text`` for Python's parser, every character in its place. Raises GF004, GF023, GF025."""
    if len(text) > MAX_CHARACTERS:
        fail(
            "GF004",
            f"an expression of {len(text):,} characters; {MAX_CHARACTERS:,} is the most",
            place(0, 1),
            help="give its parts names of their own, one line each",
        )
    if not text.strip():
        fail("GF025", "an expression is missing here", place(0, 1))
    characters = list(text)
    opened: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(text):
        kind, word, start = token.lastgroup, token[0], token.start()
        if kind == "open":
            opened.append((word, start))
            if len(opened) > MAX_NESTING:
                too_deep(place(start, 1))
        elif kind == "close":
            _close(opened, word, place, start)
        elif kind == "name":
            _check_name(word, place, start)
            for part in re.finditer(r"\.[0-9]", word):
                characters[start + part.start() + 1] = "_"
        elif kind == "number":
            _check_number(word, place, start)
        elif kind == "string":
            _check_string(word, place, start)
        elif kind is not None:
            _refuse(kind, word, place(start, len(word)))
        elif word.isspace():
            characters[start] = " "
    if opened:
        bracket, start = opened[-1]
        fail("GF025", f"'{bracket}' is not closed", place(start, 1))
    return "".join(characters)


def too_deep(mark: Mark) -> None:
    """Raises GF004 for an expression nested over the limit."""
    fail(
        "GF004",
        f"the expression is nested deeper than {MAX_NESTING} levels",
        mark,
        help="give its parts names of their own, one line each",
    )


def _close(opened: list[tuple[str, int]], word: str, place: Place, start: int) -> None:
    if not opened:
        fail("GF025", f"'{word}' closes nothing", place(start, 1))
    bracket, at = opened.pop()
    if _CLOSER[bracket] != word:
        fail(
            "GF025",
            f"'{word}' closes the '{bracket}' of column {place(at, 1).column}",
            place(start, 1),
            help=f"close it with '{_CLOSER[bracket]}'",
        )


def _check_name(word: str, place: Place, start: int) -> None:
    if any(part.startswith("__") for part in word.split(".")):
        fail(
            "GF023",
            f"'{word}' is not a name of the language",
            place(start, len(word)),
            help="names begin with a letter; there are no Python objects behind them",
        )


def _check_number(word: str, place: Place, start: int) -> None:
    if not _NUMBER.fullmatch(word):
        mark = place(start, len(word))
        fail("GF025", f"'{word}' is not a number", mark, help="write 2, 0.5 or 1e-3")


def _check_string(word: str, place: Place, start: int) -> None:
    prefix = word[: min(word.find("'") % len(word), word.find('"') % len(word))].lower()
    if prefix:
        fail(
            "GF023",
            f"'{prefix}' before a text is not part of the language",
            place(start, len(word)),
            help="write the text alone: 'reflect'",
        )
    for escape in _ESCAPE.finditer(word):
        if escape[1] is None:
            fail(
                "GF025",
                "a backslash that begins no known escape",
                place(start + escape.start(), 1),
                help="write it twice, or use one of \\n \\t \\' \\\" \\x.. \\u....",
            )


def _refuse(kind: str, word: str, mark: Mark) -> None:
    if kind == "quote":
        fail("GF025", "a quote is left open", mark)
    if kind == "triple":
        fail("GF023", "a text has one quote at each end", mark, help="write 'reflect'")
    fail("GF025", f"{word!r} has no meaning in an expression", mark, help=_ODD.get(word))
