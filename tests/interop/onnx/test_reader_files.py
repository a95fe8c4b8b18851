"""ONNX files: external data, damage, and what ``graphflow import`` writes."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save

import graphflow as gf
from graphflow.cli import main
from graphflow.diagnostics import GraphflowError


def network(n: int = 40) -> onnx.ModelProto:
    """y = x W + table, of which W is a weight and the table one of integers."""
    make = helper.make_tensor_value_info
    arrays = {"net.W": np.eye(n, dtype=np.float32) * 3, "table": np.arange(n)}
    nodes = [
        helper.make_node("MatMul", ["in.1", "net.W"], ["m"]),
        helper.make_node("Cast", ["table"], ["t"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["m", "t"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes, "net", [make("in.1", TensorProto.FLOAT, ["N", n])],
        [make("out", TensorProto.FLOAT, ["N", n])],
        [onnx.numpy_helper.from_array(a, name) for name, a in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def external(folder: Path) -> Path:
    path = folder / "net.onnx"
    onnx.save(network(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def moved(path: Path, **entries: str) -> Path:
    """The model with other entries about its external data."""
    proto = onnx.load(path, load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            entry.value = entries.get(entry.key, entry.value)
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_beside_the_model(tmp_path):
    found = gf.from_onnx(external(tmp_path)).compile()({"in.1": np.ones((1, 40))}).values["out"]
    np.testing.assert_array_equal(found[0], 3 + np.arange(40))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"location": "../w.bin"}, "outside the model's folder"),
        ({"location": "/etc/passwd"}, "outside the model's folder"),
        ({"location": "none.bin"}, "does not exist beside the model"),
        ({"offset": "99999"}, "does not hold"),
        ({"length": "7"}, "does not hold"),
        ({"offset": "-4"}, "which is not a number"),
    ],
)
def test_external_data_that_cannot_be_had(tmp_path, entries, why):
    inner = tmp_path / "models"
    inner.mkdir()
    path = moved(external(inner), **entries)
    (tmp_path / "w.bin").write_bytes((inner / "w.bin").read_bytes())
    with pytest.raises(GraphflowError, match="GF100") as caught:
        gf.from_onnx(path)
    assert why in str(caught.value)


def test_external_data_needs_a_folder(tmp_path):
    proto = onnx.load(external(tmp_path), load_external_data=False)
    with pytest.raises(GraphflowError, match="has no folder"):
        gf.from_onnx(proto)


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "net.onnx"
    for content in (b"", b"graphflow: 1\n", network().SerializeToString()[:-30]):
        path.write_bytes(content)
        with pytest.raises(GraphflowError, match="GF100"):
            gf.from_onnx(path)
    with pytest.raises(GraphflowError, match="GF007"):
        gf.from_onnx(tmp_path / "missing.onnx")


def archive(*names: str) -> bytes:
    """A zip file with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, b"")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "help"),
    [
        (archive("archive/data.pkl", "archive/data/0"), "a file of PyTorch", "torch.onnx.export("),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80",
            "a file of PyTorch",
            "torch.onnx.export(",
        ),
        (archive("config.json", "model.weights.h5"), "a model of Keras", "format='onnx'"),
        (b"\x89HDF\r\n\x1a\n\0", "a model of Keras", "format='onnx'"),
        (save({"w": np.ones(2)}), "a safetensors file", "load_weights"),
    ],
)
def test_files_of_other_programs_are_known(tmp_path, content, what, help):
    path = tmp_path / "net.bin"
    path.write_bytes(content)
    with pytest.raises(GraphflowError, match="GF100") as caught:
        gf.from_onnx(path)
    (found,) = caught.value.diagnostics
    assert what in found.message and help in (found.help or "")


def test_damaged_models_are_answered_by_diagnostics(tmp_path):
    data, source = network(4).SerializeToString(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        path = tmp_path / "net.onnx"
        path.write_bytes(damaged)
        try:
            gf.from_onnx(path)
        except GraphflowError as error:
            assert error.diagnostics


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_what_import_writes_loads_and_runs_by_itself(tmp_path, capsys):
    path, out = tmp_path / "net.onnx", tmp_path / "mine" / "net.yaml"
    onnx.save(network(), path)
    out.parent.mkdir()
    assert run("import", path, "--out", out, "--json") == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["files"] == [str(out), str(out.with_suffix(".safetensors"))]
    assert (answer["inputs"], answer["outputs"]) == ({"in.1": "in_1"}, {"out": "out"})
    model = gf.load(out)
    found = model.compile()({"in_1": np.ones((2, 40))}).values["out"]
    np.testing.assert_array_equal(found[1], 3 + np.arange(40))
    assert list(model.parameters) == ["net.W"] and list(model.state) == ["t"]
    assert gf.loads(model.expanded()).graph == model.graph
    assert run("import", path, "--out", out) == 2
    assert "exists already" in capsys.readouterr().err
    assert run("import", path, "--out", out, "--force") == 0


def test_sizes_and_mistakes_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    onnx.save(network(), "net.onnx")
    assert run("import", "net.onnx", "--set-size", "N=2") == 0
    assert "in_1" in capsys.readouterr().out
    assert "shape: [2, 40]" in Path("net.yaml").read_text()
    assert run("import", "net.onnx", "--set-size", "M=2", "--force") == 2
    assert "sizes are N" in capsys.readouterr().err
    assert run("import", "net.onnx", "--out", "net.txt") == 2
    assert "ends in .yaml" in capsys.readouterr().err
