"""Pieces of Python source: expressions that know when they need parentheses, lines that fit."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 100
CHOICE, COMPARE, OR, XOR, AND, SHIFT, ADD, MUL, UNARY, POWER, ATOM = range(11)
"""How tightly the outermost operator of an expression binds."""
INFIX = {
    "<": COMPARE, "<=": COMPARE, ">": COMPARE, ">=": COMPARE, "==": COMPARE, "!=": COMPARE,
    "|": OR, "^": XOR, "&": AND, "<<": SHIFT, ">>": SHIFT, "+": ADD, "-": ADD, "*": MUL, "/": MUL,
    "//": MUL, "%": MUL, "@": MUL, "**": POWER,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """An expression. ``scalar`` says that it is a plain number of Python, not an array."""

    text: str
    level: int = ATOM
    scalar: bool = False

    def at(self, level: int) -> str:
        """The text as an operand of something that binds as tightly as ``level``."""
        return self.text if self.level >= level else f"({self.text})"

    @property
    def is_name(self) -> bool:
        """Whether writing it twice costs nothing."""
        return re.fullmatch(r"[A-Za-z_][\w.]*", self.text) is not None

    def __str__(self) -> str:
        return self.text


def infix(op: str, left: Code, right: Code) -> Code:
    """``left op right``."""
    level = INFIX[op]
    loose, tight = (level + 1, UNARY) if op == "**" else (level, level + 1)
    if level == COMPARE:
        loose = level + 1  # Python chains comparisons
    text = f"{left.at(loose)} {op} {right.at(tight)}"
    return Code(text, level, left.scalar and right.scalar)


def negative(operand: Code) -> Code:
    """``-operand``."""
    return Code(f"-{operand.at(UNARY)}", UNARY, operand.scalar)


def call(function: str, *arguments: object, **keywords: object) -> Code:
    """``function(argument, keyword=value)``; a keyword whose value is None is left out."""
    named = (f"{k}={v}" for k, v in keywords.items() if v is not None)
    return Code(f"{function}({', '.join([*map(str, arguments), *named])})")


def method(owner: Code, name: str, *arguments: object, **keywords: object) -> Code:
    """``owner.name(...)``."""
    return call(f"{owner.at(ATOM)}.{name}", *arguments, **keywords)


def number(value: float, module: str) -> Code:
    """A number of Python; infinities and NaN are those of ``module``."""
    if isinstance(value, bool | int):
        return Code(repr(value), ATOM if value >= 0 else UNARY, True)
    if value != value:
        return Code(f"{module}.nan", ATOM, True)
    if value in (float("inf"), float("-inf")):
        return Code(f"{'-' if value < 0 else ''}{module}.inf", UNARY, True)
    short = re.sub(r"e\+?(-?)0*", r"e\1", f"{value:g}")
    shown = short if "e" in short and float(short) == value else repr(float(value))
    return Code(shown, UNARY if value < 0 else ATOM, True)


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """``name`` as a name of Python that is none of ``taken``."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "value"
    plain = f"n{plain}" if plain[0].isdigit() else plain
    found = plain = f"{plain}_" if keyword.iskeyword(plain) else plain
    count = 1
    while found in taken:
        count += 1
        found = f"{plain}{count}" if not plain[-1].isdigit() else f"{plain}_{count}"
    return found


def escaped(text: str) -> str:
    """``text`` as it stands between double quotes: printable ASCII, and nothing that ends them."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if " " <= character <= "~" else ascii(character)[1:-1]


def quoted(text: str) -> str:
    """``text`` as a string literal."""
    return f'"{escaped(text)}"'


def comment(text: str) -> str:
    """``text`` as one line of a comment."""
    return f"# {escaped(' '.join(text.split()))}"


def docstring(paragraphs: Sequence[str]) -> list[str]:
    """Paragraphs as the lines of a docstring, wrapped."""
    texts = [escaped(" ".join(p.split())) for p in paragraphs if p.strip()]
    if not any('\\"\\"' in text or text.endswith('\\"') for text in texts):
        texts = [text.replace('\\"', '"') for text in texts]
    blocks = [textwrap.wrap(text, WIDTH - 12) for text in texts]
    lines = [line for block in blocks for line in ["", *block]][1:] or ["A graph."]
    if len(lines) == 1:
        return [f'"""{lines[0]}"""']
    return [f'"""{lines[0]}', *lines[1:], '"""']


def indented(lines: list[str], by: int = 1) -> list[str]:
    """The lines, ``by`` steps further right."""
    return [f"{'    ' * by}{line}" if line else "" for line in lines]


def fitted(line: str, width: int = WIDTH) -> list[str]:
    """A line, cut at its outermost brackets as often as it takes to fit."""
    if len(line) <= width:
        return [line]
    found, indent = _outermost(line), " " * (len(line) - len(line.lstrip()))
    name, equals, value = line.strip().partition(" = ")
    if found is None or len(line[: found[0]]) >= width:
        names = name.split(", ")
        if not equals or not all(map(str.isidentifier, names)):
            return [line]
        if len(names) > 1:
            rows = [f"{indent}    {each}," for each in names]
            return [f"{indent}(", *rows, *fitted(f"{indent}) = {value}", width)]
        terms = re.split(r" (?=[-+*/@%<>=!&|]{1,2} )", value) if found is None else [value]
        inner = [row for term in terms for row in fitted(f"{indent}    {term}", width)]
        return [f"{indent}{name} = (", *inner, f"{indent})"]
    start, end, cuts = found
    bounds = [start, *cuts, end]
    parts = [line[a + 1 : b].strip() for a, b in pairwise(bounds)]
    whole = f"{indent}    {line[start + 1 : end].strip()}"
    comma = "," if cuts and len(whole) > width else ""
    inner = [f"{indent}    {part}{comma}" for part in parts if part] if comma else [whole]
    head, tail = line[: start + 1], indent + line[end:]
    return [head, *(row for part in inner for row in fitted(part, width)), *fitted(tail, width)]


def _outermost(line: str) -> tuple[int, int, list[int]] | None:
    """The last bracket of the outermost level that holds something, and its commas."""
    best: tuple[int, int, list[int]] | None = None
    opened: list[int] = []
    cuts: list[int] = []
    for position, character in _outside_strings(line):
        if character in "([{":
            if not opened:
                cuts = []
            opened.append(position)
        elif character in ")]}" and opened:
            start = opened.pop()
            if not opened and position > start + 1:
                longer = best is None or position - start >= best[1] - best[0]
                best = (start, position, cuts) if longer else best
        elif character == "," and len(opened) == 1:
            cuts.append(position)
    return best


def _outside_strings(line: str) -> Iterator[tuple[int, str]]:
    """Every character that is not part of a string literal, with its position."""
    quote, escaped = "", False
    for position, character in enumerate(line):
        if quote:
            if character == quote and not escaped:
                quote = ""
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote, escaped = character, False
        elif character == "#":
            return
        else:
            yield position, character
