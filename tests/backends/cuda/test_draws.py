"""Random numbers of a device, by its kernel compiled for the host: those that NumPy draws."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from graphflow.backends.cuda import draws
from graphflow.backends.cupy.helping import Helping, _draw
from graphflow.ops.random import drawn_by, stream_number
from tests.backends.cuda.host import Compiled, needs_compiler
from tests.backends.cupy.lent import lent, stand_in


@pytest.fixture(params=["host", pytest.param("gpu", marks=pytest.mark.gpu)])
def helping(request, monkeypatch, tmp_path) -> Helping:
    if request.param == "host":
        monkeypatch.setitem(sys.modules, "cupy", stand_in(RawKernel=on_host(tmp_path)))
    _draw.cache_clear()
    request.addfinalizer(_draw.cache_clear)
    return Helping()


def on_host(folder):
    def kernel(text, name, options):
        compiled = Compiled(text, folder)
        return lambda grid, block, given: compiled.launch(name, *grid, *block, given, False)

    return kernel


@needs_compiler
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2000,), (0, 4)])
@pytest.mark.parametrize("key", [(0, 0), (3, 1), (2**62, 2**40 + 7)])
def test_numbers_are_those_of_numpy_bit_for_bit(helping, key, shape):
    cupy = __import__("cupy")
    there, stream = cupy.asarray(lent(np.array(key))), stream_number("hidden.dropout1")
    found = cupy.asnumpy(helping.random(there, stream, shape))
    expected = drawn_by(np.array(key), stream).random(shape)
    assert found.shape == shape and found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_there_are_threads_for_every_four_numbers():
    assert [draws.blocks(n) for n in (1, 1024, 1025)] == [1, 1, 2]
