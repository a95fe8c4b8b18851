"""Functions of a model, and the operators that ONNX itself defines by others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx
from onnx import helper
from onnx.defs import OpSchema, SchemaError, get_schema

from graphflow.diagnostics import fail
from graphflow.interop.onnx.reader.tensors import code_of
from graphflow.ir.types import TensorType


class Definitions:
    """Bodies by which calls are translated where the table has no entry."""

    def __init__(self, functions: Iterable[onnx.FunctionProto]) -> None:
        self._functions = {(f.domain, f.name, f.overload): f for f in functions}

    def local(self, node: onnx.NodeProto) -> onnx.FunctionProto | None:
        """The model's own function that a node calls."""
        return self._functions.get((node.domain, node.op_type, node.overload))

    def standard(
        self, node: onnx.NodeProto, types: Sequence[TensorType | None], version: int
    ) -> onnx.FunctionProto | None:
        """ONNX's definition of an operator by others, for operands of these types."""
        try:
            schema = get_schema(node.op_type, version, node.domain)
        except SchemaError:
            return None
        if schema.has_function:  # type: ignore[attr-defined]
            return _with_defaults(schema.function_body, schema)
        if not schema.has_context_dependent_function:  # type: ignore[attr-defined]
            return None
        protos = [b"" if t is None else _type(t).SerializeToString() for t in types]
        try:
            body = schema.get_context_dependent_function(  # type: ignore[attr-defined]
                node.SerializeToString(), protos
            )
        except RuntimeError as error:
            fail("GF100", f"{node.op_type} has no definition for these operands: {error}")
        function = onnx.FunctionProto()
        function.ParseFromString(body)
        return _with_defaults(function, schema) if function.node else None


def _with_defaults(function: onnx.FunctionProto, schema: OpSchema) -> onnx.FunctionProto:
    """The function with the defaults that the operator's attributes have."""
    complete = onnx.FunctionProto()
    complete.CopyFrom(function)
    for attribute in schema.attributes.values():
        if attribute.default_value.name:
            complete.attribute_proto.append(attribute.default_value)
    return complete


def _type(type: TensorType) -> onnx.TypeProto:
    sizes = [d if isinstance(d, int) else None for d in type.shape]
    return helper.make_tensor_type_proto(code_of(type.dtype), sizes)
