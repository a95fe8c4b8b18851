"""Every generated kernel through NVIDIA's compiler, for GPUs that are not there."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cuda import Module, module
from graphflow.training.feed import open_feed
from tests import canned
from tests.backends.cuda.nvrtc import built
from tests.backends.cuda.samples import SAMPLES, fused, lying, operands
from tests.runtime import devices

HERE = find_spec("cuda") is not None and find_spec("cuda.core") is not None
pytestmark = pytest.mark.skipif(not HERE, reason="needs pip install -e '.[cuda-check]'")
QUICK = (
    "xyz", "mlp", "softmax_regression", "lenet_sigmoid", "lstm", "gan", "momentum_2d", "airfoil",
    "linear_regression_scratch", "q_learning", "coin_toss", "sigmoid_neuron",
)  # fmt: skip
ARCHITECTURES = ("sm_80", "sm_90")


@pytest.fixture
def modules(monkeypatch) -> list[Module]:
    """What is loaded meanwhile."""
    loaded: list[Module] = []

    def load(each: Module) -> devices.Forwards:
        loaded.append(each)
        return devices.Forwards(each)

    monkeypatch.setattr(cupy, "device", lambda: devices.device(load))
    return loaded


@pytest.mark.parametrize("name", canned.graphs(QUICK))
def test_kernels_of_a_canned_graph_compile_and_keep_to_registers(modules, name: str) -> None:
    devices.computed(name, "cupy", "float32", 1)
    assert modules
    for each in modules:
        compiles(each, spills=name not in QUICK)


@pytest.mark.parametrize("name", ["mlp", "lenet", "gpt"])
def test_kernels_of_mixed_precision_compile(modules, name: str) -> None:
    model = gf.load(name)
    stepping = model.trainer(backend="cupy", precision="bf16", seed=0)
    feed = open_feed(model.elaborated, model.folder, stepping.seed, model.learned)
    stepping.start_epoch(0)
    batch, _ = next(iter(feed.training(0)))
    stepping.step(batch)
    assert any("narrow(" in each.text.split("extern", 1)[1] for each in modules)
    for each in modules:
        compiles(each, spills=False)


@pytest.mark.slow
def test_kernels_of_all_samples_compile() -> None:
    graphs = [(fused(values), arrays) for values, arrays in (make() for make in SAMPLES.values())]
    whole = module(
        (node, [lying(x) for x in given]) for graph, arrays in graphs
        for node, given in operands(graph, arrays)
    )  # fmt: skip
    compiles(whole, spills=True)


def compiles(each: Module, spills: bool) -> None:
    """Each kernel is built for every architecture; unless it may, no thread puts numbers aside."""
    names = {launch.kernel for fusion in each.fusions for launch in fusion.launches}
    for arch in ARCHITECTURES:
        found = built(each, arch)
        assert found.keys() == names
        assert spills or {name: b for name, b in found.items() if b.stack or b.spilled} == {}
