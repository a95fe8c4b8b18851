"""How CuPy's arrays reach cuDNN; stand-ins on the host play both."""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cudnn import Convolution, Library, Tensor, convolution
from graphflow.backends.cupy.calls import Calling, Calls
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import get_op
from tests.backends.cuda.host import garbage
from tests.backends.cudnn.stand_in import StandIn
from tests.backends.cupy.lent import lent, misplaced, turned

ATTRS = {"stride": (1, 1), "padding": ((1, 0), (1, 0)), "dilation": (1, 1), "groups": 1}
NODE = Node("conv", ("x", "w"), tuple(ATTRS.items()), TensorType(DType.FLOAT32, (2, 4, 5, 5)), "y")


@pytest.fixture
def cudnn(monkeypatch) -> StandIn:
    """What stands for cuDNN, beside what stands for CuPy."""
    tricks = SimpleNamespace(as_strided=partial(np.lib.stride_tricks.as_strided, subok=True))
    stand_in = SimpleNamespace(
        lib=SimpleNamespace(stride_tricks=tricks),
        cuda=SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=11)),
        empty=lambda size, dtype: lent(garbage((size,), np.dtype(dtype), "before")),
    )  # fmt: skip
    found = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setitem(sys.modules, "cudnn", found)
    return found


def test_operands_are_brought_to_where_the_plan_looks(cudnn):
    random = np.random.default_rng(0)
    x, w = (random.standard_normal(s).astype(np.float32) for s in ((2, 3, 5, 5), (4, 3, 2, 2)))
    last = np.moveaxis(np.empty((2, 5, 5, 4), np.float32), -1, 1)
    tensors = [Tensor("float32", a.shape, lying(a)) for a in (x, w, last)]
    wanted = convolution(NODE, tensors, False)
    assert isinstance(wanted, Convolution)
    found = Calls(Library()).calling(wanted, tensors[:2], tensors[2:])
    assert isinstance(found, Calling)
    expected = get_op("conv").forward(np, x, w, **ATTRS)
    for how in (lent, misplaced, turned):
        (made,) = found(how(x), how(w))
        assert made.strides == last.strides
        np.testing.assert_allclose(np.asarray(made), expected, rtol=1e-5, atol=1e-6)
    assert cudnn.streams == [11]
