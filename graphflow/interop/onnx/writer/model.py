"""A model as a ModelProto."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import onnx
from onnx import ModelProto, ValueInfoProto, helper, numpy_helper

from graphflow.diagnostics import fail
from graphflow.interop.onnx.writer.emitter import Emitter, value_info
from graphflow.interop.onnx.writer.families import TABLE
from graphflow.interop.onnx.writer.prepare import Prepared, forward, training_step
from graphflow.ir.graph import LEAVES, Node
from graphflow.ir.types import tensors
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.compile import Mode
from graphflow.version import __version__

OPSET = 20
LARGEST_MESSAGE = 2**31 - 1
"""Bytes of the largest message of Protocol Buffers."""


@dataclass(frozen=True)
class Written:
    """A model of ONNX whose initializers stand beside it, under their names."""

    proto: ModelProto
    weights: Mapping[str, Array]

    @property
    def nbytes(self) -> int:
        """The size of all weights."""
        return sum(array.nbytes for array in self.weights.values())

    def whole(self) -> ModelProto:
        """The model with its initializers, checked; GF103 where they are too large for that."""
        if self.nbytes > LARGEST_MESSAGE:
            name = self.proto.graph.name
            fail("GF103", f"'{name}' has more weights than one ModelProto can hold",
                 help="graphflow export writes them to a file beside it")  # fmt: skip
        model = ModelProto()
        model.CopyFrom(self.proto)
        for name, array in self.weights.items():
            model.graph.initializer.append(numpy_helper.from_array(array, name))
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            fail("GF103", f"ONNX refuses the model: {str(error).strip().splitlines()[0]}",
                 help="its operators take fewer number types than ours")  # fmt: skip
        return model


def to_onnx(
    model: Model,
    *,
    mode: Mode = "eval",
    training: bool = False,
    player: str | None = None,
    dtype: str = "float32",
    **sizes: int,
) -> ModelProto:
    """The model in ONNX: its inputs and outputs by their names in the file.

    Parameters and states are initializers under their own names. With ``training`` it is the
    training step of ``player``: forward, backward, clipping and update as ordinary nodes, where
    parameters, states and what the optimizer keeps are inputs (with their present values as
    defaults), and ``NAME.next`` outputs. Random draws are inputs. ``sizes`` fixes symbols
    (``B=4``); others stay open. Raises GF103 for what ONNX cannot express, with the line.

    >>> import graphflow as gf
    >>> square = gf.loads("{graphflow: 1, name: s, inputs: {x: {shape: [B]}}, nodes: {y: x * x}}")
    >>> proto = gf.to_onnx(square)
    >>> [n.op_type for n in proto.graph.node], [o.name for o in proto.graph.output]
    (['Mul'], ['y'])
    """
    return translated(model, mode, training, player, dtype, sizes).whole()


def translated(
    model: Model,
    mode: Mode,
    training: bool,
    player: str | None,
    dtype: str,
    sizes: Mapping[str, int],
) -> Written:
    """The same, with the weights apart."""
    if player is not None and not training:
        fail("GF033", "player says whose training step", help="to_onnx(model, training=True)")
    if training:
        prepared = training_step(model, player, dtype, sizes)
    else:
        prepared = forward(model, mode, dtype, sizes)
    return written(prepared, model.name, model.document.about or "")


def written(prepared: Prepared, name: str, about: str = "") -> Written:
    """A prepared graph as a model."""
    emitter, graph = Emitter(TABLE), prepared.graph
    emitter.promise(prepared.outputs)
    leaves = [*prepared.spare, *(node for node in graph if node.op in LEAVES)]
    for leaf in leaves:
        emitter.values[leaf.name] = (emitter.fresh(leaf.name, leaf.name),)
        if leaf.name in prepared.values:
            emitter.initializer(leaf.name, prepared.values[leaf.name])
    fed = [leaf for leaf in leaves if leaf.name in prepared.fed]
    emitter.sizes.learn([*fed, *prepared.spare])
    emitter.run(graph)
    fed += [leaf for leaf in prepared.spare if leaf.name in emitter.sizes.read]
    outputs = _outputs(emitter, prepared)
    proto = helper.make_graph(
        emitter.nodes, name, [value_info(leaf.name, leaf.tensor) for leaf in fed], outputs,
        doc_string=about, value_info=_inner(emitter, prepared, {o.name for o in outputs}),
    )  # fmt: skip
    opset = helper.make_opsetid("", OPSET)
    version = helper.find_min_ir_version_for([opset])
    found = helper.make_model(
        proto, opset_imports=[opset], ir_version=version,
        producer_name="graphflow", producer_version=__version__,
    )  # fmt: skip
    return Written(found, emitter.initializers)


def _outputs(emitter: Emitter, prepared: Prepared) -> list[ValueInfoProto]:
    """Every output under its name; a copy where the value has another one."""
    found = []
    for name, node in prepared.outputs:
        (value,) = emitter.values[node]
        if value != name:
            emitter.renamed(value, name)
        found.append(value_info(name, prepared.graph.nodes[node].tensor))
    return found


def _inner(emitter: Emitter, prepared: Prepared, outputs: set[str]) -> list[ValueInfoProto]:
    """The types of all other values."""
    known = {*prepared.fed, *emitter.initializers, *outputs}
    found = {}
    for node in prepared.graph:
        for value, info in _typed(emitter, node):
            if value not in known:
                found[value] = info
    return list(found.values())


def _typed(emitter: Emitter, node: Node) -> Iterator[tuple[str, ValueInfoProto]]:
    for value, type in zip(emitter.values[node.name], tensors(node.type), strict=True):
        yield value, value_info(value, type)
