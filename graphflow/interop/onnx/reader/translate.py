"""From an ONNX graph to lines of our language, node by node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import onnx
from onnx import printer

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, Note, fail
from graphflow.interop.onnx.reader import text
from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.definitions import Definitions
from graphflow.interop.onnx.reader.draft import Draft
from graphflow.interop.onnx.reader.items import Absent, Item, Known, Line, Weight
from graphflow.interop.onnx.reader.items import Sequence as Items
from graphflow.interop.onnx.reader.maps import TABLE
from graphflow.interop.onnx.reader.sizes import sizes_of
from graphflow.interop.onnx.reader.table import Declined, Result, Results, Unpack
from graphflow.interop.onnx.reader.tensors import array_of
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array
from graphflow.spec.elaborate.bound import Poisoned
from graphflow.spec.elaborate.scope import Scope

_NAME = re.compile(r"[^\W\d][\w.]*")
MOST_DEEP = 50
"""Graphs within graphs, and functions that call functions."""
CONTROL = frozenset({"If", "Loop", "Scan"})
RANDOM = frozenset({
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
    "Multinomial", "Dropout",
})  # fmt: skip


class Frame:
    """The names of one graph: values, the attributes of the function it belongs to, opsets."""

    def __init__(
        self,
        opsets: Mapping[str, int],
        parent: Frame | None = None,
        attributes: Mapping[str, onnx.AttributeProto] | None = None,
        depth: int = 0,
    ) -> None:
        self.opsets, self.parent, self.depth = opsets, parent, depth
        around = parent.attributes if parent is not None else {}
        self.attributes: Mapping[str, onnx.AttributeProto] = attributes or around
        self.values: dict[str, Item] = {}
        if depth > MOST_DEEP:
            fail("GF004", f"graphs and functions nested deeper than {MOST_DEEP}")

    def item(self, name: str) -> Item:
        """What a name stands for, here or around."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.parent
        fail("GF100", f"nothing gives the value '{name}'",
             help="nodes of an ONNX graph stand below those that they read")  # fmt: skip

    def inside(self) -> Frame:
        """The frame of a graph inside a node: it sees the names around it."""
        return Frame(self.opsets, self, depth=self.depth + 1)

    def resolved(self, node: onnx.NodeProto) -> dict[str, onnx.AttributeProto]:
        """The attributes of a node, with those of the function's call put in."""
        found = {}
        for attribute in node.attribute:
            if not attribute.ref_attr_name:
                found[attribute.name] = attribute
            elif attribute.ref_attr_name in self.attributes:
                given = onnx.AttributeProto()
                given.CopyFrom(self.attributes[attribute.ref_attr_name])
                given.name = attribute.name
                found[attribute.name] = given
        return found


class Translator:
    """Writes the lines of a model into a draft."""

    def __init__(self, draft: Draft, definitions: Definitions, max_nodes: int) -> None:
        self.draft, self.definitions, self.max_nodes = draft, definitions, max_nodes
        self.folder: Path | None = None
        """Where external data lies."""
        self.ends: Mapping[str, str] = {}
        """Lines that the outputs of the model are to have, by ONNX name."""
        self.labels: dict[str, str] = {}
        """ONNX names of the document's inputs."""
        self._count = 0

    # -- graphs ------------------------------------------------------------------------------
    def nodes(self, nodes: Sequence[onnx.NodeProto], frame: Frame) -> None:
        """Translate nodes in their order."""
        for index, node in enumerate(nodes):
            with self._placed(node, index):
                self._count += 1
                if self._count > self.max_nodes:
                    fail("GF004", f"more than {self.max_nodes:,} nodes, loops unrolled")
                self.node(node, frame)

    def constants(self, graph: onnx.GraphProto, frame: Frame) -> None:
        """Arrays of the file: weights where they are float numbers, else known values."""
        if graph.sparse_initializer:
            fail("GF101", "sparse initializers are not supported")
        for tensor in graph.initializer:
            array, dtype = array_of(tensor, self.folder)
            weight = dtype.is_float and array.ndim > 0
            frame.values[tensor.name] = (Weight if weight else Known)(array, dtype, tensor.name)

    def node(self, node: onnx.NodeProto, frame: Frame) -> None:
        """Translate one node."""
        domain = "" if node.domain == "ai.onnx" else node.domain
        version = frame.opsets.get(domain, 0)
        key = f"{domain}.{node.op_type}" if domain else node.op_type
        function = self.definitions.local(node)
        if function is not None:
            return self.function(function, node, frame)
        if key in TABLE:
            try:
                return self.bind(node, frame, self.mapped(Call(self, frame, node, version), key))
            except Declined:
                pass
        types = [self.definition_type(frame.item(n)) if n else None for n in node.input]
        resolved = onnx.NodeProto()
        resolved.CopyFrom(node)
        del resolved.attribute[:]
        resolved.attribute.extend(frame.resolved(node).values())
        body = self.definitions.standard(resolved, types, version)
        if body is None:
            fail("GF101", f"the ONNX operator '{key}' (opset {version}) is not supported",
                 help="graphflow imports the operators of ONNX that it can compute; see the "
                 "reference of operators")  # fmt: skip
        return self.function(body, node, frame)

    def mapped(self, call: Call, key: str) -> list[Item | None]:
        """The results of a node that the table translates; at once where all is known."""
        read = call.inputs[:1] if key == "CastLike" else call.inputs
        given = [item for item in read if item is not None]
        plain = all(isinstance(item, Known) and not isinstance(item, Weight) for item in given)
        if given and plain and key not in RANDOM and key not in CONTROL:
            folded = sizes_of(call) or self.folded(call, key)
            if folded is not None:
                return folded
        return self.items(call, TABLE[key](call))

    def folded(self, call: Call, key: str) -> list[Item | None] | None:
        """The results of a node all of whose operands are known; None where they are large."""
        with self.draft.names.borrowed(), self.draft.region("known") as region:
            results = self.items(call, TABLE[key](call))
            lines = [item.name for item in results if isinstance(item, Line)]
            types = [self.draft.type(name).dtype for name in lines]
            arrays = self.draft.constants(region, lines)
        if arrays is None:
            return None
        known = iter([Known(a, t, n) for a, t, n in zip(arrays, types, lines, strict=True)])
        return [next(known) if isinstance(item, Line) else item for item in results]

    def computed(self, expression: str) -> Array | None:
        """The value of an expression over known arrays; None where it is large."""
        with self.draft.names.borrowed(), self.draft.region("known") as region:
            arrays = self.draft.constants(region, [self.let(expression, "value")])
        return None if arrays is None else arrays[0]

    def function(
        self, function: onnx.FunctionProto, node: onnx.NodeProto, frame: Frame
    ) -> None:
        """Translate a call of a function by its body."""
        call = Call(self, frame, node, 0)
        attributes = {a.name: a for a in function.attribute_proto} | dict(call.attributes)
        opsets = {**frame.opsets, **{o.domain: o.version for o in function.opset_import}}
        inner = Frame(opsets, None, attributes, frame.depth + 1)
        for index, name in enumerate(function.input):
            given = call.inputs[index] if index < call.count else None
            inner.values[name] = given if given is not None else Absent()
        self.nodes(function.node, inner)
        wanted = dict(zip(function.output, node.output, strict=False))
        self.bind(node, frame, [
            inner.item(name) if wanted.get(name) else None for name in function.output
        ])  # fmt: skip

    # -- results -----------------------------------------------------------------------------
    def items(self, call: Call, results: Results) -> list[Item | None]:
        """What a mapping gave, one item for each output; expressions become lines."""
        outputs = list(call.proto.output)
        hints = [name or f"{outputs[0]}_{i}" for i, name in enumerate(outputs)]
        if isinstance(results, Unpack):
            names = [self.name(hint) for hint in hints]
            self.draft.line(", ".join(names), results.expression)
            return [Line(name) for name in names]
        many = isinstance(results, list | tuple)
        listed: Sequence[Result] = results if many else [results]  # type: ignore[list-item,assignment]
        return [
            self.line(result, hint) if isinstance(result, str) else result
            for result, hint in zip(listed, hints, strict=False)
        ]

    def line(self, expression: str, hint: str) -> Line:
        """A line that holds an expression; a name alone needs none."""
        if _NAME.fullmatch(expression) and self.draft.knows(expression):
            return Line(expression)
        name = self.name(hint)
        self.draft.line(name, expression)
        return Line(name)

    def name(self, hint: str) -> str:
        """A free name for a line; an output of the model has one already."""
        kept = self.ends.get(hint)
        if kept is not None and self.draft.outermost and not self.draft.knows(kept):
            return kept
        return self.draft.names.clean(hint)

    def let(self, expression: str, hint: str) -> str:
        """The name of a line that holds an expression."""
        return self.line(expression, hint).name

    def bind(self, node: onnx.NodeProto, frame: Frame, results: Sequence[Item | None]) -> None:
        """Bind the outputs of a node."""
        for index, name in enumerate(node.output):
            if not name:
                continue
            item = results[index] if index < len(results) else None
            if item is None:
                fail("GF101", f"output {index} of {node.op_type} is not supported")
            if name in frame.values:
                fail("GF100", f"'{name}' is given twice")
            frame.values[name] = item

    # -- items -------------------------------------------------------------------------------
    def type(self, item: Item) -> TensorType:
        """The type of a value."""
        if isinstance(item, Known):
            return TensorType(item.dtype, item.array.shape)
        if isinstance(item, Line):
            return self.draft.type(item.name)
        what = "a sequence" if isinstance(item, Items) else "an empty optional"
        fail("GF101", f"{what} stands where a tensor is needed")

    def definition_type(self, item: Item) -> TensorType | None:
        """The type by which an operator's definition is chosen."""
        return self.type(item) if isinstance(item, Known | Line) else None

    def named(self, item: Item) -> str:
        """The name of the line that holds a value; a known array gets one."""
        if isinstance(item, Line):
            return item.name
        if not isinstance(item, Known):
            fail("GF101", "a sequence or an empty optional stands where a tensor is needed")
        if item.name is None or not self.draft.sees(item.home):
            names = self.draft.names
            owned = isinstance(item, Weight) and item.dtype is DType.FLOAT
            item.name = names.parameter(item.hint) if owned else names.clean(item.hint)
            item.home = self._hold(item, item.name)
        return item.name

    def _hold(self, item: Known, name: str) -> Scope:
        """Give an array a line of its own: a parameter, a constant, or a table; where that is."""
        owned = isinstance(item, Weight)
        written = None if owned else text.constant(item.array, item.dtype)
        if written is not None:
            self.draft.line(name, written)
            return self.draft.scope
        if item.symbolic:
            fail("GF004", f"'{item.hint}' holds {item.array.size} sizes, too many to write out")
        self.draft.names.keep(name)
        if isinstance(item, Weight) and item.dtype is DType.FLOAT:
            return self.draft.parameter(name, item.array, item.trainable)
        return self.draft.table(name, item.array, item.dtype)

    def must_know(self, item: Line, what: str, node: onnx.NodeProto) -> NoReturn:
        """Refuse a node that needs a value which only a run can tell."""
        behind = [self.labels.get(n, n) for n in self.draft.inputs_behind(item.name)]
        called = f"'{node.name}' ({node.op_type})" if node.name else node.op_type
        message = f"{what} of {called} must be known while the model is imported"
        if not behind:
            fail("GF102", f"{message}, and it is computed from parameters or random numbers")
        listed = ", ".join(f"'{name}'" for name in behind)
        fail("GF102", f"{message}; it depends on the input {listed} of the graph",
             help=f"give a value: from_onnx(..., values={{'{behind[0]}': array}})")  # fmt: skip

    # -- places ------------------------------------------------------------------------------
    @contextmanager
    def _placed(self, node: onnx.NodeProto, index: int) -> Iterator[None]:
        """What goes wrong in this block is shown at the node."""
        saved = self.draft.mark
        mark = Mark(saved.file, index + 1, 1)
        self.draft.mark = mark
        try:
            yield
        except GraphflowError as error:
            raise GraphflowError(*(_at(d, mark, node) for d in error.diagnostics)) from None
        except Poisoned:
            why = f"{node.op_type} reads a value that cannot be computed"
            raise GraphflowError(_at(Diagnostic("GF100", why), mark, node)) from None
        except (ValueError, IndexError, ZeroDivisionError, OverflowError) as wrong:
            why = f"operands or attributes of {node.op_type} do not fit together: {wrong}"
            raise GraphflowError(_at(Diagnostic("GF100", why), mark, node)) from None
        finally:
            self.draft.mark = saved


def _at(diagnostic: Diagnostic, mark: Mark, node: onnx.NodeProto) -> Diagnostic:
    """A finding of our elaborator, or of a mapping, at the ONNX node; an outer node is a note."""
    mark = replace(mark, text=_shown(node))
    within = any(note.message.startswith("node ") for note in diagnostic.notes)
    name = f" '{node.name}'" if node.name else ""
    note = Note(f"node {mark.line - 1}{name} is a {node.op_type} of the domain "
                f"'{node.domain or 'ai.onnx'}' and reads {', '.join(node.input) or 'nothing'}",
                mark if within else None)  # fmt: skip
    notes = [n for n in diagnostic.notes if n.mark is None or n.message.startswith("node ")]
    return replace(diagnostic, mark=diagnostic.mark if within else mark, notes=(*notes, note))


def _shown(node: onnx.NodeProto) -> str:
    """The node as ONNX's own text."""
    kept = onnx.NodeProto()
    kept.CopyFrom(node)
    del kept.attribute[:]
    short = [a for a in node.attribute if a.type not in (a.TENSOR, a.GRAPH, a.TENSORS, a.GRAPHS)]
    kept.attribute.extend(short)
    try:
        return " ".join(printer.to_text(kept).split())[:300]
    except UnicodeDecodeError:  # an attribute that is no text
        del kept.attribute[:]
        return " ".join(printer.to_text(kept).split())[:300]
