"""A bias and a ReLU as cuBLASLt is asked to add them: what stands for it multiplies on the host."""

from __future__ import annotations

import ctypes
import warnings
from itertools import islice

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cublas import affine
from graphflow.backends.cublas.library import Api, Described
from graphflow.training.feed import open_feed
from tests.backends.cublas.multiplying import StandIn, needs_compiler
from tests.backends.cublas.test_products import real, tensor
from tests.backends.cupy.lent import results_of
from tests.runtime import devices
from tests.strict.cupy_like import cupy_like


def asked(shape: tuple[int, ...], relu: bool, dtype: str = "float32"):
    """What is asked for, and operands and the result that NumPy has."""
    random = np.random.default_rng(0)
    x, y, b = (random.standard_normal(s).astype(dtype) for s in (shape, (shape[-1], 5), (5,)))
    z = np.matmul(x, y) + b
    wanted = affine(*map(tensor, (x, y, b, z)), relu)
    return wanted, (x, y, b), np.maximum(z, 0) if relu else z


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("cublas"))


@needs_compiler
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (1, 4)])
def test_the_bias_is_added_to_each_row(library, shape, relu):
    wanted, operands, expected = asked(shape, relu)
    assert wanted.how.endswith(", bias, relu" if relu else ", bias")
    calls = devices.HostCalls(library)
    for _ in range(2):  # the bias of the second call lies elsewhere
        (found,) = results_of(
            calls, wanted, [*map(cupy_like.asarray, operands)],
            empty=lambda t: cupy_like.empty(t.shape, t.dtype),
        )  # fmt: skip
        np.testing.assert_allclose(cupy_like.asnumpy(found), expected, rtol=1e-5, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_steps_with_biases_in_products_are_those_of_numpy(library, monkeypatch, name):
    """Two steps in float32; losses agree to what sums in another order change."""
    there = devices.device(cublas=library)
    monkeypatch.setattr(cupy, "device", lambda: there)
    found = [losses(name, backend) for backend in ("cupy", "numpy")]
    np.testing.assert_allclose(found[0], found[1], rtol=2e-5)


def losses(name: str, backend: str) -> list[float]:
    model = gf.load(name)
    trainer = model.trainer(backend=backend)
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    trainer.start_epoch(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*cuDNN is not installed")
        return [float(trainer.step(b).values["loss"]) for b, _ in islice(feed.training(0), 2)]


@pytest.mark.gpu
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (1, 4)])
def test_a_gpu_adds_the_bias_to_each_row(shape, relu):
    there = cupy.device()
    wanted, operands, expected = asked(shape, relu)
    with there.working():
        (found,) = results_of(
            there.cublas, wanted, [*map(there.xp.asarray, operands)],
            empty=lambda t: there.xp.empty(t.shape, t.dtype),
        )  # fmt: skip
    np.testing.assert_allclose(there.xp.asnumpy(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(real() is None, reason="cuBLASLt is not installed")
@pytest.mark.parametrize("relu", [False, True])
def test_nvidias_library_takes_the_epilogue_and_the_address_and_tells_them_again(relu):
    api = Api(real())
    wanted, _, _ = asked((3, 4), relu)
    about = Described(api, wanted)
    about.add(api, 4096)
    for attribute, kind, expected in ((7, ctypes.c_uint32, 6 if relu else 4),
                                      (8, ctypes.c_uint64, 4096)):  # fmt: skip
        value, written = kind(), ctypes.c_size_t()
        size = ctypes.c_size_t(ctypes.sizeof(value))
        into = ctypes.byref(value), size, ctypes.byref(written)
        api.call("MatmulDescGetAttribute", about.operation, attribute, *into)
        assert value.value == expected
