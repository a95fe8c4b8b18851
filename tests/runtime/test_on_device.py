"""Graphs on a device: the strict namespace stands for CuPy; with a GPU, CuPy itself."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from importlib.util import find_spec

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cudnn import Library
from graphflow.runs import Way, started
from graphflow.training.run_settings import RunSettings
from tests import canned
from tests.backends.cuda.host import HostKernels, needs_compiler
from tests.backends.cudnn.stand_in import StandIn
from tests.runtime import devices


@pytest.fixture(params=["strict", pytest.param("gpu", marks=pytest.mark.gpu)])
def on(request, monkeypatch):
    """Whatever asks for CuPy's device gets the strict namespace; a test marked gpu the real one."""
    if request.param == "strict":
        monkeypatch.setattr(cupy, "device", devices.device)


@pytest.fixture
def on_host(monkeypatch, tmp_path):
    """A device whose arrays are the strict namespace's and whose kernels are compiled for here."""
    loaded: list[HostKernels] = []

    def load(module):
        loaded.append(HostKernels(module, tmp_path))
        return loaded[-1]

    monkeypatch.setattr(cupy, "device", lambda: devices.device(load))
    return loaded


@pytest.mark.parametrize("name", canned.graphs())
def test_a_canned_graph_runs_on_a_device_as_it_does_here(on, name):
    devices.same_here_and_there(name)


@needs_compiler
@pytest.mark.parametrize("name", canned.graphs(("mlp", "lenet_sigmoid", "lstm")))
def test_its_kernels_compiled_for_the_host_give_what_numpy_gives(on_host, name):
    devices.same_here_and_there(name, atol=1e-7)
    for kernels in on_host:
        assert kernels.used or not kernels.module.fusions


@pytest.fixture
def cudnn(monkeypatch) -> StandIn:
    """A device that has cuDNN, for which stands what computes on the host."""
    found = StandIn(refuses=lambda graph: graph.kernel == [1, 1])
    monkeypatch.setitem(sys.modules, "cudnn", found)
    monkeypatch.setattr(cupy, "device", lambda: devices.device(cudnn=Library()))
    return found


CONVOLVING = [
    "lenet", "lenet_sigmoid",
    *(pytest.param(name, marks=pytest.mark.slow) for name in (
        "alexnet", "caser", "dcgan", "densenet", "fcn_resnet18", "googlenet", "mask_rcnn", "nin",
        "regnetx32", "resnet18_book", "textcnn", "tiny_ssd", "vgg11",
    )),
]  # fmt: skip


@pytest.mark.parametrize("name", CONVOLVING)
def test_convolutions_by_cudnn_are_those_of_numpy(cudnn, name):
    devices.same_here_and_there(name)
    assert {*cudnn.executed()} == {"conv_fprop", "conv_dgrad", "conv_wgrad"}


MIXED = """
graphflow: 1
name: mixed
inputs: {x: {shape: [B, 3, 6, 6]}}
nodes:
  one: conv2d(x, 4, 3)
  two: conv2d(one, 2, 1)
  loss: sum(two ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""


def test_what_cudnn_has_no_plan_for_is_told_and_computed_by_cupy(cudnn):
    feed = {"x": np.ones((2, 3, 6, 6))}
    stepping = gf.loads(MIXED).trainer(backend="cupy", seed=3)
    with pytest.warns(UserWarning, match="by cupy, since cuDNN has no plan: .*: two"):
        found = stepping.step(feed).values
    expected = gf.loads(MIXED).trainer(seed=3).step(feed).values
    assert float(found["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)


ATTENTION = """
graphflow: 1
name: attention
inputs:
  q: {shape: [B, T, 16]}
  k: {shape: [B, T, 16]}
  g: {shape: [B, 2, T, 8]}
nodes:
  queries: rearrange(q, 'b t (h e) -> b h t e', h=2)
  keys: rearrange(k, 'b t (h e) -> b h t e', h=2)
  y: scaled_dot_product_attention(queries, keys, keys, is_causal=true)
  loss: sum(y * g)
outputs: [y]
"""


def test_convolutions_in_mixed_precision_read_and_give_bfloat16(cudnn):
    feed = {"x": np.random.default_rng(0).standard_normal((2, 3, 6, 6))}
    found, expected = (
        gf.loads(MIXED.replace("2, 1)", "2, 2)")).trainer(backend=backend, seed=3, precision="bf16")
        for backend in ("cupy", "numpy")
    )
    for _ in range(3):
        loss = float(expected.step(feed).values["loss"])
        assert float(found.step(feed).values["loss"]) == pytest.approx(loss, rel=1e-2)
    assert {*cudnn.executed()} == {"conv_fprop", "conv_dgrad", "conv_wgrad"}
    assert {graph.how["io_data_type"] for graph in cudnn.graphs} == {"BFLOAT16"}


@pytest.mark.parametrize("precision", [("float16", "fp32"), ("float32", "bf16")])
@pytest.mark.parametrize("installed", [True, False])
def test_attention_in_halves_is_one_call_each_way(cudnn, monkeypatch, installed, precision):
    if not installed:
        monkeypatch.setattr(cupy, "device", devices.device)
    random = np.random.default_rng(0)
    shapes = {"q": (3, 5, 16), "k": (3, 5, 16), "g": (3, 2, 5, 8)}
    feed = {name: random.standard_normal(shape) for name, shape in shapes.items()}
    model = gf.loads(ATTENTION)
    expected = model.compile("loss", ["q", "k"], "train", dtype="float64", keep=["y"])(feed)
    dtype, mixed = precision
    program = model.compile(
        "loss", ["q", "k"], "train", "cupy", dtype, keep=["y"], precision=mixed
    )
    with nullcontext() if installed else pytest.warns(UserWarning, match="cuDNN is not installed"):
        found = program(feed)
    pairs = [(found.values["y"], expected.values["y"])]
    pairs += [(found.gradients[name], expected.gradients[name]) for name in ("q", "k")]
    for one, other in pairs:
        assert np.linalg.norm(one - other) < 6e-3 * np.linalg.norm(other)
    assert [*cudnn.executed()] == (["sdpa", "sdpa_backward"] if installed else [])


def test_an_exact_run_bars_what_is_no_sum_of_products(cudnn):
    for exact in (False, True):
        stepping = gf.loads(MIXED).trainer(backend="cupy", exact_conv=exact)
        stepping.step({"x": np.ones((2, 3, 6, 6))})
        assert all(("WINOGRAD" in graph.notes) == exact for graph in cudnn.graphs)
        cudnn.graphs.clear()


LABELS = """
graphflow: 1
name: labels
inputs: {x: {shape: [B, 20]}, y: {shape: [B], dtype: int}}
nodes:
  logits: linear(x, 30)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""


@needs_compiler
def test_a_label_out_of_range_is_found_by_the_kernels_and_told_by_the_forwards(on_host):
    stepping = gf.loads(LABELS).trainer(backend="cupy")
    before = stepping.state_dict()
    with pytest.raises(gf.GraphflowError) as caught:
        stepping.step({"x": np.ones((200, 20)), "y": [*range(30)] * 6 + [30] * 20})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF080" and diagnostic.mark.line == 7
    for name, value in stepping.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert any(kernels.found_missing for kernels in on_host)
    stepping.step({"x": np.ones((200, 20)), "y": [0] * 200})


@pytest.mark.skipif(find_spec("cupy") is not None, reason="CuPy is installed")
def test_without_cupy_it_says_what_to_install():
    with pytest.raises(gf.GraphflowError, match=r"GF076.*[\s\S]*pip install 'graphflow\[cuda13\]'"):
        gf.load("xyz").compile(backend="cupy")


@pytest.mark.skipif(find_spec("cupy") is not None, reason="CuPy is installed")
def test_a_run_that_is_refused_leaves_no_folder(tmp_path):
    settings = RunSettings(backend="cupy")
    with pytest.raises(gf.GraphflowError, match="GF076"):
        started(gf.load("mlp"), settings, tmp_path / "run", Way())
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("settings", [{"kernels": "numba"}, {"plan": "guarded"}])
def test_a_device_has_no_plans_of_another_kind(on, settings):
    with pytest.raises(gf.GraphflowError, match="GF033"):
        gf.load("xyz").compile(backend="cupy", **settings)
