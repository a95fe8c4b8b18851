"""From a model to the graph that is written: sizes, number type and mode fixed, then simplified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphflow.diagnostics import Diagnostic, GraphflowError, did_you_mean, fail
from graphflow.interop.onnx.writer.families import TABLE
from graphflow.interop.onnx.writer.refused import REFUSED
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import bind_type, type_symbols
from graphflow.model import Model
from graphflow.ops.op import Array, get_op
from graphflow.passes import optimise, specialise
from graphflow.runtime.compile import Compiler, Mode, float_dtype
from graphflow.runtime.store import Store

NEXT = ".next"
"""What is added to the name of a leaf for the value that it has after the step."""


@dataclass(frozen=True)
class Prepared:
    """A graph whose primitives are all written, its outputs by name, first values of leaves.

    ``fed`` are the leaves that are inputs; the others are constants of the model. ``spare`` are
    inputs of the file that nothing reads, but that may be the only ones to have some size.
    """

    graph: Graph
    outputs: Sequence[tuple[str, str]]
    values: Mapping[str, Array]
    fed: frozenset[str]
    spare: Sequence[Node] = ()


def forward(model: Model, mode: Mode, dtype: str, sizes: Mapping[str, int]) -> Prepared:
    """What the file's outputs are, parameters and states being constants."""
    program = model.compile(mode=mode, dtype=dtype, **sizes)  # type: ignore[arg-type]
    graph = program.graph
    names = list(model.outputs) or list(graph.outputs)
    graph = replace(graph, outputs=tuple(graph.resolve(name) for name in names))
    prepared = _prepared(graph, names, model.store, mode, dtype, sizes, constant=True)
    return _called_as_known(prepared, model)


def training_step(
    model: Model, player: str | None, dtype: str, sizes: Mapping[str, int]
) -> Prepared:
    """One player's step: reported values and new values of what it changes."""
    trainer = model.trainer(dtype=dtype)
    step = trainer.players[_player(list(trainer.players), player)].step
    Compiler(step.graph, trainer.store, trainer.initialiser, trainer.settings, sizes)  # checks them
    updates = step.graph.updates
    names = [*step.report, *(leaf + NEXT for leaf in updates)]
    outputs = (*step.report.values(), *updates.values())
    graph = replace(step.graph, outputs=outputs, updates={})
    prepared = _prepared(graph, names, trainer.store, "train", dtype, sizes, constant=False)
    return _called_as_known(prepared, model)


def _called_as_known(prepared: Prepared, model: Model) -> Prepared:
    """The same, with inputs under the names of the system that the model comes from."""
    nodes = prepared.graph.nodes
    names = {node: name for name, node in model.ends.inputs.items() if name not in nodes}
    if not names:
        return prepared

    def called(node: Node) -> Node:
        inputs = tuple(names.get(n, n) for n in node.inputs)
        return replace(node, name=names.get(node.name, node.name), inputs=inputs)

    origins = {names.get(n, n): origin for n, origin in prepared.graph.origins.items()}
    renamed = {after.name: after for after in map(called, prepared.graph)}
    return Prepared(
        replace(prepared.graph, nodes=renamed, origins=origins, outputs=()),
        [(name, names.get(node, node)) for name, node in prepared.outputs],
        {names.get(n, n): value for n, value in prepared.values.items()},
        frozenset(names.get(n, n) for n in prepared.fed),
        [called(leaf) for leaf in prepared.spare],
    )


def _player(players: Sequence[str], wanted: str | None) -> str:
    """The player asked for, or the only one."""
    if wanted is None and len(players) == 1:
        return players[0]
    if wanted is None or wanted not in players:
        several = f"there are several players: {', '.join(players)}"
        what = several if wanted is None else f"there is no player '{wanted}'"
        fail("GF022", what, help=did_you_mean(wanted or "", players) or "name one of them")
    return wanted


def _prepared(
    graph: Graph, names: Sequence[str], store: Store, mode: Mode, dtype: str,
    sizes: Mapping[str, int], *, constant: bool,
) -> Prepared:  # fmt: skip
    declared = {leaf.name: leaf for leaf in graph if leaf.op in ("parameter", "state")}
    bound = specialise(graph, sizes, float_dtype(dtype), mode == "train", partial=True)
    final = simplified(bound)
    values = {}
    for leaf in final:
        if leaf.name in declared and not type_symbols(declared[leaf.name].type):
            value = _first_value(store, leaf.name)
            if value is not None:
                values[leaf.name] = value.astype(leaf.tensor.dtype.value)
    leaves = {node.name for node in final if node.op in LEAVES}
    fed = leaves - values.keys() if constant else leaves
    outputs = list(zip(names, final.outputs, strict=True))
    spare = [
        replace(leaf, type=bind_type(leaf.type, sizes, float_dtype(dtype)))
        for leaf in graph.leaves("input")
        if leaf.name not in final.nodes
    ]
    return Prepared(final, outputs, values, frozenset(fed), spare)


def _first_value(store: Store, name: str) -> Array | None:
    """The value of a leaf; None where it starts as something that is not fed yet."""
    try:
        return store.array(name)
    except GraphflowError as error:
        if error.diagnostics[0].code != "GF066":
            raise
        return None


def simplified(graph: Graph) -> Graph:
    """A specialised graph as it is written; GF103 where it cannot be."""
    final = optimise(_draws_fed(graph))
    _refuse_unwritable(final)
    return final


def _draws_fed(graph: Graph) -> Graph:
    """Random draws as inputs: ONNX has no numbers that depend on (seed, node, step)."""
    fed = {
        node.name: Node("input", (), (), node.type, node.name)
        for node in graph
        if node.op not in LEAVES and get_op(node.op).random
    }
    return replace(graph, nodes={**graph.nodes, **fed}) if fed else graph


def _refuse_unwritable(graph: Graph) -> None:
    """One diagnostic for each primitive that cannot be written, at the first place it is used."""
    found: dict[str, Diagnostic] = {}
    for node, inside in _every_node(graph):
        if node.op not in LEAVES and node.op not in TABLE:
            reason = REFUSED.get(node.op, "operators of other packages are not known to it")
            found.setdefault(node.op, Diagnostic(
                "GF103", f"'{node.name}' is {node.op}, which cannot be written in ONNX",
                inside.origin(node.name).mark, help=reason,
            ))  # fmt: skip
    if found:
        raise GraphflowError(*found.values())


def _every_node(graph: Graph) -> Iterator[tuple[Node, Graph]]:
    """All nodes and the graphs they stand in, inner graphs included."""
    for node in graph:
        yield node, graph
        for region in node.regions:
            yield from _every_node(region)
