"""A model as readable source of a ``torch.nn.Module``."""

from __future__ import annotations

from pathlib import Path

from graphflow.interop.formats import Options, write
from graphflow.interop.pytorch.file import source
from graphflow.model import Model


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write the source of a model's module to ``out``."""
    write(out, [source(model).encode()], options.force)
    return [out]
