"""Operations and values on one line of text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphflow.ir.graph import Attr, Node
from graphflow.ops.evaluate import Computed
from graphflow.spec.expand import INFIX, literal, subscript

UNSHOWN = ("shape", "keepdims")
WHOLE = 32
"""Arrays of up to so many elements are shown whole."""


def written(node: Node) -> str:
    """The operation as one would write it in a file; types and shapes are left out."""
    if node.op in INFIX and len(node.inputs) == 2:
        return f" {INFIX[node.op]} ".join(node.inputs)
    if node.op == "slice":
        return f"{node.inputs[0]}[{subscript(node)}]"
    if node.op == "identity":
        return node.inputs[0]
    numbers = [f"{k}={literal(v)}" for k, v in node.attrs if _counts(v) and k not in UNSHOWN]
    return f"{node.op}({', '.join([*node.inputs, *numbers])})"


def _counts(value: Attr) -> bool:
    """Whether an attribute is a number or a list of numbers."""
    items = value if isinstance(value, tuple) else (value,)
    return bool(items) and all(isinstance(item, int | float) for item in items)


def shown(value: Computed) -> str:
    """A value on one line: small ones whole, others by shape and range."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    array = np.asarray(value)
    if array.shape == ():
        return f"{array.item():.6g}" if array.dtype.kind == "f" else str(array.item())
    if array.size <= WHOLE:
        text = np.array2string(array, precision=5, separator=", ", max_line_width=10_000)
        return " ".join(text.split())
    low, mean, high = (float(f(array)) for f in (np.min, np.mean, np.max))
    return f"{list(array.shape)} from {low:.4g} to {high:.4g}, mean {mean:.4g}"


def chain_lines(
    twin: str,
    operand: str,
    upstream: tuple[str, str],
    local: str | None,
    contribution: str,
    total: str | None,
) -> Iterator[str]:
    """Upstream gradient times local derivative is the contribution: in names, then in numbers.

    The values are given as texts, ``upstream`` after its name; ``local`` is None where the local
    derivative is a matrix, ``total`` where nothing is added up.

    >>> list(chain_lines("q", "x", ("q.grad", "-4"), "1", "-4", None))
    ['q.grad × ∂q/∂x = contribution to x.grad', '-4 × 1 = -4']
    """
    name, value = upstream
    slope = f"∂{twin}/∂{operand}"
    yield f"{name} × {slope} = contribution to {operand}.grad"
    if local is None:
        yield f"{name} = {value}, {slope} is a matrix"
        yield f"contribution = {contribution}"
    else:
        yield f"{value} × {local} = {contribution}"
    if total is not None:
        yield sum_line(total)


def sum_line(total: str) -> str:
    """What has arrived of a gradient by this step."""
    return f"sum so far = {total}"
