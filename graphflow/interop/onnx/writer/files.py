"""Models of ONNX as files, with large weights beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from graphflow.interop.formats import Options, must_be_free, write
from graphflow.interop.onnx.writer.model import Written, translated
from graphflow.model import Model
from graphflow.ops.op import Array

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
        found = translated(
            model, options.mode, options.training, player, options.dtype, options.sizes
        )
        written += save(found, path, options.external_data, options.force)
    return written


def save(found: Written, path: Path, external: bool = False, force: bool = False) -> list[Path]:
    """Write a model; weights go to ``PATH.data`` where asked for, or where there are many."""
    if not external and found.nbytes <= LARGEST:
        write(path, [found.whole().SerializeToString()], force)
        return [path]
    data = path.with_name(f"{path.name}.data")
    must_be_free([path, data], force)
    tensors, content = _moved_out(found.weights, data.name)
    write(data, content, force)
    found.proto.graph.initializer.extend(tensors)
    write(path, [found.proto.SerializeToString()], force)
    return [path, data]


def _moved_out(
    weights: Mapping[str, Array], location: str
) -> tuple[list[TensorProto], list[bytes | memoryview]]:
    """Tensors that say where in the data file they lie, unless they are small; its content."""
    tensors: list[TensorProto] = []
    content: list[bytes | memoryview] = []
    end = 0
    for name, array in weights.items():
        if array.nbytes < SMALLEST:
            tensors.append(numpy_helper.from_array(array, name))
            continue
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, dims=array.shape, data_type=kind)
        gap = -end % ALIGNMENT
        tensor.raw_data = b""
        set_external_data(tensor, location, offset=end + gap, length=array.nbytes)
        tensor.ClearField("raw_data")
        tensors.append(tensor)
        little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        content += [bytes(gap), little.data]
        end += gap + array.nbytes
    return tensors, content
