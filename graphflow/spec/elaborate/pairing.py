"""Differences of every row with every row in what is minimised, where nothing says they are meant.

(N, 1) minus (N,) is (N, N): a prediction minus a target whose number of axes was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphflow.diagnostics import Diagnostic, GraphflowError, Note
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.graph import Graph, Node
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import get_op
from graphflow.spec.elaborate.calltree import Opened
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.nodes import Annotated


def check_differences(elaborator: Elaborator, loss: str) -> None:
    """A GraphflowError for differences of all pairs that ``loss`` depends on.

    Blocks of the library have an argument for that, and a line may state the shape it has.
    """
    graph = elaborator.root.builder.graph()
    said = _stated(elaborator, graph) | set(_in_library(elaborator.root.open[0], list(graph.nodes)))
    needed = graph.needed_for([loss]) - said
    found = [n for n in graph if n.name in needed and takes_all_pairs(graph, n)]
    if found:
        raise GraphflowError(*(_finding(graph, node) for node in found))


def takes_all_pairs(graph: Graph, node: Node) -> bool:
    """Whether a node subtracts floats of different rank, both are stretched, each along an axis of
    the other that has the same symbolic size, and no axis was put in on purpose.
    """
    if node.op != "sub" or not node.tensor.dtype.is_float:
        return False
    x, y = (graph.nodes[name].tensor.shape for name in node.inputs)
    if len(x) == len(y):
        return False
    twice = set(_alone(x, y)) & set(_alone(y, x))
    return bool(twice) and not any(_laid_out(graph, name) for name in node.inputs)


def _alone(x: Sequence[Dim], y: Sequence[Dim]) -> Iterator[Symbolic]:
    """The symbolic sizes along which ``y`` is stretched to fit ``x``."""
    beside = [1] * (len(x) - len(y)) + list(y[max(0, len(y) - len(x)) :])
    for size, other in zip(x, beside, strict=True):
        if isinstance(size, Symbolic) and other == 1:
            yield size


def _laid_out(graph: Graph, name: str) -> bool:
    """Whether the axes of a value were written down: x[:, None], expand_dims, reshape, and what is
    computed from these entry by entry.
    """
    node = graph.nodes[name]
    if node.op == "slice":
        index = node.attr("index")
        return isinstance(index, tuple) and ("newaxis",) in index
    if isinstance(get_op(node.op), Elementwise):
        same = (n for n in node.inputs if graph.nodes[n].tensor.shape == node.tensor.shape)
        return any(_laid_out(graph, n) for n in same)
    return node.op in ("expand_dims", "reshape", "broadcast_to")


def _stated(elaborator: Elaborator, graph: Graph) -> set[str]:
    """Nodes of lines that state their shape."""
    bodies = ((decl.names[0], decl.body) for decl in elaborator.document.nodes)
    lines = {name for name, body in bodies if isinstance(body, Annotated) and body.shape}
    return {graph.aliases.get(name, name) for name in lines}


def _in_library(opened: Opened, nodes: Sequence[str]) -> Iterator[str]:
    """Nodes that calls of the library have made."""
    for call in opened.inner:
        if call.function.library:
            yield from nodes[call.start : call.end]
        else:
            yield from _in_library(call, nodes)


def _finding(graph: Graph, node: Node) -> Diagnostic:
    known = {name: alias for alias, name in reversed(graph.aliases.items())}
    x, y = ((known.get(n, n), graph.nodes[n].tensor.shape, n) for n in node.inputs)
    result = list(node.tensor.shape)
    return Diagnostic(
        "GF030",
        f"'{x[0]}' {list(x[1])} minus '{y[0]}' {list(y[1])} gives {result}, all pairs",
        graph.origin(node.name).mark,
        tuple(
            Note(f"'{name}' is {graph.nodes[n].tensor}", graph.origin(n).mark)
            for name, _, n in (x, y)
        ),
        "squeeze, reshape or an index ([:, 0], [:, None]) gives both one shape; where all pairs "
        "are meant, give both as many axes, as in a[:, None] - b[None, :]",
    )
