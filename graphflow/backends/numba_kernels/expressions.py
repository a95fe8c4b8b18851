"""One operation on numbers, as Python writes it."""

from __future__ import annotations

import numpy as np

from graphflow.backends.numba_kernels.tracing import SMOOTH, Scalar

SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "equal": "==", "not_equal": "!=",
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "logical_and": "&",
    "logical_or": "|", "logical_xor": "^",
}  # fmt: skip
CALLS = {
    "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "sqrt": "root",
    "absolute": "size", "maximum": "maximum", "minimum": "minimum",
}  # fmt: skip
TESTS = {"isnan": "{0} != {0}", "isinf": "size({0}) == INF", "isfinite": "size({0}) < INF"}
STARTS = {"sum": "0", "mean": "0", "max": "-INF", "min": "INF"}
JOINS = {"sum": "{0} + {1}", "mean": "{0} + {1}", "max": "maximum({0}, {1})",
         "min": "minimum({0}, {1})"}  # fmt: skip


def expression(scalar: Scalar, x: list[str]) -> str:
    """One operation as Python writes it."""
    op, real = scalar.op, scalar.dtype.kind == "f"
    if op == "where":
        return f"{x[1]} if {x[0]} else {x[2]}"
    if op == "cast":
        return cast(scalar.dtype, x[0], scalar.args[0].dtype)
    if op == "sign":
        one, none = cast(scalar.dtype, "1"), cast(scalar.dtype, "0")
        return f"{one} if {x[0]} > {none} else (-{one} if {x[0]} < {none} else {x[0]})"
    if op in ("maximum", "minimum") and not real:
        return f"{x[0]} if {x[0]} {'>' if op == 'maximum' else '<'} {x[1]} else {x[1]}"
    if op == "absolute" and not real:
        return f"{x[0]} if {x[0]} > 0 else {cast(scalar.dtype, f'-{x[0]}')}"
    if op in TESTS:
        return TESTS[op].format(x[0])
    if op == "logical_not":
        return f"not {x[0]}"
    found = f"-{x[0]}" if op == "negative" else ""
    if op in SIGNS:
        found = f"{x[0]} {SIGNS[op]} {x[1]}"
    elif op in CALLS:
        found = f"{CALLS[op]}({', '.join(x)})"
    elif op in SMOOTH:
        found = f"{op}{8 * scalar.dtype.itemsize}({x[0]})"
    return found if real or scalar.dtype.kind == "b" else cast(scalar.dtype, found)


def cast(
    dtype: np.dtype[np.generic], value: str, before: np.dtype[np.generic] | None = None
) -> str:
    if dtype.kind == "b":
        return f"({value} != 0)"
    if before is not None and before.kind == "b":
        return f"({cast(dtype, '1')} if {value} else {cast(dtype, '0')})"
    return f"np.{dtype.name}({value})"


def number(scalar: Scalar) -> str:
    if scalar.dtype.kind == "b":
        return str(bool(scalar.extra))
    if isinstance(scalar.extra, float) and not np.isfinite(scalar.extra):
        return f"np.{scalar.dtype.name}('{scalar.extra}')"
    return f"np.{scalar.dtype.name}({scalar.extra!r})"


def start(kind: str, dtype: np.dtype[np.generic]) -> str:
    return cast(dtype, STARTS[kind])


def join(kind: str, dtype: np.dtype[np.generic], x: str, y: str) -> str:
    joined = JOINS[kind].format(x, y)
    return joined if dtype.kind == "f" else cast(dtype, joined)
