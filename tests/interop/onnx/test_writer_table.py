from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from graphflow.diagnostics import GraphflowError
from graphflow.interop.numpy_script.rules import IMPLIED as IN_NUMPY
from graphflow.interop.onnx.writer.emitter import IMPLIED as IN_ONNX
from graphflow.interop.onnx.writer.families import TABLE
from graphflow.interop.onnx.writer.model import written
from graphflow.interop.onnx.writer.prepare import Prepared
from graphflow.interop.onnx.writer.refused import REFUSED
from graphflow.interop.watched import UNREAD
from graphflow.ir.graph import LEAVES
from graphflow.ir.types import DType, tensors
from graphflow.ops import OPS
from graphflow.ops.builder import Builder
from tests.interop.onnx.running import checked, run
from tests.ops.sampling import Case, cases

TOLERANCE = {DType.FLOAT32: 2e-5, DType.FLOAT64: 1e-10}
FLOAT32_ONLY = {"erf": 1e-6}
"""ONNX's reference computes these in float32 whatever the number type."""
NO_REFERENCE = {
    "softplus-3-float64": "ONNX's reference overflows, onnxruntime has float32 only",
    "conv_transpose-2-float64": "ONNX's reference has no groups, onnxruntime float32 only",
}
UNDEFINED = {"topk-3": "ONNX does not say where nan stands, and runtimes differ by machine"}


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
            yield pytest.param(case, dtype, id=name, marks=marks(str(case), name))


def marks(case: str, name: str) -> list[pytest.MarkDecorator]:
    if case in UNDEFINED:
        return [pytest.mark.skip(reason=UNDEFINED[case])]
    return [pytest.mark.xfail(reason=NO_REFERENCE[name])] if name in NO_REFERENCE else []


@pytest.mark.parametrize(("case", "dtype"), list(runs()))
def test_samples_agree_in_another_runtime(case, dtype):
    leaves = case.leaves(dtype)
    proto = checked(written(prepared(case, dtype), str(case)).whole())
    found = run(proto, leaves)
    tolerance = max(TOLERANCE[dtype], FLOAT32_ONLY.get(case.op.name, 0))
    for value, ours in zip(found.values(), case.run(leaves, dtype), strict=True):
        assert value.dtype == ours.dtype and value.shape == ours.shape
        np.testing.assert_allclose(value, ours, rtol=tolerance, atol=tolerance)


def test_an_attribute_that_is_not_looked_at_is_refused(monkeypatch):
    def forward(c):
        return c.op("CumSum", c.x, c.ints(c.axis), exclusive=c.flag("exclusive"))

    monkeypatch.setitem(TABLE, "cumsum", forward)
    case = next(c for c in cases() if c.op.name == "cumsum" and c.sample.attrs.get("reverse"))
    with pytest.raises(GraphflowError, match="cumsum has no 'reverse' there") as caught:
        written(prepared(case, DType.FLOAT32), str(case))
    assert caught.value.diagnostics[0].code == "GF103"


def test_what_need_not_be_read_are_attributes_of_their_operators():
    for table in (UNREAD, IN_ONNX, IN_NUMPY):
        for name, attributes in table.items():
            assert set(attributes) <= OPS[name].attributes.keys(), name
