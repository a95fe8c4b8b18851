"""Training steps on a GPU: what is missing for them, whom they are beside, where they are written.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import pytest

from graphflow.backends import cupy
from graphflow.backends.cupy import NO_PRODUCTS
from graphflow.backends.cupy.about import about
from graphflow.bench import gpus, ours
from graphflow.bench.gpus import Gpu, gpu
from graphflow.bench.rows import find
from graphflow.bench.setting import Setting
from graphflow.diagnostics import GraphflowError, fail
from tests.runtime import devices

H100 = Gpu("NVIDIA H100 80GB HBM3", 80 << 30, "13.0", "14.2.0", ("without cuDNN, which is absent",))


@pytest.fixture
def nothing(monkeypatch):
    """No GPU, and only PyTorch, for processors."""

    def device():
        fail("GF069", "the backend 'cupy' finds no GPU")

    monkeypatch.setattr(gpus, "device", device)
    monkeypatch.setattr(gpus, "installed", lambda name: name != "jax")
    monkeypatch.setattr(gpus, "sees_gpu", lambda name: False)


def test_all_that_is_missing_is_told_at_once(nothing):
    found = [(each.code, each.help) for each in gpus.missing(["torch", "jax"])]
    assert [code for code, _ in found] == ["GF069", "GF140", "GF140"]
    assert "a build of 'torch' for CUDA" in found[1][1] and "pip install jax" in found[2][1]


def test_the_process_that_looks_for_a_gpu_answers_for_all(monkeypatch):
    lacks = [{"code": "GF076", "message": "no cupy", "help": "pip"}] * 2
    found = {**vars(H100), "without": [*H100.without]}
    answers = iter([{"missing": lacks, "gpu": None}, {"missing": [], "gpu": found}])
    monkeypatch.setattr(gpus, "answer", lambda *asked: json.dumps(next(answers)))
    with pytest.raises(GraphflowError) as refused:
        gpu(["jax"])
    assert [each.code for each in refused.value.diagnostics] == ["GF076"] * 2
    assert gpu([]) == H100


def test_a_real_process_looks_for_a_gpu():
    """With a GPU it names it; without, it says why not."""
    try:
        assert gpu([]).memory > 0
    except GraphflowError as refused:
        assert {each.code for each in refused.diagnostics} <= {"GF069", "GF076"}


def test_the_gpu_is_described_by_cupy(monkeypatch):
    runtime = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": b"A GPU", "totalGlobalMem": 1 << 30},
        driverGetVersion=lambda: 12080,
    )
    cuda = SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0))
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda, __version__="14.2.0"))
    found = about()
    assert (found.name, found.memory) == ("A GPU", 1 << 30)
    assert (found.cuda, found.cupy) == ("12.8", "14.2.0")
    there = replace(devices.device(), cublas=NO_PRODUCTS)
    monkeypatch.setattr(gpus, "device", lambda: there)
    without = gpus.seen().without
    assert [told.split(",")[0] for told in without] == ["without cuDNN", "without cuBLASLt"]


def test_a_table_of_a_gpu_has_its_name_and_more_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("graphflow.bench.setting.versions", lambda names: {})
    setting = Setting("cupy", 4, (), H100)
    assert setting.file(tmp_path).name == "NVIDIA-H100-80GB-HBM3.md"
    assert [row.name for row in setting.rows[-2:]] == ["resnet50", "transformer-12"]
    told = setting.told(None)
    assert told[:2] == ["NVIDIA H100 80GB HBM3, 80 GiB of memory, driver for CUDA 13.0",
                        "without cuDNN, which is absent"]  # fmt: skip
    assert "cupy 14.2.0" in "".join(told) and "at best" not in "".join(told)
    assert json.loads(json.dumps(setting.about())) == setting.about()
    assert setting.about() != Setting("cupy", 4, (), Gpu("another", 1, "1", "1")).about()


@pytest.mark.filterwarnings("ignore:computed by cupy")
def test_our_side_makes_its_steps_on_the_device(monkeypatch):
    asked = []
    monkeypatch.setattr(cupy, "device", lambda: asked.append(1) or devices.device())
    losses = []
    for by in ("numpy", "cupy"):
        assert not asked
        with ExitStack() as opened:
            losses.append(float(ours.prepared(find("mlp-32"), opened, by)().values["loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5) and asked
