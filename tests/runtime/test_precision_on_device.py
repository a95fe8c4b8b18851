"""Products in bfloat16 and TF32 on a device: what stands for CuPy is told of in test_on_device."""

from __future__ import annotations

import sys
from itertools import islice

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cudnn import Library
from graphflow.cli.survey import survey
from graphflow.ir.types import TensorType
from graphflow.training.feed import open_feed
from tests.backends.cublas.multiplying import StandIn as Products
from tests.backends.cublas.multiplying import needs_compiler as needs_compiler_of_c
from tests.backends.cuda.host import HostKernels, needs_compiler
from tests.backends.cudnn.stand_in import StandIn
from tests.runtime import devices


def losses(name: str, backend: str, precision: str = "bf16") -> list[float]:
    """Those of two steps."""
    model = gf.load(name)
    trainer = model.trainer(precision=precision, backend=backend)
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    trainer.start_epoch(0)
    batches = islice(feed.training(0), 2)
    return [float(np.mean(trainer.step(batch).values["loss"])) for batch, _ in batches]


@pytest.mark.parametrize("name", ["mlp", "lenet", pytest.param("lstm", marks=pytest.mark.slow)])
def test_a_device_rounds_as_numpy_does(monkeypatch, name):
    monkeypatch.setattr(cupy, "device", devices.device)
    np.testing.assert_allclose(losses(name, "cupy"), losses(name, "numpy"), rtol=1e-4)


@needs_compiler
@pytest.mark.parametrize("name", ["mlp", pytest.param("gpt_toy", marks=pytest.mark.slow)])
def test_generated_kernels_read_and_write_bfloat16(monkeypatch, tmp_path, name):
    loaded = []

    def load(module):
        loaded.append(HostKernels(module, tmp_path))
        return loaded[-1]

    monkeypatch.setattr(cupy, "device", lambda: devices.device(load))
    np.testing.assert_allclose(losses(name, "cupy"), losses(name, "numpy"), rtol=1e-3)
    buffers = [b.dtype.name for each in loaded for f in each.module.fusions for b in f.results]
    assert "bfloat16" in buffers and all(each.used for each in loaded)


@needs_compiler_of_c
def test_tf32_is_asked_of_the_libraries_of_a_device_alone(monkeypatch, tmp_path):
    cublas, cudnn = Products(tmp_path), StandIn()
    monkeypatch.setitem(sys.modules, "cudnn", cudnn)
    monkeypatch.setattr(cupy, "device", lambda: devices.device(cudnn=Library(), cublas=cublas))
    found = {how: losses("lenet", "cupy", how) for how in ("fp32", "tf32")}
    assert 1e-6 < abs(found["tf32"][1] / found["fp32"][1] - 1) < 1e-2
    barred = ["TENSOR_CORE" in graph.notes for graph in cudnn.graphs]
    assert barred == [True] * (len(barred) // 2) + [False] * (len(barred) // 2) and barred
    assert losses("lenet", "numpy", "tf32") == losses("lenet", "numpy", "fp32")


def test_a_small_cast_is_a_kernel_and_not_left_to_cupy():
    model = gf.load("lenet", {"train.precision": "bf16"})
    found = survey(model, {}, True, None, "numpy", "cupy")
    left = {found.plan.graph[name].op for name, by in found.computed_by.items() if "cupy" in by}
    assert not left & {"cast", "add", "mul"} and "max_pool" in left
    small = [n.type for n in found.plan.graph if n.op == "fused" and isinstance(n.type, TensorType)]
    assert any(each.shape == (84,) for each in small)
