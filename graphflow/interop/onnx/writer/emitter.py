"""Writing nodes of ONNX: names, constants, sizes, and the call that a table entry receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from onnx import GraphProto, NodeProto, ValueInfoProto, helper, numpy_helper

from graphflow.diagnostics import fail
from graphflow.interop.onnx.writer.sizes import Sizes
from graphflow.interop.watched import Attributes
from graphflow.ir.dims import Dim, Shape, Symbolic, symbols
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType, TensorType, TupleType, tensors
from graphflow.ops.op import Array

IMPLIED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("full", "zeros", "ones", "reshape", "broadcast_to", "unslice"), ("shape",)
    ),
    **dict.fromkeys(("cast", "constant"), ("dtype",)),
    "arange": ("stop",),
    "split": ("sections",),
    "one_hot": ("dtype", "classes"),
    **dict.fromkeys(
        ("adaptive_avg_pool", "adaptive_max_pool", "adaptive_max_pool_indices", "fold"),
        ("output_size",),
    ),
    **dict.fromkeys(("avg_unpool", "adaptive_avg_unpool"), ("spatial",)),
    **dict.fromkeys(("scatter_add", "scatter_add_along_axis", "nonzero", "unique"), ("size",)),
    "scan": ("body", "carries", "sequences"),
    "pad": ("value",),
}
"""Attributes that an entry of the table takes from the type of the result or from ScanParts, and
the number that pad does not use in every mode.
"""

Results = str | Sequence[str]
Emit = Callable[["Call"], Results]
Table = dict[str, Emit]


class Emitter:
    """One graph of ONNX under construction: the model's, or that of a loop or branch inside it.

    ``values`` maps a node of ours to the ONNX values that hold its results. Constants and sizes
    stand in the outermost graph (``root``), whose values every inner one may read.
    """

    def __init__(self, table: Table, outer: Emitter | None = None, scope: str = "") -> None:
        self.table, self.scope = table, scope
        self.root: Emitter = outer.root if outer else self
        self.nodes: list[NodeProto] = []
        self.values: dict[str, tuple[str, ...]] = {}
        self.initializers: dict[str, Array] = {}
        self.sizes: Sizes = outer.root.sizes if outer else Sizes(self)
        self.promised: dict[str, str] = {}
        """Names of outputs, to the nodes of ours whose values they are."""
        self.outputs: dict[str, str] = {}
        """Nodes of ours whose values are outputs, to the names of these."""
        self._taken: set[str] = set()
        self._constants: dict[tuple[bytes, tuple[int, ...], str], str] = {}
        self._label = ""

    def promise(self, outputs: Sequence[tuple[str, str]]) -> None:
        """Keep names for (output, node of ours)."""
        self.promised = dict(outputs)
        self.outputs = {node: name for name, node in outputs}

    # -- names -------------------------------------------------------------------------------
    def fresh(self, wish: str, owner: str = "") -> str:
        """``wish``, or ``wish_2``, ... where it is taken or promised to another node."""
        root, name, count = self.root, wish, 1
        while name in root._taken or root.promised.get(name, owner) != owner:
            count += 1
            name = f"{wish}_{count}"
        root._taken.add(name)
        return name

    def scoped(self, name: str) -> str:
        """The name of a node of this graph among those of all graphs."""
        return f"{self.scope}.{name}" if self.scope else name

    # -- nodes -------------------------------------------------------------------------------
    def op(self, kind: str, *inputs: str, **attrs: object) -> str:
        """Append a node with one result; its name."""
        return self.ops(kind, 1, *inputs, **attrs)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attrs: object) -> list[str]:
        """Append a node; the names of its results. Attributes that are None are left out."""
        wish = f"{self._label}/{kind}" if self._label else kind
        names = [self.fresh(wish) for _ in range(outputs)]
        node = helper.make_node(kind, inputs, names, name=names[0])
        for key, value in attrs.items():
            if value is not None:
                node.attribute.append(helper.make_attribute(key, value))
        self.nodes.append(node)
        return names

    def constant(self, array: Array, name: str = "constant") -> str:
        """An array as an initializer of the outermost graph; equal ones are one."""
        root = self.root
        key = (array.tobytes(), array.shape, array.dtype.str)
        if key not in root._constants:
            root._constants[key] = self.initializer(self.fresh(name), array)
        return root._constants[key]

    def initializer(self, name: str, array: Array) -> str:
        """An array under a given name."""
        self.root.initializers[name] = array
        return name

    # -- graphs ------------------------------------------------------------------------------
    def run(self, graph: Graph) -> None:
        """Write every node that has no value yet."""
        for node in graph:
            if node.name not in self.values:
                self._write(node, graph)

    def _write(self, node: Node, graph: Graph) -> None:
        outer, self._label = self._label, self.scoped(node.name)
        start, call = len(self.nodes), Call(self, node, graph)
        try:
            results = self._results(call)
        finally:
            self._label = outer
        found = (results,) if isinstance(results, str) else tuple(results)
        for made in self.nodes[start:]:
            made.doc_string = made.doc_string or _place(graph, node)
        self.values[node.name] = self._named(node, graph, found, self.nodes[start:])

    def _results(self, call: Call) -> Results:
        """What the table makes of a node; nothing is computed where there are no elements."""
        types = tensors(call.node.type)
        if any(0 in t.shape for t in types) and call.node.op != "item" and len(types) == 1:
            return call.filled(types[0], 0)
        results = self.table[call.node.op](call)
        for name in call.attrs.ignored():
            place = call.graph.origin(call.node.name).mark
            fail("GF103", f"'{call.node.name}' cannot be written in ONNX: {call.node.op} has "
                 f"no '{name}' there", place)  # fmt: skip
        return results

    def _named(
        self, node: Node, graph: Graph, results: tuple[str, ...], made: Sequence[NodeProto]
    ) -> tuple[str, ...]:
        """Results under the name of the node, or of the nodes that pick them."""
        names = [node.name] * len(results)
        if isinstance(node.type, TupleType):
            names = _picked(node, graph)
        own = {name for each in made for name in each.output}
        final = {}
        for result, name in zip(results, map(self.scoped, names), strict=True):
            if result in own:
                final[result] = self.fresh(self.root.outputs.get(name, name), name)
        for each in made:
            _rename(each, final)
        return tuple(final.get(result, result) for result in results)

    def inner(self, name: str) -> Emitter:
        """An emitter for a graph inside the node that is being written."""
        inner = Emitter(self.table, self, f"{self._label}.{name}")
        inner._label = inner.scope
        return inner

    def region(self, graph: Graph, arguments: Sequence[str], name: str) -> Region:
        """An inner graph whose inputs stand for ``arguments``: formal or outer values."""
        inner, leaves = self.inner(name), graph.leaves("input")
        inner.values = {n.name: (a,) for n, a in zip(leaves, arguments, strict=True)}
        return Region(inner, graph)

    def renamed(self, value: str, name: str) -> str:
        """A copy of a value under a name that is free."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        return name


@dataclass(frozen=True)
class Region:
    """An inner graph being written."""

    emitter: Emitter
    graph: Graph

    def results(self) -> list[str]:
        """Write all nodes; the values of the outputs."""
        self.emitter.run(self.graph)
        return [self.emitter.values[name][0] for name in self.graph.outputs]


def inner_graph(
    emitter: Emitter, inputs: Sequence[ValueInfoProto], results: Sequence[tuple[str, TensorType]]
) -> GraphProto:
    """The finished graph of a loop or branch, with the given inputs and (value, type) results."""
    names: list[str] = []
    own = {name for node in emitter.nodes for name in node.output}
    for value, _ in results:  # each is made in here, and stands there once
        if value not in own or value in names:
            value = emitter.renamed(value, emitter.fresh(f"{emitter.scope}/out"))
        names.append(value)
    outputs = [value_info(n, t) for n, (_, t) in zip(names, results, strict=True)]
    return helper.make_graph(emitter.nodes, emitter.scope, inputs, outputs)


@dataclass(frozen=True)
class Call:
    """One node of ours that is to be written: what an entry of the table receives."""

    emitter: Emitter
    node: Node
    graph: Graph

    @cached_property
    def attrs(self) -> Attributes:
        """Its attributes, which remember that they were read."""
        return Attributes(self.node, IMPLIED.get(self.node.op, ()))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The ONNX values of its operands (of several results, the first)."""
        return tuple(self.emitter.values[name][0] for name in self.node.inputs)

    @cached_property
    def types(self) -> tuple[TensorType, ...]:
        """The types of its operands (of several results, the first)."""
        return tuple(tensors(self.graph.nodes[name].type)[0] for name in self.node.inputs)

    @property
    def axis(self) -> int:
        """The attribute of that name."""
        return self.whole("axis")

    def whole(self, name: str) -> int:
        """An attribute that is a whole number."""
        value = self.attrs[name]
        assert isinstance(value, int)
        return value

    def dim(self, name: str) -> Dim:
        """An attribute that is a size."""
        value = self.attrs[name]
        assert isinstance(value, int | Symbolic)
        return value

    def shape(self, name: str) -> Shape:
        """An attribute that is a list of sizes."""
        value = self.attrs[name]
        assert isinstance(value, tuple)
        return value  # type: ignore[return-value]

    def axes(self, name: str = "axis") -> tuple[int, ...]:
        """An attribute that is a list of axes."""
        return self.known(self.shape(name))

    def flag(self, name: str) -> int:
        """An attribute that is true or false, as 1 or 0."""
        return int(bool(self.attrs[name]))

    @property
    def out(self) -> TensorType:
        """The type of its result."""
        return tensors(self.node.type)[0]

    @property
    def x(self) -> str:
        """The first operand."""
        return self.inputs[0]

    def op(self, kind: str, *inputs: str, **attrs: object) -> str:
        """Append an ONNX node; the name of its result."""
        return self.emitter.op(kind, *inputs, **attrs)

    def number(self, value: float, dtype: DType) -> str:
        """A number as a scalar."""
        return self.emitter.constant(np.array(value, numpy_dtype(dtype)))

    def array(self, array: Array) -> str:
        """An array that is known."""
        return self.emitter.constant(array)

    def ints(self, *values: int) -> str:
        """Whole numbers that are known: axes, steps."""
        return self.emitter.constant(np.array(values, np.int64))

    def dims(self, dims: Sequence[Dim]) -> str:
        """Sizes, which may be symbolic, as one list: shapes, bounds of slices, paddings."""
        return self.emitter.sizes.listed(dims)

    def size(self, dim: Dim, dtype: DType = DType.INT64) -> str:
        """A size as a scalar of a number type."""
        if isinstance(dim, int):
            return self.number(dim, dtype)
        scalar = self.op("Squeeze", self.dims([dim]), self.ints(0))
        return scalar if dtype is DType.INT64 else self.cast(scalar, dtype)

    def scalar(self, name: str, dtype: DType) -> str:
        """An attribute that is a number or a size, as a scalar of a number type."""
        value = self.attrs[name]
        assert isinstance(value, bool | int | float | Symbolic)
        return self.size(value, dtype) if isinstance(value, Symbolic) else self.number(value, dtype)

    def cast(self, value: str, dtype: DType) -> str:
        """A value in another number type."""
        return self.op("Cast", value, to=element_type(dtype))

    def reshape(self, value: str, shape: Sequence[Dim]) -> str:
        """A value in another shape."""
        return self.op("Reshape", value, self.dims(shape), allowzero=1)

    def filled(self, type: TensorType, value: float) -> str:
        """An array of a type with one number everywhere."""
        number = numpy_helper.from_array(np.array([value], numpy_dtype(type.dtype)))
        return self.op("ConstantOfShape", self.dims(type.shape), value=number)

    def known(self, dims: Sequence[Dim]) -> tuple[int, ...]:
        """Sizes as numbers, where ONNX needs to know them beforehand."""
        found = tuple(d for d in dims if isinstance(d, int))
        if len(found) == len(dims):
            return found
        names = sorted({n for d in dims if isinstance(d, Symbolic) for n in symbols(d)})
        given = ", ".join(f"{name}=4" for name in names)
        fail(
            "GF026",
            f"'{self.node.name}' ({self.node.op}) can be written only for known sizes: "
            f"{', '.join(names)} is open",
            self.graph.origin(self.node.name).mark,
            help=f"give it, such as --sizes {given}",
        )


def numpy_dtype(dtype: DType) -> np.dtype:
    """The array type of a number type."""
    return np.dtype(dtype.value)


def element_type(dtype: DType) -> int:
    """The number that stands for a number type in ONNX."""
    return int(helper.np_dtype_to_tensor_dtype(numpy_dtype(dtype)))


def value_info(name: str, type: TensorType) -> ValueInfoProto:
    """A name with its type; open sizes go by their formula."""
    shape = [d if isinstance(d, int) else str(d) for d in type.shape]
    return helper.make_tensor_value_info(name, element_type(type.dtype), shape)


def _place(graph: Graph, node: Node) -> str:
    """The line of the file that a node comes from."""
    mark = graph.origin(node.name).mark
    return f"line {mark.line}" if mark else ""


def _picked(node: Node, graph: Graph) -> list[str]:
    """For each of several results the node that picks it."""
    wishes = [f"{node.name}.{i}" for i in range(len(tensors(node.type)))]
    for name in graph.consumers[node.name]:
        reader = graph.nodes[name]
        index = reader.attr("index") if reader.op == "item" else None
        if isinstance(index, int):
            wishes[index] = reader.name
    return wishes


def _rename(node: NodeProto, names: dict[str, str]) -> None:
    """The values of a node under other names."""
    for side in (node.input, node.output):
        renamed = [names.get(name, name) for name in side]
        del side[:]
        side.extend(renamed)
    node.name = names.get(node.name, node.name)
