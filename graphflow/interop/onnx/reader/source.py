"""Opening a model: a path, bytes, or a ModelProto."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NoReturn

import onnx
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from onnx import checker, version_converter

from graphflow.diagnostics import fail
from graphflow.interop.onnx.reader.foreign import foreign

OLDEST = 13
"""The opset from which on operators mean what the table says; older models are converted."""


Source = str | PathLike[str] | onnx.ModelProto


def open_model(source: Source) -> tuple[onnx.ModelProto, Path | None]:
    """The model, and the folder in which its external data lies."""
    if isinstance(source, onnx.ModelProto):
        _check_texts(source)
        return source, None
    if not isinstance(source, str | PathLike):
        fail("GF033", f"an ONNX model is a path or a ModelProto, not {type(source).__name__}")
    path = Path(source)
    try:
        data = path.read_bytes()
    except OSError as error:
        fail("GF007", f"'{path}': {error.strerror or error}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        _refuse(path, data, str(error))
    if not model.HasField("graph"):
        _refuse(path, data, "it holds no graph")
    _check_texts(model)
    return model, path.parent


def _check_texts(message: Message) -> None:
    """Names must be text: protobuf hands on what is no UTF-8 as bytes."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                _check_texts(part)
        elif field.type == field.TYPE_STRING:
            for text in value if field.is_repeated else [value]:
                if not isinstance(text, str):
                    fail("GF100", f"a {field.name} in the model is no text: {text[:40]!r}")


def opsets_of(model: onnx.ModelProto) -> dict[str, int]:
    """Versions of the operator sets by domain; '' is ONNX's own."""
    return {"" if o.domain == "ai.onnx" else o.domain: o.version for o in model.opset_import}


def _refuse(path: Path, data: bytes, why: str) -> NoReturn:
    """What else the file may be is said instead of what the parser says."""
    kind, help = foreign(data) or (why, None)
    fail("GF100", f"'{path}' is no ONNX model: {kind}", help=help)


def modern(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in an opset that the table speaks."""
    version = opsets_of(model).get("", 0)
    if version == 0 and any(n.domain in ("", "ai.onnx") for n in model.graph.node):
        fail("GF100", "the model does not say which opset of ONNX it uses")
    if version == 0 or version >= OLDEST:
        return model
    if version < 9 and any(node.op_type == "Scan" for node in model.graph.node):
        fail("GF101", "Scan before opset 9 had a batch axis, which is not supported")
    try:
        checker.check_model(model)  # the converter takes a damaged model amiss
    except checker.ValidationError as error:
        fail("GF100", f"the model breaks ONNX's rules: {str(error).strip().splitlines()[0]}")
    try:
        return version_converter.convert_version(model, OLDEST)
    except (RuntimeError, ValueError) as error:
        fail("GF101", f"the model uses opset {version}, and ONNX cannot convert it: {error}",
             help=f"export it with opset {OLDEST} or later")  # fmt: skip
