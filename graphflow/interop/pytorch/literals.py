"""Literals that instances of one block may differ in.

While a class is written, such a number stands between marks that no file can contain: text from a
file is escaped to ASCII. When all instances are known, a literal in which they differ becomes an
argument of the class, every other one is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphflow.interop.source import number, quoted

OPEN, BETWEEN, CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{OPEN}([^{BETWEEN}]*){BETWEEN}([^{CLOSE}]*){CLOSE}")


def marked(value: object, hint: str) -> str:
    """A literal of the file; ``hint`` names the argument it may become."""
    if isinstance(value, tuple | list):
        comma = "," if len(value) == 1 else ""
        return f"({', '.join(marked(item, hint) for item in value)}{comma})"
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return repr(value)
    assert isinstance(value, int | float)
    return wrapped(number(value, "torch").text, hint)


def wrapped(text: str, hint: str) -> str:
    """Text as a literal."""
    return f"{OPEN}{hint}{BETWEEN}{text}{CLOSE}"


def found(text: str) -> list[tuple[str, str]]:
    """The literals of a text: (hint, literal)."""
    return [(m[1], m[2]) for m in _MARKED.finditer(text)]


def skeleton(text: str) -> str:
    """The text without its literals."""
    return _MARKED.sub(OPEN, text)


def length(text: str) -> int:
    """Characters of a text, every literal counted alike: all instances are laid out in one way."""
    return len(_MARKED.sub("000", text))


def filled(text: str, values: Iterator[str] | None = None) -> str:
    """The text with its literals written out, or replaced by the next ones of ``values``."""
    return _MARKED.sub(lambda m: m[2] if values is None else next(values), text)
