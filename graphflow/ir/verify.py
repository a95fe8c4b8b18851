"""What must hold of every graph, whatever made it.

:func:`verify` is an assertion about graphflow itself: no input of a user can break it. The pass
driver runs it after every pass when the environment variable ``GRAPHFLOW_VERIFY`` is 1, as it is
in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TensorType, TupleType, ValueType

Inference = Callable[[Node, Sequence[ValueType]], ValueType]


class InvalidGraph(AssertionError):
    """A graph breaks a rule: ``where`` is the node (or table), ``rule`` what does not hold."""

    def __init__(self, where: str, rule: str) -> None:
        self.where, self.rule = where, rule
        super().__init__(f"{where}: {rule}")


def verify(graph: Graph, *, infer: Inference | None = None) -> None:
    """Raise :class:`InvalidGraph` unless ``graph`` and all its regions are well formed.

    Nodes are stored under their own names and read earlier nodes only; leaves read nothing;
    ``item`` picks an existing result; every table names existing nodes; an updated leaf keeps its
    type; a region takes what its operator hands it. ``infer`` gives the type that a node must have
    by its operator's rule.
    """
    _verify(graph, infer, "")


def _verify(graph: Graph, infer: Inference | None, path: str) -> None:
    seen: dict[str, ValueType] = {}
    for key, node in graph.nodes.items():
        where = f"{path}node '{key}' ({node.op})"
        _node(graph, key, node, seen, where)
        types = [seen[name] for name in node.inputs]
        for attribute, region in _regions(node):
            _verify(region, infer, f"{where}, {attribute}: ")
        if node.regions:
            _handed(node, types, where)
        if infer is not None and node.op not in LEAVES:
            _inferred(node, types, infer, where)
        seen[key] = node.type
    _tables(graph, path)


def _node(graph: Graph, key: str, node: Node, seen: dict[str, ValueType], where: str) -> None:
    """The rules of one node by itself and its operands."""
    _hold(node.name == key, where, f"is stored under '{key}' but calls itself '{node.name}'")
    for operand in node.inputs:
        _hold(operand in graph.nodes, where, f"reads '{operand}', which does not exist")
        _hold(operand in seen, where, f"reads '{operand}', which comes later")
    attributes = [name for name, _ in node.attrs]
    _hold(len(set(attributes)) == len(attributes), where, "has an attribute twice")
    if node.op in LEAVES:
        _hold(not node.inputs, where, "is a leaf but has operands")
        _hold(isinstance(node.type, TensorType), where, "is a leaf but has several results")
    if node.op == "item":
        _item(node, seen, where)


def _item(node: Node, seen: dict[str, ValueType], where: str) -> None:
    _hold(len(node.inputs) == 1, where, "picks a result of exactly one node")
    several, index = seen[node.inputs[0]], node.attr("index")
    _hold(isinstance(several, TupleType), where, f"'{node.inputs[0]}' has a single result")
    assert isinstance(several, TupleType) and isinstance(index, int)
    _hold(0 <= index < len(several.items), where, f"there is no result {index}")
    _hold(several.items[index] == node.type, where, f"result {index} is {several.items[index]}")


def _inferred(node: Node, types: list[ValueType], infer: Inference, where: str) -> None:
    try:
        type = infer(node, types)
    except (GraphflowError, TypeError) as error:
        raise InvalidGraph(where, f"its operator refuses its operands: {error}") from error
    _hold(type == node.type, where, f"is declared {node.type}, but its operator gives {type}")


def _tables(graph: Graph, path: str) -> None:
    """Outputs, updates, aliases, gradients and origins name existing nodes."""
    nodes = graph.nodes
    tables: dict[str, Iterable[str]] = {
        "outputs": graph.outputs,
        "updates": (*graph.updates, *graph.updates.values()),
        "aliases": graph.aliases.values(),
        "gradients": graph.gradients.values(),
        "origins": graph.origins,
    }
    for table, names in tables.items():
        for name in names:
            _hold(name in nodes, f"{path}{table}", f"'{name}' does not exist")
    for alias in graph.aliases:
        _hold(alias not in nodes, f"{path}aliases", f"'{alias}' is a node's own name")
    for leaf, new in graph.updates.items():
        where = f"{path}update of '{leaf}'"
        _hold(nodes[leaf].op in ("parameter", "state"), where, f"is of an {nodes[leaf].op}")
        same = nodes[leaf].type == nodes[new].type
        _hold(same, where, f"'{new}' is {nodes[new].type}, the leaf is {nodes[leaf].type}")


def _handed(node: Node, types: list[ValueType], where: str) -> None:
    """The regions of a node take what the operator hands them."""
    wanted = types
    if node.op == "cond":
        wanted = types[1:]
    elif node.op == "scan":
        carries, sequences = node.attr("carries"), node.attr("sequences")
        assert isinstance(carries, int) and isinstance(sequences, int)
        _carried(node, types, carries, where)
        last = carries + sequences
        elements = [_element(t, where) for t in types[carries:last]]
        wanted = [*types[:carries], *elements, *types[last:]]
    elif node.op == "while_loop":
        carries = node.attr("carries")
        assert isinstance(carries, int)
        _carried(node, types, carries, where)
    for attribute, region in _regions(node):
        _region(region, wanted, f"{where}, {attribute}")


def _region(region: Graph, wanted: list[ValueType], where: str) -> None:
    """A region reads nothing but its inputs, which take the operands in order."""
    foreign = [node.name for node in region if node.op in LEAVES - {"input"}]
    _hold(not foreign, where, f"{foreign} are leaves, but a region has inputs only")
    _hold(not region.updates, where, "a region has no updates")
    given = [leaf.type for leaf in region.leaves("input")]
    _hold(given == wanted, where, f"takes {given} but is handed {wanted}")


def _regions(node: Node) -> list[tuple[str, Graph]]:
    return [(name, value) for name, value in node.attrs if isinstance(value, Graph)]


def _element(type: ValueType, where: str) -> TensorType:
    """What one turn sees of a sequence."""
    has_axis = isinstance(type, TensorType) and type.ndim > 0
    _hold(has_axis, where, f"{type} is not a sequence")
    assert isinstance(type, TensorType)
    return type.with_shape(type.shape[1:])


def _carried(node: Node, types: list[ValueType], carries: int, where: str) -> None:
    """A loop's body hands on carries of the types it was given."""
    body = node.attr("body")
    assert isinstance(body, Graph)
    _hold(len(types) >= carries, where, f"carries {carries} values but has {len(types)} operands")
    after: list[ValueType] = [body[name].type for name in body.outputs[:carries]]
    _hold(after == types[:carries], where, f"carries {types[:carries]} but hands on {after}")


def _hold(holds: bool, where: str, rule: str) -> None:
    if not holds:
        raise InvalidGraph(where, rule)
