"""``graphflow run --weights``: a run that begins with the weights of another model."""

from __future__ import annotations

import numpy as np

import graphflow as gf


def test_a_run_begins_with_weights_and_says_which(cli, small, tmp_path):
    other = gf.load(small)
    other.save_weights(tmp_path / "w.safetensors")
    name = next(iter(other.parameters))
    layer = name.rpartition(".")[0]
    answer = cli("run", small, "--weights", "w.safetensors", "--only", layer, "--steps", 0,
                 "--seed", 5, "--out", "one")  # fmt: skip
    assert answer.code == 0
    assert "w.safetensors: 2 matched" in answer.err
    begun, fresh = gf.load_run(tmp_path / "one"), gf.load(small)
    fresh.seed = 5
    for each, value in begun.parameters.items():
        expected = other if each.startswith(layer) else fresh
        np.testing.assert_array_equal(value, expected.parameters[each])


def test_weights_that_do_not_fit_leave_no_run_behind(cli, small, tmp_path):
    gf.load(small, {"hidden": 3}).save_weights(tmp_path / "w.safetensors")
    answer = cli("run", small, "--weights", "w.safetensors")
    assert answer.code == 2 and "of another shape" in answer.err and "exclude" in answer.err
    assert not (tmp_path / "runs").exists()


def test_what_does_not_go_together_is_refused(cli, small, tmp_path):
    gf.load(small).save_weights(tmp_path / "w.npz")
    assert "choose from --weights" in cli("run", small, "--only", "h.*").err
    answer = cli("run", small, "--weights", "w.npz", "--folds", 2)
    assert answer.code != 0 and "folds are several" in answer.err
    assert cli("run", small, "--steps", 1, "--out", "one").code == 0
    answer = cli("run", "--resume", "one", "--weights", "w.npz")
    assert answer.code != 0 and "own weights" in answer.err
