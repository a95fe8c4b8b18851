"""The kinds of single values: texts, names, numbers, expressions, shapes, arrays."""

from __future__ import annotations

import re
from collections.abc import Callable

from graphflow.diagnostics import did_you_mean, fail
from graphflow.spec.kinds import Kind, Leaf, ListOf, MapOf, wrong
from graphflow.spec.names import Argument, declared, declared_path, signature
from graphflow.spec.parser import parse, parse_value
from graphflow.spec.syntax import Bool, Expr
from graphflow.spec.values import Plain, Scalar, Seq, Value

Numbers = int | float | bool | list["Numbers"]
"""A number or nested lists of numbers, all rows of one length."""

_PATH = re.compile(r"[^\W\d]\w*(\.\w+)*")
_PATTERN = re.compile(r"[\w.*?\[\]-]+")


def path_name(scalar: Scalar) -> str:
    """A name with its parts: ``lstm.final.h``, ``decoder.0.a.weight``. Raises GF025."""
    if not isinstance(scalar.value, str) or not _PATH.fullmatch(scalar.text):
        fail("GF025", f"'{scalar.text}' is not a name", scalar.mark)
    return scalar.text


def any_text(scalar: Scalar) -> str:
    """The text of a key, whatever it is."""
    return scalar.text


def _text(value: Value) -> str:
    if not isinstance(value, Scalar) or value.value is None:
        wrong(value, "a text")
    if not isinstance(value.value, str):
        help = f'put it in quotes: "{value.text}"'
        fail("GF013", f"a text is expected here, not {value.text}", value.mark, help=help)
    return value.value


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, Seq):
        return ListOf(TEXT, "texts").read(value, value.mark)
    return (_text(value),)


def _optional_text(value: Value) -> str | None:
    if isinstance(value, Scalar) and value.text in ("none", "null"):
        return None
    return _text(value)


def _scalar(value: Value) -> Scalar:
    if not isinstance(value, Scalar) or value.value is None:
        wrong(value, "one word")
    return value


def _named(read: Callable[[Scalar], str]) -> Callable[[Value], str]:
    def name(value: Value) -> str:
        if not isinstance(value, Scalar):
            wrong(value, "a name")
        return read(value)

    return name


def _pattern(scalar: Scalar) -> str:
    if not _PATTERN.fullmatch(scalar.text):
        help = "such as 'net', 'net.*.bias' or 'decoder.[0-3].*'"
        fail("GF025", f"'{scalar.text}' is not a pattern of names", scalar.mark, help=help)
    return scalar.text


def _shape(value: Value) -> tuple[Expr, ...]:
    if isinstance(value, Scalar) and value.value == "scalar":
        return ()
    if isinstance(value, Scalar) and value.text.endswith(")"):
        return (parse(value),)  # a call that gives all sizes, such as shape(x)
    if not isinstance(value, Seq):
        wrong(value, "a shape such as [B, 64], or the word 'scalar',")
    return ListOf(EXPRESSION, "sizes").read(value, value.mark)


def _call(value: Value) -> Expr:
    if not isinstance(value, Scalar):
        wrong(value, "a call")
    return parse(value)


def _flag(value: Value) -> Expr | bool:
    expr = parse_value(value)
    return expr.value if isinstance(expr, Bool) else expr


def _boolean(value: Value) -> bool:
    if isinstance(value, Scalar) and isinstance(value.value, bool):
        return value.value
    wrong(value, "true or false")


def _integer(value: Value) -> int:
    number = _numeric(value)
    if not isinstance(number, int):
        wrong(value, "a whole number")
    return number


def _number(value: Value) -> float:
    number = _numeric(value)
    if number is None:
        wrong(value, "a number")
    return float(number)


def _numeric(value: Value) -> int | float | None:
    if isinstance(value, Scalar) and not isinstance(value.value, (str, bool)):
        return value.value
    return None


def _arguments(value: Value) -> tuple[Argument, ...]:
    if not isinstance(value, Seq):
        wrong(value, "a list of arguments")
    items = []
    for item in value.items:
        if not isinstance(item, Scalar):
            fail("GF013", "'name' or 'name=value' is expected here", item.mark)
        items.append(item)
    return signature(items)


def _array(value: Value) -> Numbers:
    """A number or nested lists of numbers; rows of unequal length are refused (GF013)."""
    array, _ = _measured(value)
    return array


def _measured(value: Value) -> tuple[Numbers, tuple[int, ...]]:
    if isinstance(value, Scalar) and isinstance(value.value, (bool, int, float)):
        return value.value, ()
    if not isinstance(value, Seq):
        wrong(value, "a number or a list of numbers")
    rows = [_measured(item) for item in value.items]
    for item, (_, shape) in zip(value.items, rows, strict=True):
        if shape != rows[0][1]:
            fail("GF013", "the rows of an array have one length", item.mark)
    return [row for row, _ in rows], (len(rows), *(rows[0][1] if rows else ()))


def _holds_text(value: Value) -> bool:
    if isinstance(value, Seq):
        return any(_holds_text(item) for item in value.items)
    return isinstance(value, Scalar) and isinstance(value.value, str)


def _array_or_expression(value: Value) -> Numbers | Expr:
    return parse_value(value) if _holds_text(value) else _array(value)


def _version(value: Value) -> int:
    version = _integer(value)
    if version != 1:
        help = "this graphflow reads version 1"
        fail("GF013", f"format version {version} is not known", value.mark, help=help)
    return version


def choice(*words: str) -> Leaf[str]:
    """One of a few words."""

    def read(value: Value) -> str:
        if not isinstance(value, Scalar) or value.text not in words:
            text = value.text if isinstance(value, Scalar) else ""
            expected = " or ".join(f"'{word}'" for word in words)
            if not isinstance(value, Scalar):
                wrong(value, expected)
            help = did_you_mean(text, words)
            fail("GF013", f"{expected} is expected here, not '{text}'", value.mark, help=help)
        return value.text

    return Leaf(read, {"enum": list[Plain](words)})


def _same(value: Value) -> Value:
    return value


TEXT = Leaf(_text, {"type": "string"})
TEXTS = Leaf(_texts, {"type": ["string", "array"], "items": {"type": "string"}})
OPTIONAL_TEXT = Leaf(_optional_text, {"type": ["string", "null"]})
SCALAR = Leaf(_scalar, {"type": ["string", "number", "boolean"]})
RAW = Leaf(_same, {})
VERSION = Leaf(_version, {"const": 1})
INTEGER = Leaf(_integer, {"type": "integer"})
NUMBER = Leaf(_number, {"type": "number"})
ARGUMENTS = Leaf(_arguments, {"type": "array", "items": {"type": "string"}})
BOOLEAN = Leaf(_boolean, {"type": "boolean"})
NAME = Leaf(_named(declared), {"type": "string"})
NAMES: Kind[tuple[str, ...]] = ListOf(NAME, "names")
PATH = Leaf(_named(path_name), {"type": "string"})
PATHS: Kind[tuple[str, ...]] = ListOf(PATH, "names")
PATTERNS: Kind[tuple[str, ...]] = ListOf(
    Leaf(_named(_pattern), {"type": "string"}), "names or patterns"
)
EXPRESSION: Kind[Expr] = Leaf(
    parse_value, {"type": ["string", "number", "boolean", "array"]}, "expression"
)
CALL: Kind[Expr] = Leaf(_call, {"type": "string"}, "call")
EXPRESSIONS = MapOf(EXPRESSION, declared, "expressions")
UPDATES = MapOf(EXPRESSION, declared_path, "expressions")
SHAPE = Leaf(
    _shape,
    {"anyOf": [{"const": "scalar"}, {"type": "array", "items": {"type": ["string", "integer"]}}]},
    "shape",
)
FLAG: Kind[Expr | bool] = Leaf(_flag, {"type": ["boolean", "string"]})
ARRAY: Kind[Numbers] = Leaf(_array, {"type": ["number", "boolean", "array"]}, "numbers")
ARRAYS = MapOf(ARRAY, path_name, "numbers")
FEED: Kind[Numbers | Expr] = Leaf(
    _array_or_expression, {"type": ["number", "boolean", "array", "string"]}
)
FEEDS = MapOf(FEED, path_name, "values")
RENAME = MapOf(TEXT, any_text, "names")
