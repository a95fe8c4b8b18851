"""Our vjp on the suite's single-node cases against differences of ONNX's reference evaluator.

Both sides run in float64. For each float output, a random cotangent c and a random direction v of
each float input x, <vjp(c), v> is compared with (<c, f(x + h v)> - <c, f(x - h v)>) / 2h.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from scipy import special

from tests.conformance.cases import Case, imported

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
STEP, TOLERANCE = 1e-6, 1e-5
COARSE_STEP, COARSE_TOLERANCE = 1e-3, 3e-3
SINGLE = frozenset({
    "Adam", "AffineGrid", "CausalConvWithState", "DynamicQuantizeLinear", "Gelu", "GridSample",
    "GroupNormalization", "LinearAttention",
})  # fmt: skip
"""Operators that ONNX's evaluator computes in single precision, whatever it is given."""
Function = Callable[[Mapping[str, object]], list[np.ndarray]]


class NothingToDifferentiate(Exception):
    """No float output depends on a float input that is fed."""


class Erf(OpRun):
    """The error function in float64: ONNX's own evaluator has it in float32 alone."""

    op_domain = ""

    def _run(self, x: np.ndarray) -> tuple[np.ndarray]:
        return (special.erf(x),)


def retyped(model: onnx.ModelProto, code: int) -> onnx.ModelProto:
    """The model with all floats of one type."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _retype(copy.graph, code)
    return copy


def _retype(graph: onnx.GraphProto, code: int) -> None:
    for info in (*graph.input, *graph.output, *graph.value_info):
        if info.type.tensor_type.elem_type in FLOATS:
            info.type.tensor_type.elem_type = code
    for tensor in graph.initializer:
        _retype_tensor(tensor, code)
    for attribute in (a for node in graph.node for a in node.attribute):
        if attribute.name in ("to", "dtype", "output_dtype") and attribute.i in FLOATS:
            attribute.i = code
        if attribute.type == attribute.TENSOR:
            _retype_tensor(attribute.t, code)
        if attribute.type == attribute.GRAPH:
            _retype(attribute.g, code)


def _retype_tensor(tensor: onnx.TensorProto, code: int) -> None:
    if tensor.data_type in FLOATS:
        array = numpy_helper.to_array(tensor)
        kind = helper.tensor_dtype_to_np_dtype(code)
        tensor.CopyFrom(numpy_helper.from_array(array.astype(kind), tensor.name))


def is_float(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def check_gradients(case: Case) -> None:
    """AssertionError where a derivative differs, at the given numbers and at some nearby."""
    model = case.model
    if len(model.graph.node) != 1:
        raise NothingToDifferentiate("several nodes")
    inputs, _ = case.data_sets(model)[0]
    inputs = {n: v.astype(np.float64) if is_float(v) else v for n, v in inputs.items()}
    reference = ReferenceEvaluator(retyped(model, onnx.TensorProto.DOUBLE), new_ops=[Erf])

    def f(feed: Mapping[str, object]) -> list[np.ndarray]:
        return reference.run(None, {**inputs, **feed})

    ours = retyped(model, onnx.TensorProto.FLOAT)
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    try:
        compare(ours, f, inputs, random)
    except AssertionError:  # a kink, perhaps: once more beside it
        compare(ours, f, nudged(inputs, random), random)


def nudged(inputs: Mapping[str, object], random: np.random.Generator) -> dict[str, object]:
    """The inputs with floats moved by about a hundredth, all of them finite."""
    moved = dict(inputs)
    for name, x in inputs.items():
        if is_float(x):
            noise = 0.01 * random.uniform(-1, 1, x.shape)
            finite = np.where(np.isfinite(x), x, 1.0)
            moved[name] = np.where(x == 0, noise, finite * (1 + noise))
    return moved


def compare(
    model: onnx.ModelProto, f: Function, inputs: Mapping[str, object], random: np.random.Generator
) -> None:
    """Compare all derivatives at one place."""
    ours, feed = imported(model, inputs)
    wrt = [n for n, x in feed.items() if is_float(x)]
    values = f(inputs)
    outputs = [i for i, y in enumerate(values) if is_float(np.asarray(y))]
    names = [info.name for info in model.graph.output]
    if not wrt or not outputs:
        raise NothingToDifferentiate("no float output of a float input")
    checked = 0
    for index in outputs:
        reached = [n for n in wrt if depends(ours, names[index], n)]
        if not reached:
            continue
        checked += 1
        program = ours.compile(of=names[index], wrt=reached, dtype="float64")
        finite = np.isfinite(values[index])
        cotangent = np.where(finite, random.uniform(-1, 1, finite.shape), 0)
        scalar = ours.graph[names[index]].tensor.shape == ()
        result = program(feed) if scalar else program(feed, cotangent=cotangent)
        weight = 1.0 if scalar else cotangent
        for name in reached:
            gradient = result.gradients[name]
            coarse = model.graph.node[0].op_type in SINGLE
            check_direction(f, feed, name, (index, weight), gradient, random, coarse)
    if not checked:
        raise NothingToDifferentiate("no output depends on a float input")


def depends(model: object, output: str, name: str) -> bool:
    """Whether an output's node depends on an input's."""
    graph = model.graph
    return graph.resolve(name) in graph.needed_for([output])


def check_direction(
    f: Function,
    feed: Mapping[str, object],
    name: str,
    output: tuple[int, np.ndarray | float],
    gradient: np.ndarray,
    random: np.random.Generator,
    coarse: bool,
) -> None:
    """One directional derivative."""
    x, (index, weight) = np.asarray(feed[name]), output
    step, tolerance = (COARSE_STEP, COARSE_TOLERANCE) if coarse else (STEP, TOLERANCE)
    v = random.uniform(-1, 1, x.shape)

    def along(t: float) -> float:
        y = np.asarray(f({**feed, name: x + t * v})[index])
        return float(np.sum(weight * np.where(weight == 0, 0, y)))

    difference = (along(step) - along(-step)) / (2 * step)
    found = float(np.sum(gradient * v))
    scale = 1 + np.sqrt(np.sum(np.square(gradient)) * np.sum(np.square(v)))
    assert abs(found - difference) <= tolerance * scale, (
        f"output {index} by '{name}': {found} but differences give {difference}"
    )
