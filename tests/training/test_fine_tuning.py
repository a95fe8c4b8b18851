"""Weights of another model: all of them but the head, which starts afresh and learns faster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphflow as gf
from tests.training.small_net import NET, first_weights, rows, weights

TUNED = """
graphflow: 1
name: fine-tuning
inputs: {x: {shape: [B, 3]}, y: {shape: [B], dtype: int}}
blocks:
  classifier:
    args: [classes]
    inputs: [x]
    nodes:
      body: linear(x, 5)
      normed: batch_norm(tanh(body))
      head: linear(normed, classes)
      scores: head * 1
    outputs: [scores]
layers:
  net: {is: classifier(4), weights: WEIGHTS}
nodes:
  logits: net(x)
  loss: cross_entropy(logits, y)
train:
  minimize: loss
  optimizer: sgd(0.01)
  groups: [{params: [net.head], lr_scale: 10}]
"""
NORM = {"weight": (5,), "bias": (5,), "running_mean": (5,), "running_var": (5,)}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A classifier of two classes, as PyTorch would save it."""
    rng = np.random.default_rng(1)
    arrays = first_weights()
    arrays |= {f"normed.{n}": rng.uniform(0.5, 1, shape) for n, shape in NORM.items()}
    arrays["normed.num_batches_tracked"] = np.array(7)
    save_file(arrays, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def tuned(published: Path, setting: str) -> gf.Model:
    file = published.parent / "tuned.yaml"
    file.write_text(TUNED.replace("WEIGHTS", setting))
    return gf.load(file)


def test_all_but_the_head_is_loaded_and_the_head_learns_ten_times_faster(published: Path):
    model = tuned(published, "{file: net.safetensors, exclude: [head]}")
    expected = first_weights()
    np.testing.assert_array_equal(model.parameters["net.body.weight"], expected["body.weight"])
    assert (model.state["net.normed.running_var"] < 1).all()
    assert model.parameters["net.head.weight"].shape == (4, 5)
    batch = rows()
    wrt = ["net.body.weight", "net.head.weight"]
    slopes = model.compile(of="loss", wrt=wrt, mode="train", dtype="float64")(batch).gradients
    before = weights(model)
    model.trainer(dtype="float64").step(batch)
    for name, rate in zip(wrt, (0.01, 0.1), strict=True):
        moved = before[name] - model.parameters[name]
        np.testing.assert_allclose(moved, rate * slopes[name], rtol=1e-6, atol=1e-12)


def test_only_some_of_a_file_is_loaded(published: Path):
    model = tuned(published, "{file: net.safetensors, only: [normed, body.bias]}")
    assert (model.state["net.normed.running_mean"] > 0.4).all()
    expected = first_weights()["body.bias"]
    np.testing.assert_array_equal(model.parameters["net.body.bias"], expected)
    assert not np.allclose(model.parameters["net.body.weight"], first_weights()["body.weight"])


def test_what_is_loaded_survives_expansion(published: Path):
    model = tuned(published, "{file: net.safetensors, exclude: ['head.*']}")
    (published.parent / "long.yaml").write_text(model.expanded())
    again = gf.load(published.parent / "long.yaml")
    for name, value in {**model.parameters, **model.state}.items():
        there = {**again.parameters, **again.state}[name]
        np.testing.assert_array_equal(there, value)


def test_a_file_alone_must_hold_all_and_none_means_no_file(published: Path):
    with pytest.raises(gf.GraphflowError) as caught:
        tuned(published, "net.safetensors").weights()
    (found,) = caught.value.diagnostics
    assert found.code == "GF077" and "'net.head.weight' is [4, 5] here and [2, 5]" in found.message
    assert "exclude: [head.weight]" in str(found.help)
    assert tuned(published, "none").weights()["net.head.bias"].shape == (4,)


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ("{file: net.safetensors, exclude: [haed]}", "GF041", "'net' has no parameter 'haed'"),
        ("{file: net.safetensors, only: ['fc.*']}", "GF041", "'net' has no parameter 'fc.*'"),
        ("{only: [head]}", "GF012", "needs the key 'file'"),
        ("{file: net.safetensors, exlude: [head]}", "GF010", "no key 'exlude'"),
    ],
)
def test_a_wrong_choice_is_refused_where_it_stands(published: Path, setting, code, message):
    with pytest.raises(gf.GraphflowError) as caught:
        tuned(published, setting)
    (found,) = caught.value.diagnostics
    assert found.code == code and message in found.message
    assert found.mark is not None and found.mark.line == 16


# -- from Python ----------------------------------------------------------------------------------
@pytest.fixture
def model() -> gf.Model:
    return gf.loads(NET.replace("head: linear(2)", "head: linear(4)") + "  optimizer: sgd(0.1)\n")


def saved(tmp_path: Path, **changes: np.ndarray | None) -> Path:
    arrays = first_weights() | {n.replace("_", "."): a for n, a in changes.items()}
    save_file({n: a for n, a in arrays.items() if a is not None}, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_patterns_choose_and_the_report_says_what_matched(tmp_path: Path, model: gf.Model):
    before = np.array(model.parameters["head.weight"])
    found = model.load_weights(saved(tmp_path), only="body")
    assert (found.matched, found.missing, found.unexpected) == (
        ("body.weight", "body.bias"), (), (),
    )  # fmt: skip
    assert str(found) == "2 matched"
    np.testing.assert_array_equal(model.parameters["head.weight"], before)
    assert model.load_weights(saved(tmp_path), exclude=["head.*"]).matched == found.matched


def test_another_shape_is_an_error_unless_it_may_be(tmp_path: Path, model: gf.Model):
    with pytest.raises(gf.GraphflowError) as caught:
        model.load_weights(saved(tmp_path), strict=False)
    (diagnostic,) = caught.value.diagnostics
    assert "2 of another shape" in diagnostic.message
    assert "'head.weight' is [4, 5] here and float64 [2, 5] in the file" in str(diagnostic.notes)
    assert "exclude" in str(diagnostic.help)
    found = model.load_weights(saved(tmp_path), ignore_mismatched_sizes=True)
    assert found.mismatched == ("head.weight", "head.bias")
    assert str(found) == "2 matched; 2 of another shape: 'head.weight', 'head.bias'"


def test_patterns_are_of_names_here_and_what_they_choose_must_be_there(tmp_path, model: gf.Model):
    file = saved(tmp_path, body_bias=None, extra_bias=np.zeros(2))
    with pytest.raises(gf.GraphflowError) as caught:
        model.load_weights(file, exclude="head")
    assert "1 missing, 1 unexpected" in caught.value.diagnostics[0].message
    with pytest.raises(gf.GraphflowError, match="1 missing"):
        model.load_weights(file, only="body")
    found = model.load_weights(file, only="body", strict=False)
    assert (found.matched, found.missing) == (("body.weight",), ("body.bias",))


def test_a_pattern_that_means_nothing_is_refused(tmp_path: Path, model: gf.Model):
    with pytest.raises(gf.GraphflowError) as caught:
        model.load_weights(saved(tmp_path), only=["boby"])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF041" and "'boby'" in diagnostic.message
