"""Models of ONNX as files, with large weights beside them."""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto, TensorProto
from onnx.external_data_helper import set_external_data

from graphflow.api import Model
from graphflow.interop.formats import Options, must_be_free, write
from graphflow.interop.onnx.writer.model import to_onnx

LARGEST = 2**30
"""Bytes of weights from which on they stand in a file of their own."""
SMALLEST = 1024
"""Bytes of the smallest tensor that is worth a place there."""
ALIGNMENT = 4096
"""Offsets of tensors are multiples of this: files can be mapped into memory."""


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write one file, or for a training step of several players one each."""
    training = model.elaborated.training
    players: list[str | None] = [options.player]
    if options.training and training is not None and options.player is None:
        players = [objective.name for objective in training.objectives]
    paths = [out]
    if len(players) > 1:
        paths = [out.with_name(f"{out.stem}.{player}{out.suffix}") for player in players]
    must_be_free(paths, options.force)
    written: list[Path] = []
    for player, path in zip(players, paths, strict=True):
        proto = to_onnx(
            model, mode=options.mode, training=options.training, player=player,
            dtype=options.dtype, **options.sizes,
        )  # fmt: skip
        written += save(proto, path, options.external_data, options.force)
    return written


def save(proto: ModelProto, path: Path, external: bool = False, force: bool = False) -> list[Path]:
    """Write a model; weights go to ``PATH.data`` where asked for, or where there are many."""
    large = [t for t in proto.graph.initializer if len(t.raw_data) >= SMALLEST]
    if not external and sum(len(t.raw_data) for t in large) <= LARGEST:
        write(path, [proto.SerializeToString()], force)
        return [path]
    data = path.with_name(f"{path.name}.data")
    must_be_free([path, data], force)
    write(data, _moved_out(large, data.name), force)
    write(path, [proto.SerializeToString()], force)
    return [path, data]


def _moved_out(tensors: list[TensorProto], location: str) -> list[bytes]:
    """The contents of a data file; the tensors say where in it they lie."""
    contents: list[bytes] = []
    end = 0
    for tensor in tensors:
        gap = -end % ALIGNMENT
        raw = tensor.raw_data
        contents += [bytes(gap), raw]
        set_external_data(tensor, location, offset=end + gap, length=len(raw))
        tensor.ClearField("raw_data")
        end += gap + len(raw)
    return contents
