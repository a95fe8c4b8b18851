"""Weights files: where they may lie, and what is read of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.runtime.weights import located

NET = """
graphflow: 1
name: net
params: {x: {shape: [1, 2], init: ones}}
layers: {net: {is: linear(3), weights: PLACE}}
nodes: {y: net(x), loss: mean(y)}
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    np.savez(tmp_path / "w.npz", weight=np.ones((3, 2)), bias=np.zeros(3))
    (folder / "link.npz").symlink_to(tmp_path / "w.npz")
    return folder


def model(project: Path, place: str, given: str | None = None) -> gf.Model:
    (project / "net.yaml").write_text(NET.replace("PLACE", place))
    return gf.load(project / "net.yaml", {"layers.net.weights": given} if given else {})


def bias(model: gf.Model) -> list[float]:
    return list(model.parameters["net.bias"])


@pytest.mark.parametrize("place", ["../w.npz", "link.npz", "/etc/passwd", "../nothing.npz"])
def test_a_file_may_not_name_weights_outside_of_its_folder(project: Path, place: str):
    with pytest.raises(gf.GraphflowError, match=r"GF074.*is outside the graph") as caught:
        bias(model(project, place))
    assert caught.value.diagnostics[0].mark.line == 5


def test_an_override_may_name_weights_anywhere(project: Path):
    given = model(project, "none", given="../w.npz")
    assert bias(given) == [0, 0, 0]
    place = str(project.parent / "w.npz")
    inner = gf.load(project / "net.yaml", {"layers.net": f"{{is: linear(3), weights: {place}}}"})
    assert bias(inner) == [0, 0, 0]
    assert bias(given.changed({"train.steps": 2})) == [0, 0, 0]


def test_so_does_a_run_that_goes_on_from_its_folder(project: Path, tmp_path: Path):
    given = model(project, "none", given="../w.npz")
    trained = gf.train(given, out=tmp_path / "run")
    assert trained is not None
    assert gf.load_run(tmp_path / "run").parameters["net.bias"].shape == (3,)
    fresh = gf.load_run(tmp_path / "run")
    fresh.store.forget("net.weight")
    np.testing.assert_array_equal(fresh.parameters["net.weight"], np.ones((3, 2)))


def test_without_a_folder_weights_lie_anywhere(project: Path):
    assert located(str(project.parent / "w.npz")) == project.parent / "w.npz"


def test_an_array_of_another_shape_is_not_unpacked(project: Path):
    with zipfile.ZipFile(project / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("weight.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "<f8", "fortran_order": False, "shape": (2**21,)}
            )
            stream.write(bytes(2**24))
        with archive.open("bias.npy", "w") as stream:
            np.lib.format.write_array(stream, np.zeros(3))
    damaged = bytearray((project / "bomb.npz").read_bytes())
    damaged[2000:2100] = bytes(100)  # reading the numbers would fail
    (project / "bomb.npz").write_bytes(damaged)
    bomb = model(project, "bomb.npz")
    with pytest.raises(gf.GraphflowError, match=r"GF077.*\[3, 2\] here and \[2097152\]"):
        _ = bomb.parameters["net.weight"]
    free = model(project, "none")
    with pytest.raises(gf.GraphflowError, match=r"GF077.*1 of another shape"):
        free.load_weights(project / "bomb.npz", {n: f"net.{n}" for n in ("weight", "bias")})


def test_a_folder_is_no_weights_file(project: Path):
    with pytest.raises(gf.GraphflowError, match=r"GF077.*is a folder"):
        bias(model(project, "."))
