"""ONNX out: every primitive as nodes of ONNX, by one table. Importing this loads no onnx."""

from __future__ import annotations

from pathlib import Path

from graphflow.interop.formats import Options
from graphflow.interop.onnx import require_onnx
from graphflow.model import Model


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write ``out``, and a data file beside it where weights are large or ``options`` say so."""
    require_onnx()
    from graphflow.interop.onnx.writer.files import export

    return export(model, out, options)
