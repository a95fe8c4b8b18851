"""A model as a stand-alone script of NumPy: forward and backward, a line for each node."""

from __future__ import annotations

from pathlib import Path

from graphflow.interop.formats import Options, write
from graphflow.interop.numpy_script.script import script
from graphflow.model import Model


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write the script of a model to ``out``."""
    text = script(model, options.mode, options.dtype, options.sizes)
    write(out, [text.encode()], options.force)
    return [out]
