"""Expressions: what may stand on the right of a colon (rule 2 of the language).

``parse`` reads text through Python's grammar and a whitelist, ``unparse`` writes it back.
"""

from __future__ import annotations

from graphflow.spec.names import Argument, declared, free_names, signature, targets, walk
from graphflow.spec.parser import parse, parse_text, parse_value
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
from graphflow.spec.unparse import unparse

__all__ = [
    "Argument",
    "Binary",
    "Bool",
    "BoolOp",
    "Call",
    "Compare",
    "EllipsisLiteral",
    "Expr",
    "IfElse",
    "Keyword",
    "ListExpr",
    "Name",
    "NoneLiteral",
    "Number",
    "Placeholder",
    "Slice",
    "String",
    "Subscript",
    "Unary",
    "declared",
    "free_names",
    "parse",
    "parse_text",
    "parse_value",
    "signature",
    "targets",
    "unparse",
    "walk",
]
