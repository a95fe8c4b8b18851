"""What the graphs about several devices say: sums are the same, times those of their parts."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

from .training import values_of


@pytest.mark.parametrize(("n", "size"), [(2, 4), (3, 6), (5, 20)])
def test_a_ring_of_any_size_gives_everybody_the_sum(n, size):
    model = gf.load("ring_allreduce", {"n": n, "size": size})
    gf.run(model)
    total = np.arange(n * n * (size // n)).reshape(n, -1).sum(axis=0)
    np.testing.assert_array_equal(model.state["held"].reshape(n, -1), np.tile(total, (n, 1)))
    assert float(model.state["sent"]) == pytest.approx(2 * (n - 1) / n)


@pytest.mark.parametrize("devices", [2, 4])
def test_gradients_of_the_shards_add_up_to_that_of_the_batch(devices):
    model = gf.load("data_parallel", {"devices": devices, "batch": 8})
    rng = np.random.default_rng(0)
    feed = {"image": rng.random((8, 1, 28, 28)), "label": np.arange(8)}
    loss, whole, apart, stepped = values_of(
        model, "loss", "whole", "apart", "stepped", dtype="float64", **feed
    )
    assert loss == pytest.approx(float(whole), rel=1e-12)
    assert apart < 1e-12
    assert np.ptp(stepped, axis=0).max() == 0
    assert model.parameters["p"].size == 129_068


def test_the_device_idles_where_the_program_is_slow():
    free, done, waiting = values_of(
        gf.load("asynchronous", {"issue": 0.02}), "free", "done", "waiting"
    )
    np.testing.assert_allclose([free, done, waiting], [0.2, 0.212, 0.32], rtol=1e-5)


def test_copies_that_are_slower_than_products_are_all_that_counts():
    for compute, copy, longest in ((0.5, 2.0, 2.0 + 0.01), (2.0, 0.5, 2.0 + 0.01)):
        model = gf.load("overlap", {"compute": compute, "copy": copy})
        (found,) = values_of(model, "with_overlap")
        assert float(found) == pytest.approx(longest, rel=1e-5)


def test_an_exported_net_is_its_numbers_and_little_else():
    pytest.importorskip("onnx")
    model = gf.load("hybrid_mlp")
    numbers = sum(np.asarray(value).size for value in model.parameters.values())
    size = len(gf.to_onnx(model).SerializeToString())
    assert numbers == 164_482
    assert 4 * numbers < size < 4 * numbers + 8_000
