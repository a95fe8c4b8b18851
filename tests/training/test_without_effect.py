"""What is selected in vain is said: groups, parts of weights files, names to rename, callbacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphflow as gf

NET = """
graphflow: 1
name: two layers
inputs: {x: {shape: [B, 3]}, y: {shape: [B, 2]}}
layers:
  body: {is: linear(4), trainable: BODY}
  head: {is: linear(2)HEAD}
nodes:
  out: head(tanh(body(x)))
  loss: mse_loss(out, y)
outputs: [out]
train:
  minimize: loss
  optimizer: OPTIMIZER
"""


def net(train: str = "", body: str = "true", head: str = "", rate: str = "sgd(0.1)") -> gf.Model:
    text = NET.replace("BODY", body).replace("HEAD", head).replace("OPTIMIZER", rate)
    return gf.loads(text + train)


def refused(train: str = "", **changes: str) -> gf.Diagnostic:
    with pytest.raises(gf.GraphflowError) as caught:
        net(train, **changes)
    (found,) = caught.value.diagnostics
    return found


def test_a_group_of_which_nothing_is_trained():
    group = "  groups: [{params: [body], lr_scale: 10}]\n"
    for found in (refused(group, body="false"), refused("  params: [head]\n" + group)):
        assert found.code == "GF041" and "nothing of body is trained" in found.message
        assert found.mark is not None and "groups" in found.mark.text
    net("  groups: [{params: [body], frozen: true}]\n", body="false")


def test_a_pattern_means_all_below_what_it_matches():
    (head, rest) = (
        net("  groups: [{params: ['*ead'], lr_scale: 10}]\n")
        .elaborated.training.objectives[0]
        .groups
    )
    assert head.params == ("head.weight", "head.bias")
    assert rest.params == ("body.weight", "body.bias")


def test_an_instance_of_which_exclude_leaves_nothing():
    found = refused(head=", weights: {file: w.npz, only: [bias], exclude: [bias]}")
    assert found.code == "GF041" and "leaves nothing of 'head'" in found.message


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    save_file({n: np.array(v) for n, v in net().parameters.items()}, path)
    return path


def test_a_choice_of_weights_that_leaves_nothing(weights: Path):
    with pytest.raises(gf.GraphflowError, match="GF041"):
        net().load_weights(weights, only="head", exclude=["head"])


def test_a_name_to_rename_that_the_file_lacks(weights: Path):
    with pytest.raises(gf.GraphflowError, match=r"no 'hed' to rename\n.*'head'"):
        net().load_weights(weights, rename={"hed": "head"})
    assert len(net().load_weights(weights, rename={"head": "head"}).matched) == 4


def test_a_runs_folder_and_a_checkpoint_are_no_weights_files(weights: Path):
    with pytest.raises(gf.GraphflowError, match=r"is a folder(.|\n)*graphflow export"):
        net().load_weights(weights.parent)
    extra = {"optimizer.head.bias.m": np.zeros(2)}
    save_file({**{n: np.array(v) for n, v in net().parameters.items()}, **extra}, weights)
    with pytest.raises(gf.GraphflowError, match=r"checkpoint(.|\n)*graphflow export"):
        net().load_weights(weights)


def test_the_instance_that_a_file_does_not_fit_is_named_at_its_place(tmp_path: Path):
    save_file({n: np.array(net().parameters[n]) for n in ("body.weight", "body.bias")},
              tmp_path / "w.safetensors")  # fmt: skip
    file = tmp_path / "net.yaml"
    text = NET.replace("BODY", "true, weights: w.safetensors").replace("OPTIMIZER", "sgd(0.1)")
    file.write_text(text.replace("HEAD", ", weights: w.safetensors"))
    with pytest.raises(gf.GraphflowError) as caught:
        gf.load(file).trainer().step({"x": np.ones((1, 3)), "y": np.ones((1, 2))})
    (found,) = caught.value.diagnostics
    assert "no 'head.weight'" in found.message
    assert found.mark is not None and "head:" in found.mark.text


def test_a_metric_is_offered_once():
    rate = "sgd(reduce_lr_on_plateau(0.1, 'test/lss'))"
    found = refused("  report: [loss]\n", rate=rate)
    assert found.help == "did you mean 'test/loss'?"


def test_a_function_is_no_callback():
    with pytest.raises(gf.GraphflowError, match=r"GF033(.|\n)*graphflow.Callback"):
        gf.train(gf.load("mlp"), callbacks=[lambda *a: 0])  # type: ignore[list-item]


def test_a_value_that_is_fed_and_not_finite_is_a_matter_of_data():
    program = net().compile(of="loss", plan="guarded")
    with pytest.raises(gf.GraphflowError, match=r"GF062(.|\n)*fill_missing"):
        program({"x": np.array([[1, np.nan, 2]]), "y": np.ones((1, 2))})
