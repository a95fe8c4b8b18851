"""ONNX models in: each becomes a graph file of our language, and then a model like any other."""

from __future__ import annotations

from graphflow.interop.onnx.reader.model import Translation, from_onnx, translate

__all__ = ["Translation", "from_onnx", "translate"]
