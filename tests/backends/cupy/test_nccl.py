"""How NCCL is asked for means: threads stand for processes, memory of this machine for GPUs'."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import numpy as np
import pytest

from graphflow.backends.cupy.nccl import Nccl, check_nccl, identity
from graphflow.diagnostics import GraphflowError
from tests.backends.cuda.host import garbage
from tests.backends.cupy.lent import lent

KINDS = {7: np.float32, 8: np.float64}
COUNT = 3


class Group:
    """What stands for the module ``nccl``: sums of memory at addresses, between threads."""

    def __init__(self, available: bool = True) -> None:
        self.available, self.barrier, self.given = available, Barrier(COUNT), {}
        self.asked: list[tuple[int, int]] = []

    def get_unique_id(self):
        return (4, 2)

    def NcclCommunicator(self, count, identity, number):
        assert count == COUNT and identity == (4, 2)

        def reduce(sent, received, size, kind, op, stream):
            assert op == 0 and stream == 11
            memory = [(ctypes.c_char * (size * np.dtype(KINDS[kind]).itemsize)).from_address(at)
                      for at in (sent, received)]  # fmt: skip
            own, into = (np.frombuffer(each, KINDS[kind]) for each in memory)
            self.given[number] = own.copy()
            self.asked.append((number, size))
            self.barrier.wait()
            into[...] = sum(self.given[each] for each in range(COUNT))
            self.barrier.wait()

        return SimpleNamespace(allReduce=reduce, abort=self.barrier.abort)


@pytest.fixture
def group(monkeypatch):
    found = Group()
    cuda = SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=11), nccl=found)
    cupy = SimpleNamespace(
        cuda=cuda, multiply=np.multiply,
        empty=lambda shape, dtype: lent(garbage(shape, np.dtype(dtype), "before")),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cuda", cuda)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 3), (), (2, 3, 5)])
def test_the_mean_is_weighted_and_lies_in_an_array_of_its_own(group, shape, dtype):
    random = np.random.default_rng(0)
    values = [np.asarray(random.standard_normal(shape).T, dtype).T for _ in range(COUNT)]
    before, weights = [x.copy() for x in values], (0.5, 0.3, 0.2)
    found = identity()
    members = [Nccl(found, COUNT, number) for number in range(COUNT)]
    with ThreadPoolExecutor(COUNT) as threads:
        means = list(threads.map(Nccl.mean, members, values, weights))
    expected = sum(w * x for w, x in zip(weights, before, strict=True))
    for mean, value, kept in zip(means, values, before, strict=True):
        assert mean.dtype == dtype and mean.shape == shape
        np.testing.assert_allclose(np.asarray(mean), expected, rtol=1e-6)
        np.testing.assert_array_equal(value, kept)
    assert sorted(group.asked) == [(number, values[0].size) for number in range(COUNT)]


def test_without_nccl_it_is_said_how_to_install_it(group):
    check_nccl()
    group.available = False
    with pytest.raises(GraphflowError, match=r"GF076.*NCCL"):
        identity()
