"""From a symbolic graph to a concrete one: sizes, float type and mode are fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphflow.diagnostics import GraphflowError, Mark, Note, fail
from graphflow.ir.dims import Dim, Symbolic, bind, symbols
from graphflow.ir.graph import LEAVES, Attr, Graph, Node
from graphflow.ir.types import DType, ValueType, bind_type, tensors, type_symbols
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import get_op
from graphflow.passes.modes import resolve_modes
from graphflow.passes.substitute import map_regions
from graphflow.passes.verified import inferred, verified


def specialise(
    graph: Graph,
    sizes: Mapping[str, int],
    float_type: DType,
    training: bool,
    *,
    partial: bool = False,
) -> Graph:
    """``graph`` with every symbol, number type and choice by mode made definite.

    Symbols take their ``sizes``, the open float type becomes ``float_type``, ``by_mode`` nodes
    give way to the operand of the mode, and nodes that no output or update needs are dropped.
    Raises GF026 for a symbol without a size, unless ``partial`` leaves it open, and GF030 where
    the sizes do not fit the graph.

    >>> from graphflow.ir.dims import symbol
    >>> from graphflow.ir.types import TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> y = b.input("x", TensorType(DType.FLOAT, (symbol("B"),))) * 2
    >>> specialise(b.graph([y.name]), {"B": 3}, DType.FLOAT32, training=True)[y.name].type
    float32[3]
    """
    binder = _Binder(sizes, float_type)
    needed = _needed(resolve_modes(graph, training))
    concrete = _bound(needed, binder)
    if binder.unbound and not partial:
        _refuse_unbound(needed, binder.unbound)
    return verified(concrete, "specialise")


def _needed(graph: Graph) -> Graph:
    """``graph`` without the nodes that nothing needs; a region keeps all its inputs."""
    return _only(graph, graph.needed_for((*graph.roots(), *graph.updates)))


def _needed_region(region: Graph) -> Graph:
    inputs = (leaf.name for leaf in region.leaves("input"))
    return _only(region, region.needed_for((*region.outputs, *inputs)))


def _only(graph: Graph, names: set[str]) -> Graph:
    return graph if len(names) == len(graph) else graph.restricted_to(names)


def _bound(graph: Graph, binder: _Binder) -> Graph:
    nodes: dict[str, Node] = {}
    for node in graph:
        bound = binder.node(node)
        if not binder.unbound and bound is not node:
            operands = [nodes[n].type for n in node.inputs]
            _check(bound, operands, binder, graph.origin(node.name).mark)
        nodes[node.name] = bound
    same = all(nodes[node.name] is node for node in graph)
    return graph if same else replace(graph, nodes=nodes)


class _Binder:
    """Replaces symbols and the open float type; remembers where a symbol without a size stands."""

    def __init__(self, sizes: Mapping[str, int], float_type: DType) -> None:
        self.sizes, self.float_type = sizes, float_type
        self.types: dict[ValueType, ValueType | None] = {}
        self.unbound: dict[str, str] = {}

    def node(self, node: Node) -> Node:
        """The node with a concrete type and concrete attributes; itself if it has them already."""
        type = self.type(node.type, node.name)
        node = map_regions(node, lambda region: _bound(_needed_region(region), self))
        attrs = tuple([(key, self.attr(value, node.name)) for key, value in node.attrs])
        if node.op == "constant":
            attrs = _number_constant(attrs, node)
        unchanged = type is node.type and all(
            new is old for (_, new), (_, old) in zip(attrs, node.attrs, strict=True)
        )
        return node if unchanged else Node(node.op, node.inputs, attrs, type, node.name)

    def type(self, type: ValueType, where: str) -> ValueType:
        if type not in self.types:
            found = bind_type(type, self.sizes, self.float_type)
            for name in type_symbols(found):
                self.unbound.setdefault(name, where)
            self.types[type] = None if found == type else found
        return self.types[type] or type

    def attr(self, value: Attr, where: str) -> Attr:
        """One attribute, tuples element by element; the same object when nothing is open in it."""
        if isinstance(value, tuple):
            parts = tuple([self.attr(part, where) for part in value])
            same = all(new is old for new, old in zip(parts, value, strict=True))
            return value if same else parts
        if isinstance(value, Symbolic):
            return self.dim(value, where)
        return self.float_type if value is DType.FLOAT else value

    def dim(self, dim: Symbolic, where: str) -> Dim:
        found = bind(dim, self.sizes)
        for name in symbols(found):
            self.unbound.setdefault(name, where)
        return found


def _number_constant(
    attrs: tuple[tuple[str, Attr], ...], node: Node
) -> tuple[tuple[str, Attr], ...]:
    """A constant that was a symbol, as a number of the constant's type."""
    found = dict(attrs)
    value, dtype = found["value"], found["dtype"]
    if not isinstance(node.attr("value"), Symbolic) or not isinstance(value, int):
        return attrs
    assert isinstance(dtype, DType)
    number = float(value) if dtype.is_float else bool(value) if dtype is DType.BOOL else value
    return tuple((found | {"value": number}).items())


def _check(node: Node, operands: Sequence[ValueType], binder: _Binder, mark: Mark | None) -> None:
    """The operator's own rule, now that sizes are numbers: kernels fit, slices stay inside.

    Broadcasting does not depend on the sizes that symbols take, so elementwise operators pass.
    """
    negative = any(isinstance(d, int) and d < 0 for t in tensors(node.type) for d in t.shape)
    if negative:
        fail(
            "GF030",
            f"{_shown(binder.sizes)} gives '{node.name}' the impossible shape {node.type}",
            mark,
            help="the sizes are too small for this graph",
        )
    if node.op in LEAVES or isinstance(get_op(node.op), Elementwise):
        return
    try:
        type = inferred(node, operands)
    except GraphflowError as error:
        note = Note(f"in '{node.name}', with {_shown(binder.sizes)}")
        found = [replace(d.at(mark), notes=(*d.notes, note)) for d in error.diagnostics]
        raise GraphflowError(*found) from error
    if type != node.type:
        fail(
            "GF030",
            f"{_shown(binder.sizes)} makes '{node.name}' a {type}, "
            f"but by its symbols it is a {node.type}",
            mark,
            help="the sizes are too small for this graph",
        )


def _shown(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _refuse_unbound(graph: Graph, unbound: Mapping[str, str]) -> None:
    """One diagnostic that names every symbol without a size and what carries it."""
    carriers = {symbol: _carrier(graph, symbol) or where for symbol, where in unbound.items()}
    shown = ", ".join(f"{symbol} (in '{where}')" for symbol, where in carriers.items())
    notes = [
        Note(f"'{where}' is {graph[where].type}", graph.origin(where).mark)
        for where in dict.fromkeys(carriers.values())
        if where in graph
    ]
    given = ", ".join(f"{symbol}=..." for symbol in unbound)
    fail(
        "GF026",
        f"no size is known for {shown}",
        notes=notes,
        help=f"feed an array that has this size, or compile with {given}",
    )


def _carrier(graph: Graph, symbol: str) -> str | None:
    """The first leaf whose shape mentions ``symbol``."""
    leaves = (node for node in graph if node.op in LEAVES)
    return next((leaf.name for leaf in leaves if symbol in type_symbols(leaf.type)), None)
