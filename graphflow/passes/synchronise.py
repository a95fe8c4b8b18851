"""Batch statistics of all workers: what a worker's graph computes over rows, it agrees on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Symbolic, bind, product, symbol, symbols
from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ir.types import type_symbols
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.op import OPS
from graphflow.passes.substitute import rebuilt, redirected

ALL_REDUCE = "all_reduce_mean"


def all_rows(rows: str) -> str:
    """The symbol that counts the rows of all workers, where ``rows`` counts those of one."""
    return f"{rows}.all"


def synchronised(graph: Graph, rows: str) -> Graph:
    """``graph``, whose means and variances over rows are those of all workers' rows.

    A mean or variance along axes that count rows is a *statistic* if rows, or the new value of a
    state, are computed from it: those of batch norms are, the mean of a loss is not. A mean becomes
    the mean of the workers' means, a variance that of their mean squares around the common mean:

        mean(x) -> m = all_reduce_mean(mean(x))      var(x) -> all_reduce_mean(mean((x - m)**2))

    Of numbers of rows that meet statistics, as in the unbiased variance, those of all workers are
    taken. GF044 where a statistic stands inside a loop or a branch.
    """
    found = _Statistics(graph, rows)
    if not found.names:
        return graph
    counted = found.counted()
    recipes: dict[str, Callable[[Builder], Value]] = {}
    means: dict[tuple[str, Attr], str] = {}
    for name in found.names:
        node = counted.nodes[name]
        along = node.inputs[0], node.attr("axis")
        if node.op == "mean":
            recipes[name] = partial(_mean, node)
            means.setdefault(along, name)
        else:
            recipes[name] = partial(_variance, node, means.get(along), rows)
    return rebuilt(counted, recipes)


def in_order(graph: Graph) -> Graph:
    """``graph``, whose meetings have names, and follow each other in one order on every worker:
    two that waited for each other at different places would wait for ever.
    """
    nodes: dict[str, Node] = {}
    before: tuple[str, ...] = ()
    for node in graph:
        if node.op == ALL_REDUCE:
            node = replace(node, inputs=(node.inputs[0], *before), attrs=(("place", node.name),))
            before = (node.name,)
        nodes[node.name] = node
    return replace(graph, nodes=nodes) if before else graph


def rows_symbol(graph: Graph, fed: Iterable[str], sizes: Collection[str]) -> str | None:
    """The symbol of ``sizes`` that counts rows: the one that most of what is fed and of the states
    have; of several B, else the first that is met. A graph that is fed nothing draws its rows.
    """
    leaves = [*map(graph.__getitem__, fed), *graph.leaves("state")]
    met = [str(d) for leaf in leaves for d in leaf.tensor.shape if d == symbol(str(d))]
    found = {name: met.count(name) for name in [*met, *sizes] if name in sizes}
    most = [name for name, count in found.items() if count == max(found.values())]
    return "B" if "B" in most else next(iter(most), None)


def _mean(node: Node, builder: Builder) -> Value:
    return F.all_reduce_mean(F.mean(builder.value(node.inputs[0]), **node.attributes()))


def _variance(node: Node, mean: str | None, rows: str, builder: Builder) -> Value:
    """``mean`` is the node that holds the common mean along the same axes, if there is one."""
    x, attrs = builder.value(node.inputs[0]), node.attributes()
    axis, correction = attrs["axis"], attrs.pop("correction")
    assert isinstance(axis, tuple) and isinstance(correction, int | float)
    kept = tuple(1 if a in axis else size for a, size in enumerate(x.shape))
    if mean is None:
        center = F.all_reduce_mean(F.mean(x, axis=axis, keepdims=True))
    else:
        center = F.reshape(builder.value(mean), shape=kept)
    centred = x - center
    spread: Value = F.all_reduce_mean(F.mean(centred * centred, **attrs))
    if not correction:
        return spread
    number = product(size for a, size in enumerate(x.shape) if a in axis)
    count = spread.like(_of_all(number, rows))
    return spread * (count / (count - correction))


def _of_all(size: Dim, rows: str) -> Dim:
    return bind(size, {rows: symbol(all_rows(rows))})


@dataclass
class _Statistics:
    """Which nodes of a graph are statistics: ``names``, in their order."""

    graph: Graph
    rows: str

    def __post_init__(self) -> None:
        self.names = self._found(self.graph)
        for node in self.graph:
            for region in node.regions:
                self._refuse(region, node)

    def has_rows(self, node: Node) -> bool:
        """Whether a value has a row for each of the batch."""
        return self.rows in type_symbols(node.type)

    def _found(self, graph: Graph) -> list[str]:
        """Means and variances over rows that lead to rows, or to states."""
        leading = {graph.resolve(name) for name in graph.updates.values()}
        for node in reversed(graph.nodes.values()):
            if OPS[node.op].family == "derivative":
                continue
            if self.has_rows(node) or node.name in leading:
                leading.update(node.inputs)
        return [n.name for n in graph if n.name in leading and self._over_rows(graph, n)]

    def _over_rows(self, graph: Graph, node: Node) -> bool:
        return (
            node.op in ("mean", "var")
            and self.has_rows(graph.nodes[node.inputs[0]])
            and not self.has_rows(node)
        )

    def _refuse(self, region: Graph, node: Node) -> None:
        """A worker cannot know how often others run what is inside."""
        if self._found(region):
            fail("GF044", f"'{node.name}' ({node.op}) has batch statistics inside, where workers "
                 "cannot meet", self.graph.origin(node.name).mark,
                 help="leave out batch_statistics: each worker then has those of its own "
                 "rows")  # fmt: skip
        for inner in region:
            for deeper in inner.regions:
                self._refuse(deeper, node)

    def counted(self) -> Graph:
        """The graph in which what meets statistics alone counts the rows of all workers. What
        counts rows for others, too, is there twice.
        """
        plain, whole = set[str](), set(self.names)
        for node in self.graph:
            if node.name in whole or self.has_rows(node):
                continue
            if plain.issuperset(node.inputs):
                plain.add(node.name)
            elif (plain | whole).issuperset(node.inputs):
                whole.add(node.name)
        met = [i for w in whole - {*self.names} for i in self.graph.nodes[w].inputs]
        beside = self.graph.needed_for(name for name in met if name in plain)
        builder, twins = Builder(self.graph), dict[str, str]()
        nodes: dict[str, Node] = {}
        for node in self.graph:
            again = redirected(node, twins)
            nodes[node.name] = again if node.name in whole else node
            if node.name in beside and (again is not node or self._counts(node)):
                twin = twins[node.name] = builder.unique(f"{node.name}.all")
                attrs = tuple((key, self._larger(value)) for key, value in again.attrs)
                nodes[twin] = replace(again, name=twin, attrs=attrs)
        return replace(self.graph, nodes=nodes)

    def _counts(self, node: Node) -> bool:
        return any(self._larger(value) != value for _, value in node.attrs)

    def _larger(self, value: Attr) -> Attr:
        known = isinstance(value, Symbolic) and self.rows in symbols(value)
        return _of_all(value, self.rows) if known else value  # type: ignore[arg-type]
