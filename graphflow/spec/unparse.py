"""Expressions back to text, with no more parentheses than needed."""

from __future__ import annotations

import math

from graphflow.spec.syntax import (
    Binary,
    Bool,
    BoolOp,
    Call,
    Compare,
    EllipsisLiteral,
    Expr,
    IfElse,
    ListExpr,
    Name,
    NoneLiteral,
    Number,
    Placeholder,
    Slice,
    String,
    Subscript,
    Unary,
)

# How tightly an operator binds, as in Python's grammar.
_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)
_LEVEL = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT,
          "@": _PRODUCT, "**": _POWER}  # fmt: skip


def unparse(expr: Expr) -> str:
    """The text of an expression; :func:`graphflow.spec.expression.parse` reads it back.

    >>> from graphflow.spec.parser import parse
    >>> unparse(parse("((x * (w)) + (b)) ** (2)"))
    '(x * w + b) ** 2'
    """
    return _text(expr)[1]


def _at(level: int, expr: Expr) -> str:
    """The text as an operand that must bind at least as tightly as ``level``."""
    own, text = _text(expr)
    return text if own >= level else f"({text})"


def _text(expr: Expr) -> tuple[int, str]:
    """How tightly the outermost operator binds, and the text."""
    match expr:
        case Number(value):
            return (_SIGN if math.copysign(1, value) < 0 else _ATOM), repr(value)
        case Bool(value):
            return _ATOM, "true" if value else "false"
        case String(value):
            return _ATOM, repr(value)
        case Name(id):
            return _ATOM, id
        case NoneLiteral():
            return _ATOM, "none"
        case Placeholder():
            return _ATOM, "_"
        case Unary("not", operand):
            return _NOT, f"not {_at(_NOT, operand)}"
        case Unary(op, operand):
            return _SIGN, f"{op}{_at(_SIGN, operand)}"
        case IfElse(condition, then, otherwise):
            head = f"{_at(_OR, then)} if {_at(_OR, condition)}"
            return _CHOICE, f"{head} else {_at(_CHOICE, otherwise)}"
        case ListExpr(items):
            return _ATOM, f"[{', '.join(map(unparse, items))}]"
        case Subscript(value, items):
            return _ATOM, f"{_at(_ATOM, value)}[{', '.join(map(_item, items))}]"
        case Call(function, args, kwargs):
            given = [unparse(a) for a in args] + [f"{k.name}={unparse(k.value)}" for k in kwargs]
            return _ATOM, f"{function}({', '.join(given)})"
        case _:
            return _infix(expr)


def _infix(expr: Binary | Compare | BoolOp) -> tuple[int, str]:
    if isinstance(expr, BoolOp):
        level = _AND if expr.op == "and" else _OR
        return level, f" {expr.op} ".join(_at(level + 1, o) for o in expr.operands)
    if isinstance(expr, Compare):
        return _COMPARE, f"{_at(_SUM, expr.left)} {expr.op} {_at(_SUM, expr.right)}"
    level = _LEVEL[expr.op]
    left, right = (_ATOM, _SIGN) if expr.op == "**" else (level, level + 1)
    return level, f"{_at(left, expr.left)} {expr.op} {_at(right, expr.right)}"


def _item(item: Expr | Slice | EllipsisLiteral) -> str:
    if isinstance(item, EllipsisLiteral):
        return "..."
    if not isinstance(item, Slice):
        return unparse(item)
    parts = (item.start, item.stop, item.step)
    start, stop, step = ("" if part is None else unparse(part) for part in parts)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
