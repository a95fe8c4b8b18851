"""A model's weights as a safetensors file, under the names of PyTorch's state dicts."""

from __future__ import annotations

from pathlib import Path

from graphflow.interop.formats import Options, must_be_free
from graphflow.model import Model
from graphflow.runtime.state_dict import save_state


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write the weights to ``out``, a ``.safetensors`` (or ``.npz``) file."""
    must_be_free([out], options.force)
    save_state(model.weights(), out)
    return [out]
