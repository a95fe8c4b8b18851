"""State dicts: files of weights that go out and come in by name."""

from __future__ import annotations

import re

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import graphflow as gf
from graphflow.diagnostics import GraphflowError

TEXT = """
graphflow: 1
name: a small net
inputs: {x: {shape: [B, 3]}}
state: {h: {shape: [B, 2], init: zeros}}
nodes:
  net: linear(x, 2)
  y: batch_norm(net) + h
updates: {h: y}
outputs: [y]
"""
NAMES = {
    "net.weight": (2, 3), "net.bias": (2,), "y.batch_norm.weight": (2,), "y.batch_norm.bias": (2,),
    "y.batch_norm.running_mean": (2,), "y.batch_norm.running_var": (2,),
}  # fmt: skip


def arrays():
    return {n: np.full(s, i + 0.5, np.float32) for i, (n, s) in enumerate(NAMES.items())}


def loaded(tmp_path, content, **options):
    model = gf.loads(TEXT)
    file = tmp_path / "w.safetensors"
    save_file(content, file)
    return model, model.load_weights(file, **options)


def refused(tmp_path, content, **options):
    with pytest.raises(GraphflowError) as caught:
        loaded(tmp_path, content, **options)
    (found,) = caught.value.diagnostics
    assert found.code == "GF077"
    return found


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_what_is_saved_is_what_is_loaded(suffix, tmp_path):
    model = gf.loads(TEXT)
    for name, value in arrays().items():
        model.store.assign(name, value)
    model.save_weights(tmp_path / f"w.{suffix}")
    other = gf.loads(TEXT)
    report = other.load_weights(tmp_path / f"w.{suffix}")
    assert report.matched == tuple(NAMES) and not report.missing and not report.unexpected
    assert {n: a.tolist() for n, a in other.weights().items()} == {
        n: a.tolist() for n, a in arrays().items()
    }


def test_names_are_those_of_pytorch_and_carried_states_stay_at_home(tmp_path):
    gf.loads(TEXT).save_weights(tmp_path / "w.safetensors")
    assert {n: a.shape for n, a in load_file(tmp_path / "w.safetensors").items()} == NAMES


def test_what_batch_norm_counts_in_pytorch_is_passed_over(tmp_path):
    content = arrays() | {"y.batch_norm.num_batches_tracked": np.array(7)}
    _, report = loaded(tmp_path, content)
    assert str(report) == "6 matched"


def test_names_are_mapped_whole_and_up_to_a_dot(tmp_path):
    content = {n.replace("net.", "fc."): a for n, a in arrays().items()}
    content["mean"] = content.pop("y.batch_norm.running_mean")
    rename = {"fc": "net", "mean": "y.batch_norm.running_mean"}
    model, report = loaded(tmp_path, content, rename=rename)
    assert len(report.matched) == 6
    assert model.parameters["net.bias"].tolist() == [1.5, 1.5]


def test_everything_that_does_not_fit_is_said_at_once_and_nothing_is_changed(tmp_path):
    content = arrays()
    content["net.weight"] = np.zeros((3, 2), np.float32)
    content["head.bias"] = content.pop("net.bias")
    found = refused(tmp_path, content)
    assert re.search("1 of another shape, 1 missing, 1 unexpected$", found.message)
    assert [note.message for note in found.notes] == [
        "'net.weight' is [2, 3] here and float32 [3, 2] in the file",
        "the file lacks 'net.bias'",
        "the model has no 'head.bias'",
    ]
    model = gf.loads(TEXT)
    before = {n: np.array(a) for n, a in model.weights().items()}
    with pytest.raises(GraphflowError):
        model.load_weights(tmp_path / "w.safetensors", strict=False)  # shapes must fit anyway
    assert all(np.array_equal(before[n], a) for n, a in model.weights().items())


def test_a_quite_foreign_file_is_shown_beside_what_is_wanted(tmp_path):
    found = refused(tmp_path, {f"block.{i}.weight": np.ones(2) for i in range(4)})
    assert "the file holds block.0.weight, block.1.weight, block.2.weight, ...;" in found.help
    assert "wanted are " in found.help and "did you mean" not in found.help


def test_names_may_differ_when_asked(tmp_path):
    content = {"net.bias": np.ones(2, np.float32), "head.bias": np.ones(2, np.float32)}
    model, report = loaded(tmp_path, content, strict=False)
    assert report.matched == ("net.bias",) and report.unexpected == ("head.bias",)
    assert len(report.missing) == 5
    assert model.parameters["net.bias"].tolist() == [1, 1]


def test_two_names_may_not_become_one(tmp_path):
    content = arrays() | {"old.bias": np.ones(2, np.float32)}
    found = refused(tmp_path, content, rename={"old": "net"})
    assert "two arrays of the file are called 'net.bias' here" in found.message


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".pkl"])
def test_pickled_files_are_not_opened(suffix, tmp_path):
    file = tmp_path / f"w{suffix}"
    file.write_bytes(b"\x80\x04.")
    with pytest.raises(GraphflowError, match=r"safetensors\.torch\.save_file"):
        gf.loads(TEXT).load_weights(file)


def test_a_damaged_file_and_a_strange_number_type_are_answered(tmp_path):
    file = tmp_path / "w.safetensors"
    file.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(GraphflowError, match="GF077"):
        gf.loads(TEXT).load_weights(file)
    header = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(GraphflowError, match="GF077"):
        gf.loads(TEXT).load_weights(file)


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    model = gf.loads(TEXT)
    file = tmp_path / "w.safetensors"
    model.save_weights(file)
    before = file.read_bytes()
    with pytest.raises(GraphflowError, match="GF077"):
        model.save_weights(tmp_path / "w.pt")
    with pytest.raises(GraphflowError, match="GF007"):
        model.save_weights(tmp_path / "missing" / "w.safetensors")
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_npz_names_may_be_those_of_numpys_arguments(tmp_path):
    text = "graphflow: 1\nname: f\nparams: {file: {shape: [2], init: ones}}\nnodes: {y: file}\n"
    model = gf.loads(text)
    model.save_weights(tmp_path / "w.npz")
    assert str(model.load_weights(tmp_path / "w.npz")) == "1 matched"
