"""The very text that a GPU would run, compiled for the host: its numbers beside the forwards'.

The header ``host.h`` has a block's threads take turns from barrier to barrier. Every kernel runs
twice, its threads in opposite orders, and must give the same bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphflow.backends.cuda import Fusion, Module, module
from tests.backends.cuda.host import OnHost, both_ways, needs_compiler
from tests.backends.cuda.samples import SAMPLES, close, columns, forwards, fused, lying, operands

Case = tuple[Fusion, list[np.ndarray], list[np.ndarray]]
"""A fused node's launches, its operands, and its results by its forward."""


@pytest.fixture(scope="module")
def samples() -> tuple[Module, dict[str, list[Case]]]:
    """All samples as one module."""
    nodes, found = [], {}
    for name, make in SAMPLES.items():
        values, arrays = make()
        found[name] = list(operands(fused(values), arrays))
        nodes += [(node, [lying(x) for x in given]) for node, given in found[name]]
    whole = module(nodes)
    return whole, {
        name: [(whole.of(node.attr("body")), given, forwards(node, given)) for node, given in each]
        for name, each in found.items()
    }


@pytest.fixture(scope="module")
def host(samples, tmp_path_factory) -> OnHost:
    return OnHost(samples[0], tmp_path_factory.mktemp("cuda"))


@pytest.fixture(scope="module")
def gpu(samples):
    from graphflow.backends.cupy.kernels import Kernels

    return Kernels(samples[0])


@needs_compiler
@pytest.mark.parametrize("name", SAMPLES)
def test_kernels_give_what_the_forwards_give(samples, host, name: str) -> None:
    assert samples[1][name]
    for fusion, given, expected in samples[1][name]:
        found, missed = both_ways(host, fusion, given)
        assert not missed
        for got, wanted in zip(found, expected, strict=True):
            close(got, wanted)


@pytest.mark.gpu
@pytest.mark.parametrize("name", SAMPLES)
def test_on_a_gpu_they_give_it_too(samples, gpu, name: str) -> None:
    import cupy

    for fusion, given, expected in samples[1][name]:
        found = gpu.run(fusion, [cupy.asarray(x) for x in given])
        again = gpu.run(fusion, [cupy.asarray(x) for x in given])
        assert not gpu.missed()
        for got, same, wanted in zip(found, again, expected, strict=True):
            close(cupy.asnumpy(got), wanted)
            np.testing.assert_array_equal(cupy.asnumpy(got), cupy.asnumpy(same))


@needs_compiler
def test_a_missing_barrier_would_be_seen(tmp_path) -> None:
    values, arrays = columns((300, 128), "float32")
    ((node, given),) = operands(fused(values), arrays)
    whole = module([(node, [lying(x) for x in given])])
    torn = replace(whole, text=whole.text.replace("__syncthreads();", ""))
    host, (fusion,) = OnHost(torn, tmp_path), whole.fusions
    one, other = (host.run(fusion, given, backwards)[0] for backwards in (False, True))
    assert not all(map(np.array_equal, one, other))
