"""Every compared call of the library and its derivatives, exported and run by others."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import graphflow as gf
from graphflow.interop.onnx.writer.refused import REFUSED
from tests.interop.onnx.running import checked, run
from tests.interop.onnx.stepping import compare
from tests.library.case import Case
from tests.library.cases import CASES
from tests.library.joint_cases import FITS, LBFGS
from tests.library.small_training import file
from tests.library.training_cases import OPTIMIZERS, SCHEDULES, optimizer_file, schedule_file, start

pytestmark = pytest.mark.slow


def model_of(case: Case) -> gf.Model:
    """The call, and the derivatives of its total as outputs."""
    lines = "".join(
        f"  by{i}: gradient(total, {name}, zero=true)\n" for i, name in enumerate(case.wrt)
    )
    names = "".join(f"by{i}, " for i in range(len(case.wrt)))
    model = gf.loads(case.text().replace("outputs: [", f"{lines}outputs: [{names}"))
    for name, value in case.weights().items():
        model.parameters[name] = value
    return model


def draws_of(proto: onnx.ModelProto, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Numbers for the draws, which are inputs."""
    source, found = np.random.default_rng(0), {}
    for value in proto.graph.input:
        if value.name not in feed:
            tensor = value.type.tensor_type
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            shape = [d.dim_value for d in tensor.shape.dim]
            found[value.name] = source.uniform(0, 1, shape).astype(dtype)
    return found


@pytest.mark.parametrize("case", list(CASES.values()), ids=list(CASES))
def test_calls_and_derivatives_agree(case):
    model = model_of(case)
    try:
        proto = checked(gf.to_onnx(model, mode=case.mode))
    except gf.GraphflowError as error:
        assert {d.help for d in error.diagnostics} <= {*REFUSED.values()}
        return
    given = {n: v.astype(np.float32) if v.dtype.kind == "f" else v for n, v in case.feed().items()}
    feed = given | draws_of(proto, given)
    ours = model.compile(mode=case.mode)(feed).values
    found = run(proto, {i.name: feed[i.name] for i in proto.graph.input})
    assert list(found) == list(ours)
    for name, value in found.items():
        assert value.dtype == ours[name].dtype and value.shape == ours[name].shape
        size = max(1, np.nanmax(np.abs(ours[name]), initial=0))
        np.testing.assert_allclose(value, ours[name], rtol=1e-4, atol=2e-5 * size, err_msg=name)


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_optimizers_agree(call):
    model = gf.loads(optimizer_file(call))
    model.parameters["w"], x = start()
    compare(model, [{"x": x.astype(np.float32)}] * 4)


@pytest.mark.parametrize("call", SCHEDULES)
def test_schedules_agree(call):
    compare(gf.loads(schedule_file(call)), [{}] * 4)


@pytest.mark.parametrize("fit", list(FITS))
@pytest.mark.parametrize("call", [*LBFGS, "conjugate_gradient()"])
def test_optimizers_over_one_vector_agree(call, fit):
    chosen = FITS[fit]
    model = gf.loads(file(chosen.loss, call, chosen.start, chosen.feed))
    for name, value in chosen.start.items():
        model.parameters[name] = np.array(value, dtype=np.float32)
    compare(model, [{n: v.astype(np.float32) for n, v in chosen.feed.items()}] * 2)
