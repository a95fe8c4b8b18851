"""Files that people take for an ONNX model: what they are, and the way from there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

TORCH = (
    "it is a file of PyTorch",
    "write the model from PyTorch: torch.onnx.export(model.eval(), (x,), 'model.onnx'), x an input",
)
KERAS = (
    "it is a model of Keras",
    "write it from Keras: model.export('model.onnx', format='onnx')",
)
WEIGHTS = (
    "it is a safetensors file, which holds arrays and no graph",
    "write the graph yourself and give the file to its layers as weights:, or load it with "
    "model.load_weights",
)


def foreign(data: bytes) -> tuple[str, str] | None:
    r"""What a file is that is no ONNX model, and what to do with it; None for an unknown kind.

    >>> foreign(b"PK no archive")
    >>> foreign(b"\x89HDF\r\n\x1a\n....")[0]
    'it is a model of Keras'
    """
    return next((answer for holds, answer in KINDS if holds(data)), None)


def _zip_with(ending: str) -> Callable[[bytes], bool]:
    """Whether data are an archive that has a file of that ending."""

    def holds(data: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return any(name.endswith(ending) for name in archive.namelist())
        except (zipfile.BadZipFile, NotImplementedError):
            return False

    return holds


KINDS: tuple[tuple[Callable[[bytes], bool], tuple[str, str]], ...] = (
    (_zip_with("data.pkl"), TORCH),
    (lambda data: data.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), TORCH),
    (_zip_with(".weights.h5"), KERAS),
    (lambda data: data.startswith(b"\x89HDF\r\n\x1a\n"), KERAS),
    (lambda data: data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data), WEIGHTS),
)
"""By their first bytes, or by a file in the archive that they are."""
