"""One operation on numbers as an expression of CUDA C++."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.backends.elements.tracing import LOGIC

DType = np.dtype[np.generic]
TYPES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short",
    "int32": "int", "int64": "long long", "float32": "float", "float64": "double",
    "bfloat16": "bfloat16",
}  # fmt: skip
ARITHMETIC = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
RELATIONS = {"equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=",
             "greater": ">", "greater_equal": ">="}  # fmt: skip
TRUTHS = dict(zip(sorted(LOGIC), ("&&", "||", "!="), strict=True))
CALLS = {
    "absolute": "fabs", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p",
    "tanh": "tanh", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
    "rint": "rint",
}  # fmt: skip
"""Functions of floats, by their names in C; those of float32 end in f."""
LIBRARY = {
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
"""Those that loops for LLVM have no code for."""
JOINED = {"add": "joining_add", "maximum": "joining_maximum", "minimum": "joining_minimum"}
"""The types of :data:`module.PRELUDE` that join two numbers of a reduction."""


def type_of(dtype: DType) -> str:
    """A number type.

    >>> type_of(np.dtype("float32")), type_of(np.dtype("int64"))
    ('float', 'long long')
    """
    return TYPES[dtype.name]


def loaded(place: str, dtype: DType) -> str:
    """A number in memory, as it is computed with.

    >>> loaded("p0[i]", np.dtype("bfloat16")), loaded("p0[i]", np.dtype("float32"))
    ('wide(p0[i])', 'p0[i]')
    """
    return f"wide({place})" if dtype.name == "bfloat16" else place


def stored(value: str, dtype: DType) -> str:
    """A number that was computed, as it lies in memory."""
    return f"narrow({value})" if dtype.name == "bfloat16" else value


def literal(value: object, dtype: DType) -> str:
    """A number, written out so that the compiler reads the same one.

    >>> literal(0.1, np.dtype("float32")), literal(True, np.dtype("bool"))
    ('0.1f', 'true')
    """
    if dtype.kind == "f":
        number = dtype.type(value)
        if np.isfinite(number):
            return str(number) + "f" * (dtype.itemsize == 4)
        bits = int(number.view(f"u{dtype.itemsize}"))
        reader = "__int_as_float" if dtype.itemsize == 4 else "__longlong_as_double"
        return f"{reader}({bits:#x})"
    if dtype.kind == "b":
        return str(bool(value)).lower()
    return f"({type_of(dtype)})({_whole(int(value))})"  # type: ignore[call-overload]


def _whole(value: int) -> str:
    return f"{value + 1}LL - 1" if value == -(2**63) else f"{value}LL"


def expression(op: str, kind: DType, dtype: DType, x: Sequence[str]) -> str:
    """What NumPy's function of that name makes of numbers; ``kind`` is the type of the first.

    >>> single = np.dtype("float32")
    >>> expression("multiply", single, single, ("a", "b")), expression("exp", single, single, "a")
    ('a * b', 'expf(a)')
    """
    if op == "where":
        return f"{x[0]} ? {x[1]} : {x[2]}"
    if op == "cast":
        return cast(x[0], dtype)
    if op == "rounded":
        return f"wide(narrow({x[0]}))"
    if op in RELATIONS:
        return f"{x[0]} {RELATIONS[op]} {x[1]}"
    if op in TRUTHS:
        return f"{x[0]} {TRUTHS[op]} {x[1]}"
    if op == "logical_not":
        return f"!{cast(x[0], dtype)}"
    if op in ("isnan", "isinf", "isfinite"):
        return _tested(op, x[0], kind)
    if op == "sign":
        one, minus = literal(1, dtype), literal(-1, dtype)
        none = literal(0, dtype)
        return f"{x[0]} > {none} ? {one} : ({x[0]} < {none} ? {minus} : {x[0]})"
    if op in ("maximum", "minimum"):
        return f"{JOINED[op]}::of({x[0]}, {x[1]})"
    return _float(op, dtype, x) if dtype.kind == "f" else _integer(op, dtype, x)


def cast(x: str, dtype: DType) -> str:
    """A number in another number type."""
    return f"({x} != 0)" if dtype.kind == "b" else f"({type_of(dtype)})({x})"


def _float(op: str, dtype: DType, x: Sequence[str]) -> str:
    if op in ARITHMETIC:
        return f"{x[0]} {ARITHMETIC[op]} {x[1]}"
    if op == "negative":
        return f"-({x[0]})"
    name = CALLS[op] if op in CALLS else LIBRARY[op]
    return f"{name}{'f' * (dtype.itemsize == 4)}({', '.join(x)})"


def _integer(op: str, dtype: DType, x: Sequence[str]) -> str:
    """Integers wrap around as NumPy's do, which in C++ those without a sign promise alone."""
    own, plain = type_of(dtype), "unsigned long long" if dtype.itemsize == 8 else "unsigned"
    if op == "negative":
        return f"({own})(({plain})0 - ({plain}){x[0]})"
    if op == "absolute":
        return f"{x[0]} < 0 ? {_integer('negative', dtype, x)} : {x[0]}"
    return f"({own})(({plain}){x[0]} {ARITHMETIC[op]} ({plain}){x[1]})"


def _tested(op: str, x: str, dtype: DType) -> str:
    if op == "isnan":
        return f"{x} != {x}"
    relation = "==" if op == "isinf" else "<"
    size = _float("absolute", dtype, (x,))
    return f"{size} {relation} {literal(np.inf, dtype)}"
