from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.families import TABLE
from graphflow.interop.onnx.writer.model import written
from graphflow.interop.onnx.writer.prepare import Prepared
from graphflow.interop.onnx.writer.refused import REFUSED
from graphflow.ir.graph import LEAVES
from graphflow.ir.types import DType, tensors
from graphflow.ops import OPS
from graphflow.ops.builder import Builder
from tests.interop.onnx.running import checked, run
from tests.ops.sampling import Case, cases

TOLERANCE = {DType.FLOAT32: 2e-5, DType.FLOAT64: 1e-10}
FLOAT32_ONLY = {"erf": 1e-6}
"""ONNX's reference computes these in float32 whatever the number type."""
IN_THE_TYPE = {"shape", "dtype", "sections", "output_size", "spatial", "size", "classes"}
"""Attributes that need not be read, because the type of the result has what they say."""
CHECKS_ONLY = {"negative"}
WRITTEN_OUT = {"arange", "linspace"}
"""These are computed by their own forward while exporting, with all attributes."""
NO_REFERENCE = {
    "softplus-3-float64": "ONNX's reference overflows, onnxruntime has float32 only",
    "conv_transpose-2-float64": "ONNX's reference has no groups, onnxruntime float32 only",
    "topk-3-float32": "ONNX does not say where nan stands",
    "topk-3-float64": "ONNX does not say where nan stands",
}


def test_every_primitive_is_written_or_refused_with_a_reason():
    concrete = {name for name, op in OPS.items() if not op.abstract} - LEAVES
    assert concrete - TABLE.keys() - REFUSED.keys() == set()
    assert TABLE.keys() & REFUSED.keys() == set()
    assert (TABLE.keys() | REFUSED.keys()) - concrete == set()


def prepared(case: Case, dtype: DType) -> Prepared:
    graph, out = case.graph(dtype)
    builder = Builder(graph)
    parts = len(tensors(graph[out].type))
    names = [out]
    if parts > 1:
        names = [builder.value(out).item(i, name=f"part{i}").name for i in range(parts)]
    leaves = frozenset(case.arrays)
    return Prepared(builder.graph(names), [(n, n) for n in names], {}, leaves)


def runs() -> Iterator[ParameterSet]:
    for case in cases():
        for dtype in TOLERANCE if case.op.name in TABLE else ():
            name = f"{case}-{dtype}"
            marks = [pytest.mark.xfail(reason=NO_REFERENCE[name])] if name in NO_REFERENCE else []
            yield pytest.param(case, dtype, id=name, marks=marks)


@pytest.mark.parametrize(("case", "dtype"), list(runs()))
def test_samples_agree_in_another_runtime(case, dtype):
    leaves = case.leaves(dtype)
    proto = checked(written(prepared(case, dtype), str(case)).whole())
    found = run(proto, leaves)
    tolerance = max(TOLERANCE[dtype], FLOAT32_ONLY.get(case.op.name, 0))
    for value, ours in zip(found.values(), case.run(leaves, dtype), strict=True):
        assert value.dtype == ours.dtype and value.shape == ours.shape
        np.testing.assert_allclose(value, ours, rtol=tolerance, atol=tolerance)


class Read(dict):
    """Attributes that note which of them were asked for."""

    def __init__(self, attrs, noted):
        super().__init__(attrs)
        self.noted = noted

    def __getitem__(self, name):
        self.noted.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.noted.add(name)
        return super().get(name, default)


def test_every_attribute_is_looked_at(monkeypatch):
    noted = {name: set() for name in TABLE}
    attrs = property(lambda c: Read(c.node.attributes(), noted[c.node.op]))
    monkeypatch.setattr(Call, "attrs", attrs)
    for case in cases():
        if case.op.name in TABLE:
            written(prepared(case, DType.FLOAT32), str(case))
    sampled = {case.op.name for case in cases()} - WRITTEN_OUT
    overlooked = {
        name: missing
        for name in sampled & TABLE.keys()
        if (missing := OPS[name].attributes.keys() - noted[name] - IN_THE_TYPE - CHECKS_ONLY)
    }
    assert overlooked == {}
