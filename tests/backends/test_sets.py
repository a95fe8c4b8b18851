from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

import graphflow as gf
from graphflow.backends import sets
from graphflow.backends.onednn_kernels import library
from graphflow.diagnostics import GraphflowError


@pytest.fixture
def missing(monkeypatch):
    """A machine without oneDNN."""

    def files(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(library, "files", files)
    library.library.cache_clear()
    yield
    library.library.cache_clear()


def test_a_kernel_set_that_is_not_installed_says_what_to_do(missing):
    model = gf.loads("graphflow: 1\nname: a\ninputs: {x: scalar}\nnodes: {y: x * 2}\n")
    with pytest.raises(GraphflowError) as caught:
        model.compile(of="y", kernels="onednn")
    (found,) = caught.value.diagnostics
    assert found.code == "GF076" and "pip install 'graphflow[onednn]'" in str(found.help)


def test_compiled_kernels_without_numba_say_what_to_do(monkeypatch):
    monkeypatch.setattr(sets, "find_spec", lambda name: None)
    with pytest.raises(GraphflowError) as caught:
        sets.kernels_named("numba")
    assert "pip install numba" in str(caught.value)


@pytest.mark.parametrize("given", [{"kernels": None}, {"kernels": "numba", "plan": "guarded"}])
def test_kernels_that_cannot_be_had_are_refused(given):
    model = gf.loads("graphflow: 1\nname: a\ninputs: {x: scalar}\nnodes: {y: x * 2}\n")
    with pytest.raises(GraphflowError) as caught:
        model.compile(of="y", **given)
    assert [d.code for d in caught.value.diagnostics] == ["GF033"]


def test_a_library_that_cannot_be_loaded_says_why(missing, monkeypatch, tmp_path):
    broken = tmp_path / library.FILE
    broken.write_text("no library")
    monkeypatch.setattr(library, "_path", lambda: broken)
    with pytest.raises(GraphflowError) as caught:
        library.library()
    assert "cannot be loaded" in str(caught.value)
