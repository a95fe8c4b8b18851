"""``graphflow export`` to PyTorch, NumPy and safetensors, from files and runs."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphflow as gf
from graphflow.cli.app import main


def called(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    return ended.value.code


@pytest.mark.parametrize("format", ["pytorch", "numpy"])
def test_source_is_written_where_it_is_asked_for(format, tmp_path, capsys):
    out = tmp_path / "model.py"
    assert called("mlp", "--to", format, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(out)]}
    ast.parse(out.read_text())
    assert called("mlp", "--to", format, "--out", out) == 2
    assert "GF007" in capsys.readouterr().err
    assert called("mlp", "--to", format, "--out", out, "--force") == 0


def test_the_script_takes_a_float_type_and_sizes(tmp_path):
    out = tmp_path / "model.py"
    arguments = ("--dtype", "float64", "--sizes", "B=7", "--mode", "train")
    assert called("mlp", "--to", "numpy", "--out", out, *arguments) == 0
    text = out.read_text()
    assert "FLOAT = np.float64" in text and 'SIZES = {"B": 7}' in text and "rng.random(" in text


def test_options_that_mean_nothing_are_refused(tmp_path, capsys):
    assert called("mlp", "--to", "pytorch", "--mode", "train", "--out", tmp_path / "a.py") == 2
    assert "--to pytorch does not know --mode" in capsys.readouterr().err


def test_a_run_gives_its_trained_weights(tmp_path):
    outcome = gf.train(model := gf.load("softmax_regression"), steps=3, out=tmp_path / "run")
    assert outcome is not None
    out = tmp_path / "w.safetensors"
    assert called(tmp_path / "run", "--to", "safetensors", "--out", out) == 0
    found = load_file(out)
    assert list(found) == ["scores.bias", "scores.weight"]
    np.testing.assert_array_equal(found["scores.weight"], model.parameters["scores.weight"])
    source = tmp_path / "model.py"
    assert called(tmp_path / "run", "--to", "pytorch", "--out", source) == 0
    ast.parse(source.read_text())
