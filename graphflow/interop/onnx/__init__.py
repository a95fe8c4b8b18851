"""ONNX in (``reader``) and out (``writer``). Needs the ``onnx`` extra, and only here."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.interop.onnx.reader import from_onnx as from_onnx
    from graphflow.interop.onnx.reader.files import write_files as write_files
    from graphflow.interop.onnx.writer.model import to_onnx as to_onnx

_HOMES = {
    "from_onnx": "graphflow.interop.onnx.reader",
    "to_onnx": "graphflow.interop.onnx.writer.model",
    "write_files": "graphflow.interop.onnx.reader.files",
}


def __getattr__(name: str) -> object:
    """What needs the package ``onnx``, loaded when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graphflow.interop.onnx' has no attribute '{name}'")
    require_onnx()
    return getattr(import_module(_HOMES[name]), name)


def require_onnx() -> None:
    """Refuse to go on without the package ``onnx``."""
    if find_spec("onnx") is None:
        fail("GF076", "the package 'onnx' is not installed", help="pip install 'graphflow[onnx]'")
