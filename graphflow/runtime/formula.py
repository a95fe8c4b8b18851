r"""What a node computes, as LaTeX that KaTeX and MathJax read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from graphflow.ir.graph import Attr, Graph
from graphflow.ops.op import OPS
from graphflow.spec.expand import subscript

_SPECIAL = {
    **{sign: f"\\{sign}" for sign in "_#%&${}"},
    "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}",
}  # fmt: skip


def formula(graph: Graph, name: str, operands: Sequence[str] | None = None) -> str:
    r"""A node's operation as LaTeX over ``operands``, the names of its inputs if they are left out.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> q = b.input("q", TensorType(DType.FLOAT)) * b.input("loss_z", TensorType(DType.FLOAT))
    >>> formula(b.graph(), q.name)
    'q \\cdot \\text{loss\\_z}'
    """
    node = graph.nodes[name]
    op = OPS[node.op]
    texts = [symbol(n) for n in node.inputs] if operands is None else list(operands)
    if not op.latex:
        return applied(node.op, texts)
    given = {key: attribute(value) for key, value in node.attrs}
    if node.op == "slice":
        given["index"] = _plain(subscript(node, graph.nodes[node.inputs[0]].tensor.shape))
    for position, operand in enumerate(op.operands):
        if operand.startswith("*"):
            given[operand[1:]] = given["operands"] = ", ".join(texts[position:])
        elif position < len(texts):
            given[operand] = texts[position]
    try:
        return op.latex.format_map(given)
    except (KeyError, IndexError):  # the template asks for what this call leaves to its default
        return applied(node.op, texts)


def applied(op: str, operands: Sequence[str]) -> str:
    """An operator as a function of its operands."""
    return rf"\operatorname{{{_plain(op)}}}({', '.join(operands)})"


def symbol(name: str) -> str:
    r"""A node's name inside LaTeX.

    >>> symbol("x"), symbol("fc1.z_max")
    ('x', '\\text{fc1.z\\_max}')
    """
    return name if len(name) == 1 and name.isalpha() else rf"\text{{{_plain(name)}}}"


def number(value: float | int) -> str:
    r"""A number in up to five digits.

    >>> number(-2.0), number(0.125), number(1e-7), number(float("nan"))
    ('-2', '0.125', '10^{-7}', '\\text{nan}')
    """
    if isinstance(value, bool):
        return rf"\text{{{str(value).lower()}}}"
    if math.isnan(value):
        return r"\text{nan}"
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    mantissa, _, exponent = f"{value:.5g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return mantissa.replace("1", power)
    return rf"{mantissa} \times {power}"


def attribute(value: Attr) -> str:
    """An attribute's value inside LaTeX."""
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(attribute, value))})"
    return rf"\text{{{_plain(str(value))}}}"


def _plain(text: str) -> str:
    """Text in which LaTeX finds nothing of its own."""
    return re.sub(r"[\\_#%&${}^~]", lambda found: _SPECIAL[found[0]], text)
