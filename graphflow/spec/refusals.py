"""What to say about Python that is not part of the language: GF023 and GF025."""

from __future__ import annotations

import ast
import keyword
import re
from typing import NoReturn

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, fail
from graphflow.spec.scan import Place

_COMPREHENSION = ("a comprehension", "write an operation on the whole tensor; it needs no loop")
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("a lambda", "write a block under 'blocks:', or the formula itself"),
    ast.ListComp: _COMPREHENSION,
    ast.SetComp: _COMPREHENSION,
    ast.DictComp: _COMPREHENSION,
    ast.GeneratorExp: _COMPREHENSION,
    ast.JoinedStr: ("an f-string", "write a plain text: 'reflect'"),
    ast.NamedExpr: ("an assignment ':='", "give the value a line of its own: 'name: value'"),
    ast.Starred: ("a star", "write the items one by one"),
    ast.Set: ("a set", "write a list: [a, b]"),
    ast.Dict: ("a dict", "write keyword arguments: f(a=1, b=2)"),
    ast.Tuple: ("a comma outside a call", "write a list: [a, b]"),
    ast.Await: ("'await'", "write the call alone"),
    ast.Yield: ("'yield'", "name the value under 'outputs:'"),
    ast.YieldFrom: ("'yield'", "name the value under 'outputs:'"),
    ast.Slice: ("a slice outside [ ]", "write x[1:]"),
    ast.BitXor: ("'^'", "a power is written x ** 2"),
    ast.BitAnd: ("'&'", "write 'and', or logical_and(a, b) for tensors"),
    ast.BitOr: ("'|'", "write 'or', or logical_or(a, b) for tensors"),
    ast.Invert: ("'~'", "write 'not', or logical_not(a) for tensors"),
    ast.LShift: ("'<<'", "write x * 2 ** n"),
    ast.RShift: ("'>>'", "write x // 2 ** n"),
    ast.Is: ("'is'", "write =="),
    ast.IsNot: ("'is not'", "write !="),
    ast.In: ("'in'", "write 'x == a or x == b'"),
    ast.NotIn: ("'not in'", "write 'x != a and x != b'"),
}
_LOOKALIKES = {
    "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "≤": "<=", "≥": ">=", "≠": "!=",
    "²": "** 2", "³": "** 3", "“": "'", "”": "'", "‘": "'", "’": "'",
}  # fmt: skip
_UNFINISHED = re.compile(r"([-+*/%@<>=,.:^&|~]|\b(and|or|not|if|else|in|is))\s*$")
_STATEMENTS = set(keyword.kwlist) - {"and", "or", "not", "if", "else", "True", "False", "None"}


def refuse(node: ast.AST, mark: Mark) -> NoReturn:
    """Raises GF023 for a piece of Python that has no place in an expression."""
    what, help = _REFUSED.get(type(node), ("this", "write names, numbers, calls and arithmetic"))
    fail("GF023", f"{what} is not part of the language", mark, help=help)


def syntax_error(error: SyntaxError, text: str, place: Place) -> GraphflowError:
    """The diagnostic for Python's syntax error, in our words: those change with its version."""
    offset = min(max((error.offset or 1) - 1, 0), len(text))
    if _UNFINISHED.search(text):
        offset = len(text.rstrip())
    found = re.compile(r"\w+|\S?", re.DOTALL).match(text, offset)
    word = found[0] if found else ""
    mark = place(offset, max(1, len(word)))
    said = error.msg
    if word in _STATEMENTS:
        message = f"'{word}' is a word of Python that is not part of the language"
        return GraphflowError(Diagnostic("GF023", message, mark, help=_statement_help(word)))
    help = None
    if word in _LOOKALIKES:
        message, help = f"'{word}' cannot be read", f"write {_LOOKALIKES[word]}"
    elif "expected 'else'" in said:
        message, help = "'if' needs an 'else'", "write 'a if condition else b'"
    elif "positional argument follows" in said or "keyword argument repeated" in said:
        message = said
    elif not word:
        message = "the expression ends too early"
    else:
        message = f"'{word}' is not expected here"
        help = _assignment_help(text) or "an operator or a comma may be missing"
    return GraphflowError(Diagnostic("GF025", message, mark, help=help))


def _statement_help(word: str) -> str:
    if word == "lambda":
        return "a name for the number: write 'lam'; a function: write a block"
    return "choose another name; a file holds mathematics, no statements"


def _assignment_help(text: str) -> str | None:
    if re.search(r"(?<![=!<>])=(?!=)", re.sub(r"\(.*\)", "", text)):
        return "'==' compares; a value is named by its key: 'name: expression'"
    return None
