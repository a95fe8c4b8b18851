"""Exported models run by others: onnxruntime, or ONNX's reference where that has no kernel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

NO_KERNEL = onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented


def run(proto: ModelProto, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every output by name."""
    names = [o.name for o in proto.graph.output]
    values = _runtime(proto, feed, names)
    if values is None:
        values = ReferenceEvaluator(proto).run(names, dict(feed))
    return dict(zip(names, map(np.asarray, values), strict=True))


def _runtime(
    proto: ModelProto, feed: Mapping[str, np.ndarray], names: Sequence[str]
) -> list[np.ndarray] | None:
    """onnxruntime's values, or None where it lacks a kernel for a number type."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    except NO_KERNEL:
        return None
    return session.run(names, dict(feed))


def checked(proto: ModelProto) -> ModelProto:
    """The model, which passes ONNX's checker with its own inference of shapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx.checker.check_model(proto, full_check=True)
    return proto
