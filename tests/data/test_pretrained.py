"""Published weights of nets: fetched, converted, and loaded into the library's blocks."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import graphflow as gf
from graphflow.data import pretrained
from graphflow.data.pretrained import PRETRAINED, obtain_weights
from graphflow.diagnostics import GraphflowError

SMALL = Path(__file__).parent / "torch" / "state_old.pth"
NAME = "torchvision/resnet18"
# Sizes that torchvision documents: number of parameters of each net.
COUNTS = {
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
    "vgg16": 138_357_544, "vgg19": 143_667_240,
}  # fmt: skip


def net(block: str) -> gf.Model:
    return gf.loads(
        "graphflow: 1\nname: n\ninputs: {x: {shape: [B, 3, 32, 32]}}\n"
        f"nodes:\n  y: {block}\noutputs: [y]\n"
    )


@pytest.fixture
def small(published, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published file is the small one that lies beside this test."""
    content = SMALL.read_bytes()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()[:8]}"
    remote = replace(PRETRAINED[NAME], digest=digest)
    monkeypatch.setitem(pretrained.PRETRAINED, NAME, remote)
    published({remote.url: content})


def test_weights_are_converted_once_and_kept(small, published, no_data: Path) -> None:
    path = obtain_weights(NAME)
    assert path == no_data / "weights" / "resnet18-f37072fd.safetensors"
    assert load_file(path)["fc.bias"].tolist() == [-1.5, 2.5]
    assert load_file(path)["turned"][1].tolist() == [0.25, 1.25, 2.25]
    published({})
    assert obtain_weights(NAME) == path
    assert not (no_data / "resnet18-f37072fd.pth").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_users_own_file_is_used_and_stays(
    small, published, no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    mine = tmp_path / "data" / f"resnet18-f37072fd{suffix}"
    mine.parent.mkdir()
    shutil.copy(SMALL if suffix == ".pth" else obtain_weights(NAME), mine)
    shutil.rmtree(no_data, ignore_errors=True)
    monkeypatch.setenv("GRAPHFLOW_DATA", str(mine.parent))
    published({})
    assert load_file(obtain_weights(NAME))["fc.bias"].tolist() == [-1.5, 2.5]
    assert mine.exists()


def test_without_a_network_the_file_is_named(no_data: Path, refused) -> None:
    found = refused(obtain_weights, "torchvision/vgg19")
    assert found.code == "GF072"
    assert "vgg19-dcbb9e9d.pth" in found.help and "weights: none" in found.help


def test_a_file_names_published_weights(small) -> None:
    text = (
        "graphflow: 1\nname: n\ninputs: {x: {shape: [B, 3]}}\n"
        f"layers: {{fc: {{is: linear(2), weights: {NAME}}}}}\nnodes: {{y: fc(x)}}\noutputs: [y]\n"
    )
    assert gf.loads(text).parameters["fc.bias"].tolist() == [-1.5, 2.5]
    with pytest.raises(GraphflowError) as caught:
        dict(gf.loads(text.replace("resnet18", "resnet81")).parameters)
    (found,) = caught.value.diagnostics
    assert found.code == "GF077" and found.mark is not None
    assert found.help.startswith("did you mean 'torchvision/resnet18'")
    assert found.mark.file == "<text>"


def test_python_loads_published_weights(small) -> None:
    model = gf.loads("graphflow: 1\nname: n\ninputs: {x: {shape: [B, 3]}}\n"
                     "nodes: {y: fc(x)}\nlayers: {fc: linear(2)}\noutputs: [y]\n")  # fmt: skip
    report = model.load_weights(NAME, strict=False)
    assert report.matched == ("fc.weight", "fc.bias")
    assert model.parameters["fc.weight"].tolist() == [[0, 0.25, 0.5], [0.75, 1, 1.25]]


# -- the nets -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", COUNTS)
def test_a_net_has_as_many_parameters_as_published(name: str) -> None:
    model = net(f"{name}(x)")
    shapes = [model.store.types[parameter].shape for parameter in model.parameters]
    assert sum(int(np.prod([int(str(n)) for n in shape])) for shape in shapes) == COUNTS[name]
    assert f"torchvision/{name}" in PRETRAINED


def basic(stages: list[int]) -> set[str]:
    """The names of torchvision's ResNet of basic blocks."""
    norm = ("weight", "bias", "running_mean", "running_var")
    names = {"conv1.weight", "fc.weight", "fc.bias", *(f"bn1.{part}" for part in norm)}
    for stage, count in enumerate(stages, 1):
        for i in range(count):
            for k in (1, 2):
                names.add(f"layer{stage}.{i}.conv{k}.weight")
                names |= {f"layer{stage}.{i}.bn{k}.{part}" for part in norm}
            if stage > 1 and i == 0:
                names.add(f"layer{stage}.0.downsample.0.weight")
                names |= {f"layer{stage}.0.downsample.1.{part}" for part in norm}
    return names


@pytest.mark.parametrize(("name", "stages"), [("resnet18", [2] * 4), ("resnet34", [3, 4, 6, 3])])
def test_names_are_those_of_torchvision(name: str, stages: list[int]) -> None:
    model = net(f"{name}(x, 10, width=4)")
    names = {n.removeprefix("y.") for n in model.weights()}
    assert names == basic(stages)


VGG = {
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}


@pytest.mark.parametrize("name", VGG)
def test_names_of_vgg_count_activations_and_pools(name: str) -> None:
    model = net(f"{name}(x, 10, width=2, hidden=4)")
    layers = [f"features.{i}" for i in VGG[name]] + [f"classifier.{i}" for i in (0, 3, 6)]
    names = [n.removeprefix("y.") for n in model.weights()]
    assert names == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]


# -- what an instance owns ----------------------------------------------------------------------
BATCH_NORM = """
graphflow: 1
name: a norm that was trained elsewhere
inputs: {x: {shape: [B, 2]}}
layers:
  trained: {is: batch_norm(eps=0), weights: norm.safetensors, trainable: false}
nodes:
  y: trained(x)
outputs: [y]
"""


def test_running_statistics_come_from_the_file_too(tmp_path: Path) -> None:
    arrays = {"weight": [1, 2], "bias": [3, 4], "running_mean": [5, 6], "running_var": [4, 9]}
    content = {name: np.array(values, np.float32) for name, values in arrays.items()}
    save_file(content, tmp_path / "norm.safetensors")
    (tmp_path / "g.yaml").write_text(BATCH_NORM)
    model = gf.load(tmp_path / "g.yaml")
    # (7 - 5) / 2 * 1 + 3 and (0 - 6) / 3 * 2 + 4
    y = model.compile("y")({"x": np.array([[7, 0]], np.float32)}).values["y"]
    assert y.tolist() == [[4, 0]]


def test_statistics_that_a_file_lacks_are_an_error(tmp_path: Path) -> None:
    content = {name: np.ones(2, np.float32) for name in ("weight", "bias")}
    save_file(content, tmp_path / "norm.safetensors")
    (tmp_path / "g.yaml").write_text(BATCH_NORM)
    with pytest.raises(GraphflowError, match=r"has no 'trained\.running_mean'"):
        gf.load(tmp_path / "g.yaml").weights()


def test_style_transfer_takes_as_much_of_vgg19_as_it_has(
    no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # VGG-19 in a quarter of its width: torchvision's names, every value its layer's number.
    channels = [16] * 2 + [32] * 2 + [64] * 4 + [128] * 5
    content = {"classifier.0.weight": np.zeros((1, 1), np.float32)}
    for number, into, out in zip(VGG["vgg19"], [3, *channels], channels, strict=False):
        content[f"features.{number}.weight"] = np.full((out, into, 3, 3), number, np.float32)
        content[f"features.{number}.bias"] = np.full(out, number, np.float32)
    save_file(content, tmp_path / "vgg19-dcbb9e9d.safetensors")
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    model = gf.load("style_transfer", {"layers.net.weights": "torchvision/vgg19"})
    own = [name for name in model.parameters if name.startswith("net.")]
    found = [float(model.parameters[name].flat[0]) for name in own]
    assert found == [n for n in VGG["vgg19"][:13] for _ in ("weight", "bias")]
