"""Plain data as YAML in the dialect that :mod:`graphflow.spec.yaml12` reads."""

from __future__ import annotations

import math
import re

from graphflow.spec.values import Plain
from graphflow.spec.yaml12 import resolve
from graphflow.spec.yaml_errors import UNREADABLE

WIDTH = 80

# A text that needs no quotes: how it may begin, and what it must not hold.
_BEGIN = re.compile(r"\w|[(/+<=^$;\\]|[-.:?][\w(]")
_NEVER = re.compile(r": | #|:$|\s$|\n")
_NEVER_IN_FLOW = re.compile(r"[,\[\]{}:?#]")


def dump(value: Plain) -> str:
    """YAML text that :func:`graphflow.spec.yaml12.read` reads as the same data.

    Block style, with short lists on one line and quotes only where they are needed.

    >>> print(dump({"let": {"hidden": 256, "rate": 1e-3}, "outputs": ["logits"]}), end="")
    let:
      hidden: 256
      rate: 0.001
    outputs: [logits]
    """
    return "\n".join(_entry("", value, "")).removeprefix(" ").removeprefix("\n") + "\n"


def _entry(head: str, value: Plain, indent: str) -> list[str]:
    """The lines of ``head value``, where ``head`` ends in ':' or '-' and stands at ``indent``."""
    if isinstance(value, str) and _literal(value):
        chomp = "" if value.endswith("\n") else "-"
        lines = value.removesuffix("\n").split("\n")
        return [f"{head} |{chomp}", *(f"{indent}  {line}" if line else "" for line in lines)]
    short = _flow(value)
    if short is not None and (
        not isinstance(value, list) or len(head) + len(indent) + len(short) < WIDTH
    ):
        return [f"{head} {short}"]
    inner = f"{indent}  " if head else indent
    lines = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines += _shifted(_entry(f"{_text(key, False)}:", item, inner), inner)
    elif isinstance(value, list):
        for item in value:
            lines += _shifted(_entry("-", item, inner), inner)
    if head == "-":
        return [f"- {lines[0].removeprefix(inner)}", *lines[1:]]
    return [head, *lines]


def _shifted(lines: list[str], indent: str) -> list[str]:
    """The first line moved to ``indent``; the others stand there already."""
    return [indent + lines[0], *lines[1:]]


def _flow(value: Plain, within: bool = False) -> str | None:
    """The value on one line, or None for what needs several."""
    if isinstance(value, dict):
        return None if value else "{}"
    if isinstance(value, str) and within and _text(value, True) != _text(value, False):
        return None
    if not isinstance(value, list):
        return _scalar(value, within)
    items = [_flow(item, True) for item in value]
    known = [item for item in items if item is not None]
    return f"[{', '.join(known)}]" if len(known) == len(items) else None


def _scalar(value: str | int | float | bool | None, within: bool) -> str:
    if isinstance(value, str):
        return _text(value, within)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(value)


def _text(text: str, within: bool) -> str:
    """A text, quoted if it would be read as something else."""
    if UNREADABLE.search(text):
        return f'"{"".join(map(_escaped, text))}"'
    plain = _BEGIN.match(text) and not _NEVER.search(text) and isinstance(resolve(text), str)
    if plain and not (within and (_NEVER_IN_FLOW.search(text) or _open_bracket(text))):
        return text
    return f"'{text.replace(chr(39), chr(39) * 2)}'"


def _open_bracket(text: str) -> bool:
    return text.count("(") > text.count(")")


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char == "\n":
        return "\\n"
    if not UNREADABLE.match(char):
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _literal(text: str) -> bool:
    """Whether a text of several lines can stand as it is under '|'."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and lines[0][:1].strip() != ""
        and lines[-1] != ""
        and not any(UNREADABLE.search(line) for line in lines)
    )
