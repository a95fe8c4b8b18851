"""Graphs as flat text and back: one node a line, for reading, dumps and comparisons.

    x: float32[B, 3] = input()
    c: float32[] = constant(value=2.0, dtype=float32)
    y: float32[B, 3] = mul(x, c)
    return y

Further lines say ``update leaf = node``, ``alias name = node`` and ``gradient of, wrt = node``. A
region is an attribute in braces. Everything a graph computes is there, exactly; where its nodes
came from (``origins``) is not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from graphflow.ir.dims import Symbolic, symbols
from graphflow.ir.graph import ArrayLiteral, Attr, Graph, Node
from graphflow.ir.text_reader import RESERVED, WORD, Reader


def to_text(graph: Graph) -> str:
    """The text form of a graph.

    >>> from graphflow.ir.types import DType, TensorType
    >>> x = Node("input", (), (), TensorType(DType.FLOAT, (2,)), "x")
    >>> y = Node("neg", ("x",), (), TensorType(DType.FLOAT, (2,)), "y")
    >>> print(to_text(Graph({"x": x, "y": y}, ("y",))), end="")
    x: float[2] = input()
    y: float[2] = neg(x)
    return y
    """
    return "".join(f"{line}\n" for line in _lines(graph, ""))


def from_text(text: str) -> Graph:
    r"""The graph that :func:`to_text` wrote. Raises GF005 where the text is not of that form.

    >>> graph = from_text("x: float[2] = input()\nreturn x")
    >>> graph["x"].type, graph.outputs, from_text(to_text(graph)) == graph
    (float[2], ('x',), True)
    """
    return Reader(text).whole()


def _lines(graph: Graph, indent: str) -> Iterator[str]:
    for node in graph:
        yield f"{indent}{_name(node.name)}: {node.type} = {node.op}({_arguments(node, indent)})"
    if graph.outputs:
        yield f"{indent}return {_names(graph.outputs)}"
    for leaf, new in graph.updates.items():
        yield f"{indent}update {_name(leaf)} = {_name(new)}"
    for alias, of in graph.aliases.items():
        yield f"{indent}alias {_name(alias)} = {_name(of)}"
    for pair, gradient in graph.gradients.items():
        yield f"{indent}gradient {_names(pair)} = {_name(gradient)}"


def _arguments(node: Node, indent: str) -> str:
    given = [_name(operand) for operand in node.inputs]
    given += [f"{key}={_value(value, indent)}" for key, value in node.attrs]
    return ", ".join(given)


def _name(name: str) -> str:
    """A name as it is where it is one word, in quotes otherwise."""
    return name if WORD.fullmatch(name) else json.dumps(name)


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))


def _value(value: Attr, indent: str) -> str:
    """One attribute. Words are constants, types or symbols; strings stand in quotes."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Symbolic):
        return f"({value})" if symbols(value) & RESERVED else str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(part, indent) for part in value)}]"
    if isinstance(value, ArrayLiteral):
        array = value.array
        shape = list(array.shape)
        return f'array("{array.dtype.str}", {shape}, "{array.tobytes().hex()}")'
    if isinstance(value, Graph):
        body = "".join(f"{line}\n" for line in _lines(value, f"{indent}  "))
        return f"{{\n{body}{indent}}}"
    return str(value)


def _float(value: float) -> str:
    """The shortest decimal that reads back as the same number, the sign of nan included."""
    if math.isnan(value) and math.copysign(1.0, value) < 0:
        return "-nan"
    return repr(value)
