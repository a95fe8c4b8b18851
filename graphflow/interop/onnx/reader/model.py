"""A whole ONNX model as a graph file and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeVar

import onnx

from graphflow.api import loads
from graphflow.diagnostics import fail
from graphflow.interop.onnx.reader.definitions import Definitions
from graphflow.interop.onnx.reader.draft import Draft
from graphflow.interop.onnx.reader.items import Known, Line
from graphflow.interop.onnx.reader.names import Names
from graphflow.interop.onnx.reader.source import modern, open_model, opsets_of
from graphflow.interop.onnx.reader.tensors import dtype_of, numpy_dtype
from graphflow.interop.onnx.reader.translate import Frame, Translator
from graphflow.ir.dims import Dim, symbol
from graphflow.ir.types import DType
from graphflow.model import Ends, Model
from graphflow.ops.op import Array
from graphflow.runtime.store import as_array
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.values import Plain
from graphflow.spec.writer import dump

T = TypeVar("T")


@dataclass(frozen=True)
class Translation:
    """A graph file as plain data, the first values of its leaves, and what ONNX calls its ends."""

    document: dict[str, Plain]
    arrays: Mapping[str, Array]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def text(self) -> str:
        """The graph file."""
        return dump(self.document)


def translate(
    source: str | PathLike[str] | onnx.ModelProto,
    values: Mapping[str, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
    max_nodes: int = NODE_LIMIT,
) -> Translation:
    """An ONNX model in our language; see :func:`from_onnx`."""
    given, known = _mapping("values", values), _mapping("sizes", sizes)
    for name, size in known.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            fail("GF033", f"the size '{name}' is a whole number from 0 on, not {size!r}")
    model, folder = open_model(source)
    return _Reader(modern(model), folder, given, known, max_nodes).run()


def _mapping(argument: str, given: Mapping[str, T] | None) -> dict[str, T]:
    if given is not None and not isinstance(given, Mapping):
        fail("GF033", f"{argument} maps names to {argument}, and is no {type(given).__name__}")
    return dict(given or {})


def from_onnx(
    source: str | PathLike[str] | onnx.ModelProto,
    values: Mapping[str, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    max_nodes: int = NODE_LIMIT,
) -> Model:
    """The model of an ONNX file (opset 13 and later) or ``ModelProto``.

    Every ONNX node becomes a line of our language, weights become parameters, and the ordinary
    elaboration makes the graph: it can be read, stepped, differentiated and trained. Feeds and
    results go by their ONNX names. ``values`` gives inputs that must be known while the graph is
    built (shapes, axes); they are constants then. ``sizes`` gives symbolic sizes by their ONNX
    names.

    Raises GraphflowError: GF100 for a damaged file, GF101 for an operator or a type that there is
    not here, GF102 for a value that must be known.
    """
    found = translate(source, values, sizes, max_nodes)
    ends = Ends(found.inputs, found.outputs)
    model = loads(found.text, max_nodes=max_nodes).with_ends(ends)
    for name, array in found.arrays.items():
        model.store.assign(name, array)
    return model


class _Reader:
    """Translates one model."""

    def __init__(
        self,
        model: onnx.ModelProto,
        folder: Path | None,
        values: dict[str, Array],
        sizes: dict[str, int],
        max_nodes: int,
    ) -> None:
        self.model, self.graph, self.folder = model, model.graph, folder
        self.values, self.sizes = values, sizes
        ends = [v.name for v in (*self.graph.input, *self.graph.output)]
        names = Names(name.partition(".")[0] for name in ends if "." in name)
        self.draft = Draft(self.graph.name or "model.onnx", names, max_nodes)
        self.ends = {name: names.clean(name) for name in dict.fromkeys(ends)}
        self.symbols: dict[str, Dim] = {}
        self.frame = Frame(opsets_of(model))
        self.translator = Translator(self.draft, Definitions(model.functions), max_nodes)
        self.translator.folder = folder
        self.translator.ends = {v.name: self.ends[v.name] for v in self.graph.output}

    def run(self) -> Translation:
        self.translator.constants(self.graph, self.frame)
        for info in self.graph.input:
            if info.name not in self.frame.values or info.name in self.values:
                self.input(info)
        self.check_given()
        self.translator.nodes(self.graph.node, self.frame)
        outputs = {info.name: self.output(info.name) for info in self.graph.output}
        draft = self.draft
        if not draft.lines:
            fail("GF100", "the graph computes nothing: it has no nodes")
        draft.prune(list(outputs.values()))
        document: dict[str, Plain] = {
            "graphflow": 1,
            "name": self.graph.name or "ONNX model",
            "about": (self.model.doc_string or self.graph.doc_string).strip(),
            "inputs": draft.inputs,
            "params": draft.params,
            "state": draft.state,
            "nodes": draft.lines,
            "outputs": list(dict.fromkeys(outputs.values())),
        }
        kept = {k: v for k, v in document.items() if v not in ({}, "")}
        inputs = {name: self.ends[name] for name in self.ends if self.ends[name] in draft.inputs}
        return Translation(kept, draft.arrays, inputs, outputs)

    def input(self, info: onnx.ValueInfoProto) -> None:
        """An input: fed, or known where its value is given."""
        if not info.type.HasField("tensor_type"):
            kind = (info.type.WhichOneof("value") or "unknown").removesuffix("_type")
            fail("GF101", f"the input '{info.name}' is of the kind {kind}; only tensors are fed")
        tensor = info.type.tensor_type
        dtype = dtype_of(tensor.elem_type, f"the input '{info.name}'")
        if info.name in self.values:
            self.frame.values[info.name] = Known(self.given(info, dtype), dtype, info.name)
            return
        if not tensor.HasField("shape"):
            fail("GF102", f"the file does not say how many axes the input '{info.name}' has")
        name = self.ends[info.name]
        shape = [self.size(d, f"{info.name}_{i}") for i, d in enumerate(tensor.shape.dim)]
        self.draft.input(name, shape, dtype)
        self.frame.values[info.name] = Line(name)
        self.translator.labels[name] = info.name

    def given(self, info: onnx.ValueInfoProto, dtype: DType) -> Array:
        """The value of an input that is known."""
        array = as_array(info.name, self.values[info.name])
        if array.dtype.kind not in "biuf":
            fail("GF031", f"'{info.name}' needs numbers, not {array.dtype}")
        tensor = info.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        fits = len(sizes) == array.ndim and all(
            size in (None, n) for size, n in zip(sizes, array.shape, strict=True)
        )
        if tensor.HasField("shape") and not fits:
            fail("GF061", f"'{info.name}' has the shape {sizes}, its value {list(array.shape)}")
        return array.astype(numpy_dtype(dtype))

    def size(self, dim: onnx.TensorShapeProto.Dimension, hint: str) -> Dim:
        """A size of an input: a number, or a symbol."""
        if dim.HasField("dim_value"):
            if dim.dim_value < 0:
                fail("GF100", f"a size of '{hint}' is negative: {dim.dim_value}")
            return dim.dim_value
        label = dim.dim_param or hint
        if label in self.sizes:
            return self.sizes[label]
        if label not in self.symbols:
            self.symbols[label] = symbol(self.draft.names.symbol(label))
        return self.symbols[label]

    def check_given(self) -> None:
        """Values and sizes that are given belong to the model."""
        inputs = [info.name for info in self.graph.input]
        for name in self.values:
            if name not in inputs:
                fail("GF065", f"there is no input '{name}'", help=f"inputs are {', '.join(inputs)}")
        params = {
            d.dim_param or f"{info.name}_{i}"
            for info in self.graph.input
            for i, d in enumerate(info.type.tensor_type.shape.dim)
            if not d.HasField("dim_value")
        }
        for name in self.sizes:
            if name not in params:
                offer = f"sizes are {', '.join(sorted(params))}" if params else "all are fixed"
                fail("GF061", f"there is no size called '{name}'", help=offer)

    def output(self, name: str) -> str:
        """The line that an output of the model stands for."""
        wanted = self.ends[name]
        held = self.translator.named(self.frame.item(name))
        if held != wanted and not self.draft.knows(wanted):
            self.draft.line(wanted, held)
            return wanted
        return held
