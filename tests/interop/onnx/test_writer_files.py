"""``graphflow export --to onnx``: what is written, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

import graphflow as gf
from graphflow.interop.onnx.writer import files
from graphflow.interop.onnx.writer.files import save
from graphflow.interop.onnx.writer.model import translated


def session(path):
    return onnxruntime.InferenceSession(path)


def test_a_canned_graph_runs_from_its_file(cli, tmp_path):
    code, out, _ = cli("export", "mlp", "--to", "onnx", "--set", "hidden=8")
    assert (code, out) == (0, "wrote mlp.onnx\n")
    x = np.ones((2, 64), np.float32)
    (logits,) = session(tmp_path / "mlp.onnx").run(["logits"], {"x": x})
    expected = gf.load("mlp", {"hidden": 8}).compile()({"x": x})["logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_sizes_mode_and_number_type_are_passed_on(cli, tmp_path):
    options = ("--sizes", "B=3", "--mode", "train", "--dtype", "float64", "--out", "a.onnx")
    assert cli("export", "mlp", "--to", "onnx", *options)[0] == 0
    inputs = {i.name: i for i in onnx.load(tmp_path / "a.onnx").graph.input}
    assert inputs["x"].type.tensor_type.shape.dim[0].dim_value == 3
    assert inputs["x"].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    assert "logits.dropout1.kept" in inputs


def test_every_player_has_a_file_of_its_own(cli, tmp_path):
    code, out, _ = cli("export", "gan", "--to", "onnx", "--training", "--out", "g.onnx")
    names = ["g.discriminator.onnx", "g.generator.onnx"]
    assert code == 0 and out.split() == ["wrote", names[0], "wrote", names[1]]
    outputs = {o.name for o in onnx.load(tmp_path / names[1]).graph.output}
    assert "g_loss" in outputs and "G.linear1.weight.next" in outputs
    one = ("--training", "--player", "generator", "--out", "one.onnx")
    assert cli("export", "gan", "--to", "onnx", *one)[:2] == (0, "wrote one.onnx\n")


def test_weights_lie_beside_the_model_when_asked_for(cli, tmp_path):
    code, out, _ = cli("export", "mlp", "--to", "onnx", "--external-data", "--out", "m.onnx")
    assert code == 0 and out.split() == ["wrote", "m.onnx", "wrote", "m.onnx.data"]
    assert (tmp_path / "m.onnx").stat().st_size < 10_000
    onnx.checker.check_model(tmp_path / "m.onnx")
    x = np.ones((2, 64), np.float32)
    (logits,) = session(tmp_path / "m.onnx").run(["logits"], {"x": x})
    np.testing.assert_allclose(logits, gf.load("mlp").compile()({"x": x})["logits"], rtol=1e-5)


def test_large_weights_go_there_by_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 50_000)
    found = translated(gf.load("mlp"), "eval", False, None, "float32", {})
    written = save(found, tmp_path / "m.onnx")
    assert [path.name for path in written] == ["m.onnx", "m.onnx.data"]
    tensors = onnx.load(tmp_path / "m.onnx").graph.initializer
    weight = onnx.numpy_helper.to_array(next(t for t in tensors if t.name.endswith("1.weight")))
    np.testing.assert_array_equal(weight, gf.load("mlp").parameters["logits.linear1.weight"])


@pytest.mark.parametrize("taken", ["m.onnx", "m.onnx.data"])
def test_nothing_is_written_where_a_file_is_in_the_way(cli, tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    options = ("--to", "onnx", "--external-data", "--out", "m.onnx")
    code, _, err = cli("export", "mlp", *options)
    assert code == 2 and "GF007" in err and taken in err
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert cli("export", "mlp", *options, "--force")[0] == 0
    onnx.checker.check_model(tmp_path / "m.onnx")


def test_a_run_gives_its_trained_values(cli, tmp_path):
    assert cli("run", "linear_regression_scratch", "--steps", "5", "--out", "trained")[0] == 0
    assert cli("export", "trained", "--to", "onnx", "--out", "t.onnx")[0] == 0
    tensors = {t.name: t for t in onnx.load(tmp_path / "t.onnx").graph.initializer}
    for name, value in gf.load_run(tmp_path / "trained").parameters.items():
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensors[name]), value)
    assert np.any(value != gf.load("linear_regression_scratch").parameters[name])
    code, _, err = cli("export", "trained", "--to", "onnx", "--set", "a=1")
    assert code == 2 and "leave out --set" in err


def test_what_cannot_be_written_is_shown_with_its_line(cli, tmp_path):
    text = "graphflow: 1\nname: a\ninputs: {x: {shape: [2, 2]}}\nnodes:\n  y: inv(x)\n"
    (tmp_path / "a.yaml").write_text(text)
    code, _, err = cli("export", "a.yaml", "--to", "onnx")
    assert code == 2 and "a.yaml:5:6: error GF103: 'y' is inv" in err
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mlp", "--player", "x"], "GF033"),
        (["mlp", "--training", "--player", "x"], "there is no player 'x'"),
        (["xyz", "--training"], "GF067"),
        (["mlp", "--sizes", "Q=3"], "there is no size called 'Q'"),
        (["mlp", "--training", "--sizes", "Q=3"], "there is no size called 'Q'"),
        (["mlp", "--dtype", "int64"], "GF031"),
        (["nothing.yaml"], "GF001"),
    ],
)
def test_wrong_arguments_are_answered(cli, tmp_path, arguments, message):
    code, _, err = cli("export", *arguments, "--to", "onnx")
    assert code == 2 and message in err
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_extra_is_named(cli, monkeypatch):
    monkeypatch.setattr("graphflow.interop.onnx.find_spec", lambda name: None)
    code, _, err = cli("export", "mlp", "--to", "onnx")
    assert code == 2 and "GF076" in err and "pip install 'graphflow[onnx]'" in err


def test_a_model_proto_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("graphflow.interop.onnx.writer.model.LARGEST_MESSAGE", 50_000)
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(gf.load("mlp"))
    assert "graphflow export" in (caught.value.diagnostics[0].help or "")
