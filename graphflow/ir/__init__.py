"""The one form that everything reads and rewrites: sizes, types, nodes, graphs."""

from graphflow.ir.dims import Dim, Shape, Symbolic, symbol
from graphflow.ir.graph import LEAVES, ArrayLiteral, Attr, Graph, Node, Origin
from graphflow.ir.text import from_text, to_text
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ir.verify import InvalidGraph, verify

__all__ = [
    "LEAVES",
    "ArrayLiteral",
    "Attr",
    "DType",
    "Dim",
    "Graph",
    "InvalidGraph",
    "Node",
    "Origin",
    "Shape",
    "Symbolic",
    "TensorType",
    "TupleType",
    "ValueType",
    "from_text",
    "symbol",
    "to_text",
    "verify",
]
