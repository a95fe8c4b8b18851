"""The expression reader: Python's grammar through a whitelist, never ``eval`` (rule 2).

>>> parse("relu(x @ w1 + b1)")
Call(function='relu', args=(Binary(op='+', left=Binary(op='@', left=Name(id='x'), \
right=Name(id='w1')), right=Name(id='b1')),), kwargs=())
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable

from graphflow.diagnostics import Mark, fail
from graphflow.spec.refusals import refuse, syntax_error
from graphflow.spec.scan import MAX_NESTING, Place, readable, too_deep
from graphflow.spec.syntax import (
    Binary,
    Bool,
    BoolOp,
    Call,
    Compare,
    EllipsisLiteral,
    Expr,
    IfElse,
    Keyword,
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
from graphflow.spec.values import Map, Scalar, Seq, Value

MAX_INTEGER = 2**53
MAX_EXPONENT = 64

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_PART = re.compile(r"[^\W\d]\w*|[0-9]+")
WORDS = frozenset({"true", "false", "True", "False", "none", "None", "inf", "nan", "_"})
"""Words that are values, so that nothing can be declared under them."""


def parse(source: Scalar | str, mark: Mark | None = None) -> Expr:
    """The expression written in a YAML scalar, or in a text that stands at ``mark``.

    Raises GF023 (Python that is not part of the language), GF025 (syntax), GF004 (a bound).

    >>> parse("x[:, 0]").items[1]
    Number(value=0)
    """
    if isinstance(source, Scalar):
        if isinstance(source.value, str):
            return parse_text(source.text, source.at)
        if source.value is None:
            fail("GF025", "an expression is missing here", source.mark, help="or write 'none'")
        return _literal(source.value, source.mark)
    return parse_text(source, (mark or Mark("<expression>", 1, 1, len(source), source)).shifted)


def parse_value(value: Value) -> Expr:
    """The expression written as a scalar or as a YAML list of expressions (a ListExpr)."""
    if isinstance(value, Scalar):
        return parse(value)
    if isinstance(value, Map):
        fail("GF013", "a mapping stands where an expression is expected", value.mark)
    return _list(value, 1)


def _list(value: Seq, depth: int) -> ListExpr:
    if depth > MAX_NESTING:
        too_deep(value.mark)
    items = [_list(v, depth + 1) if isinstance(v, Seq) else parse_value(v) for v in value.items]
    return ListExpr(tuple(items), value.mark)


def parse_text(text: str, place: Place) -> Expr:
    """The expression in ``text``, whose characters stand where ``place`` says."""
    prepared = readable(text, place)
    lead = len(prepared) - len(prepared.lstrip())
    try:
        tree = ast.parse(prepared.strip(), mode="eval")
    except SyntaxError as error:
        raise syntax_error(error, text[lead:], lambda o, n: place(lead + o, n)) from None
    except (MemoryError, RecursionError):
        too_deep(place(lead, 1))
    return _Reader(text[lead:], lambda o, n: place(lead + o, n)).expr(tree.body, 0)


class _Reader:
    """Turns Python's nodes into ours; ``depth`` counts the levels above a node."""

    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self.bytes = None if text.isascii() else text.encode()

    def expr(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_NESTING:
            too_deep(self.mark(node))
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name() | ast.Attribute():
                return self.name(node)
            case ast.Call():
                return self.call(node, depth + 1)
            case ast.UnaryOp():
                return self.unary(node, depth + 1)
            case ast.BinOp():
                return self.binary(node, depth + 1)
            case ast.Compare():
                return self.compare(node, depth + 1)
            case ast.BoolOp():
                return self.boolean(node, depth + 1)
            case ast.IfExp():
                return self.choice(node, depth + 1)
            case ast.List():
                return self.list(node, depth + 1)
            case ast.Subscript():
                return self.subscript(node, depth + 1)
        refuse(node, self.mark(node))

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Start and end of the node in the text; Python counts in bytes of UTF-8."""
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        if self.bytes is None:
            return start, end
        return len(self.bytes[:start].decode()), len(self.bytes[:end].decode())

    def mark(self, node: ast.expr | ast.keyword) -> Mark:
        start, end = self.span(node)
        return self.place(start, max(1, end - start))

    def constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if value == math.inf:
            fail("GF004", "a number too large for a float", self.mark(node), help="write inf")
        if value is None or isinstance(value, (bool, int, float, str)):
            return _literal(value, self.mark(node))
        what = {bytes: "bytes", complex: "a complex number"}.get(type(value), "'...' outside [ ]")
        fail("GF023", f"{what} is not part of the language", self.mark(node))

    def name(self, node: ast.Name | ast.Attribute) -> Expr:
        mark, name = self.mark(node), self.dotted(node)
        if name in ("true", "false"):
            return Bool(name == "true", mark)
        if name == "none":
            return NoneLiteral(mark)
        if name in ("inf", "nan"):
            return Number(math.inf if name == "inf" else math.nan, mark)
        return Placeholder(mark) if name == "_" else Name(name, mark)

    def dotted(self, node: ast.expr) -> str:
        """The whole of a dotted name, read from the text: Python normalises what it parses."""
        start, end = self.span(node)
        parts = re.split(r"\s*\.\s*", self.text[start:end])
        first = parts[0]
        if all(map(_PART.fullmatch, parts)) and not (len(parts) > 1 and first in WORDS):
            return ".".join(parts)
        fail(
            "GF023",
            "only a name has parts: 'name.part'",
            self.mark(node),
            help="give what stands before the dot a name on a line of its own",
        )

    def call(self, node: ast.Call, depth: int) -> Expr:
        if not isinstance(node.func, (ast.Name, ast.Attribute)):
            fail(
                "GF023",
                "only a name can be called",
                self.mark(node.func),
                help="name the inner value on a line of its own",
            )
        function = self.dotted(node.func)
        if function in WORDS:
            fail("GF023", f"'{function}' cannot be called", self.mark(node.func))
        args = tuple(self.expr(argument, depth) for argument in node.args)
        kwargs = tuple(self.keyword(item, depth) for item in node.keywords)
        for index, item in enumerate(kwargs):
            if any(item.name == earlier.name for earlier in kwargs[:index]):
                fail("GF025", f"'{item.name}' is given twice", item.mark)
        return Call(function, args, kwargs, self.mark(node))

    def keyword(self, node: ast.keyword, depth: int) -> Keyword:
        start, _ = self.span(node)
        if node.arg is None:
            refuse(ast.Starred(node.value), self.place(start, 2))
        return Keyword(node.arg, self.expr(node.value, depth), self.place(start, len(node.arg)))

    def unary(self, node: ast.UnaryOp, depth: int) -> Expr:
        mark = self.mark(node)
        if isinstance(node.op, ast.Invert):
            refuse(node.op, mark)
        operand = self.expr(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return Unary("not", operand, mark)
        self.check_operand(operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        if isinstance(operand, Number):
            return Number(-operand.value, mark)
        return Unary("-", operand, mark)

    def binary(self, node: ast.BinOp, depth: int) -> Expr:
        op = _BINARY.get(type(node.op))
        if op is None:
            refuse(node.op, self.mark(node))
        left, right = self.expr(node.left, depth), self.expr(node.right, depth)
        self.check_operand(left)
        self.check_operand(right)
        if op == "**" and not abs(_constant(right) or 0.0) <= MAX_EXPONENT:
            fail("GF004", f"an exponent over {MAX_EXPONENT}", right.mark)
        return Binary(op, left, right, self.mark(node))

    def check_operand(self, operand: Expr) -> None:
        if isinstance(operand, String):
            fail("GF023", "texts have no arithmetic", operand.mark, help="compare them with ==")

    def compare(self, node: ast.Compare, depth: int) -> Expr:
        operands = [self.expr(operand, depth + 1) for operand in (node.left, *node.comparators)]
        mark = self.mark(node)
        found: list[Expr] = []
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARE:
                refuse(op, mark)
            found.append(Compare(_COMPARE[type(op)], left, right, mark))
        return found[0] if len(found) == 1 else BoolOp("and", tuple(found), mark)

    def boolean(self, node: ast.BoolOp, depth: int) -> Expr:
        op = "and" if isinstance(node.op, ast.And) else "or"
        operands: list[Expr] = []
        for operand in (self.expr(value, depth) for value in node.values):
            same = isinstance(operand, BoolOp) and operand.op == op
            operands += operand.operands if isinstance(operand, BoolOp) and same else [operand]
        return BoolOp(op, tuple(operands), self.mark(node))

    def choice(self, node: ast.IfExp, depth: int) -> Expr:
        condition, then, otherwise = (
            self.expr(part, depth) for part in (node.test, node.body, node.orelse)
        )
        return IfElse(condition, then, otherwise, self.mark(node))

    def list(self, node: ast.List, depth: int) -> Expr:
        return ListExpr(tuple(self.expr(item, depth) for item in node.elts), self.mark(node))

    def subscript(self, node: ast.Subscript, depth: int) -> Expr:
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if not inside:
            fail("GF025", "an index is missing", self.mark(node.slice))
        value = self.expr(node.value, depth)
        return Subscript(value, tuple(self.item(i, depth) for i in inside), self.mark(node))

    def item(self, node: ast.expr, depth: int) -> Expr | Slice | EllipsisLiteral:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return EllipsisLiteral(self.mark(node))
        if not isinstance(node, ast.Slice):
            return self.expr(node, depth)
        start, stop, step = (
            None if part is None else self.expr(part, depth)
            for part in (node.lower, node.upper, node.step)
        )
        return Slice(start, stop, step, self.mark(node))


def _literal(value: str | int | float | bool | None, mark: Mark) -> Expr:
    """The node of a constant, within the bounds."""
    if value is None:
        return NoneLiteral(mark)
    if isinstance(value, bool):
        return Bool(value, mark)
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            fail("GF025", "half of a surrogate pair is no character", mark)
        return String(value, mark)
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        fail("GF004", "an integer of 2^53 or more", mark)
    return Number(value, mark)


def _constant(expr: Expr) -> float | None:
    """The number an exponent of constants comes to, infinite when out of range; None if it
    depends on a name.
    """
    if isinstance(expr, Number):
        return float(expr.value)
    if isinstance(expr, Unary) and expr.op == "-":
        value = _constant(expr.operand)
        return None if value is None else -value
    if not isinstance(expr, Binary):
        return None
    left, right = _constant(expr.left), _constant(expr.right)
    if left is None or right is None or expr.op not in _ARITHMETIC:
        return None
    try:
        return _ARITHMETIC[expr.op](left, right)
    except (OverflowError, ZeroDivisionError):
        return math.inf


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": math.pow,
}
