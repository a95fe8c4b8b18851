"""Products in bfloat16 on a device: the strict namespace stands for CuPy, see test_on_device."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.training.feed import open_feed
from tests.backends.cuda.host import HostKernels, needs_compiler
from tests.runtime import devices


def losses(name: str, backend: str) -> list[float]:
    """Those of two steps."""
    model = gf.load(name)
    trainer = model.trainer(precision="bf16", backend=backend)
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
def test_generated_kernels_leave_bfloat16_to_others(monkeypatch, tmp_path, name):
    def load(module):
        return HostKernels(module, tmp_path)

    monkeypatch.setattr(cupy, "device", lambda: devices.device(load))
    np.testing.assert_allclose(losses(name, "cupy"), losses(name, "numpy"), rtol=1e-3)
