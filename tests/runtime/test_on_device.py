"""Graphs on a device: the strict namespace stands for CuPy; with a GPU, CuPy itself."""

from __future__ import annotations

from contextlib import nullcontext
from importlib.util import find_spec
from itertools import islice

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.runs import Way, started
from graphflow.training.checks import check_feed
from graphflow.training.feed import open_feed
from graphflow.training.run_settings import RunSettings
from tests import canned
from tests.strict.cupy_like import cupy_like


@pytest.fixture(params=["strict", pytest.param("gpu", marks=pytest.mark.gpu)])
def on(request, monkeypatch):
    """Whatever asks for CuPy's device gets the strict namespace; a test marked gpu the real one."""
    if request.param == "strict":
        monkeypatch.setattr(cupy, "device", lambda: cupy.Device(cupy_like, nullcontext))


def steps(name: str, backend: str, count: int = 2):
    """Steps of a canned graph in float64: what they gave, and the state after them."""
    model = gf.load(name)
    stepping = model.stepping(dtype="float64", backend=backend)
    feed = open_feed(model.elaborated, model.folder, stepping.seed, model.learned)
    stepping.start_epoch(0)
    batches = islice(feed.training(0), count)
    found = [stepping.step(batch).values for batch, _ in batches]
    return found, stepping.state_dict()


def values(name: str, backend: str):
    """The outputs of a graph that makes no steps, fed as its first check is."""
    model = gf.load(name)
    entry = next(iter(model.document.check), None)
    feed = {} if entry is None else check_feed(model, entry)
    return [model.compile(dtype="float64", backend=backend)(feed).values], {}


@pytest.mark.parametrize("name", canned.graphs())
def test_a_canned_graph_runs_on_a_device_as_it_does_here(on, name):
    document = gf.load(name).document
    run = steps if document.train is not None or document.run is not None else values
    expected, before = run(name, "numpy")
    found, after = run(name, "cupy")
    for one, other in zip(expected, found, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            np.testing.assert_allclose(other[key], value, rtol=1e-6, atol=1e-9, err_msg=key)
    for key, value in before.items():
        np.testing.assert_allclose(after[key], value, rtol=1e-6, atol=1e-9, err_msg=key)


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
