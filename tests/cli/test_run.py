"""``graphflow run``: what is printed, what is kept, and going on with a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphflow as gf


def parameters(run):
    """The arrays of a run's newest checkpoint."""
    return load_file(sorted((run / "checkpoints").iterdir())[-1])


def identical(one, other):
    a, b = parameters(one), parameters(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_run_says_how_it_went_and_leaves_a_folder(cli, small, tmp_path):
    answer = cli("run", small)
    assert answer.code == 0
    assert [line.split("  ")[0] for line in answer.err.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert "train/loss" in answer.out and "test/accuracy" in answer.out
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("small-net-2")
    assert "46 steps, 2 epochs" in answer.out and str(folder.relative_to(tmp_path)) in answer.out
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2


def test_json_is_one_object_on_the_last_line(cli, small):
    found = cli("run", small, "--json").json
    assert found.keys() == {
        "run", "steps", "epochs", "metrics", "seconds", "interrupted", "stopped_early", "best",
        "restored",
    }  # fmt: skip
    assert (found["steps"], found["epochs"], found["interrupted"]) == (46, 2, False)
    assert found["metrics"].keys() == {
        "train/loss", "train/accuracy", "test/loss", "test/accuracy",
    }  # fmt: skip
    assert found["metrics"]["test/accuracy"] > 0.7


def test_epochs_steps_and_overrides(cli, small):
    assert cli("run", small, "--epochs", 1, "--json").json["steps"] == 23
    found = cli("run", small, "--steps", 5, "--set", "hidden=8", "--json").json
    assert found["steps"] == 5 and "test/loss" in found["metrics"]
    assert cli("run", small, "--set", "train.epochs=3", "--json").json["epochs"] == 3
    assert cli("run", small, "--steps", 0, "--json").json["steps"] == 0


def test_the_report_names_the_best_epoch(cli, small):
    early = ("--set", "train.early_stopping={metric: test/accuracy, mode: max, patience: 1}")
    answer = cli("run", small, "--epochs", 30, *early, "--json")
    found = answer.json
    assert found["stopped_early"] and found["epochs"] == found["best"]["epoch"] + 1 < 30
    again = cli("run", "--resume", found["run"])
    assert "the run is stopped early" in again.err
    assert f"best was epoch {found['best']['epoch']} with test/accuracy" in again.out


def test_what_is_refused_leaves_no_folder(cli, small, tmp_path):
    assert cli("run", small, "--memory", "1kB").code == 2
    assert cli("run", small, "--memory", "1kB", "--out", "run").code == 2
    assert [path.name for path in tmp_path.iterdir()] == [small.name]


def test_without_data_steps_are_counted_in_all(cli, tmp_path):
    path = tmp_path / "drawn.yaml"
    path.write_text(
        "graphflow: 1\nname: drawn\nparams: {w: {shape: [3], init: zeros}}\n"
        "nodes: {x: 'normal([3])', loss: mean((x - w) ** 2)}\n"
        "train: {minimize: loss, optimizer: adam(lr=0.1), steps: 4}\n"
    )
    assert cli("run", path, "--json").json["steps"] == 4
    assert "4 steps, " in (said := cli("run", path).out) and "epoch" not in said
    assert cli("run", path, "--epochs", 3, "--json").json["steps"] == 3
    assert cli("run", path, "--steps", 5, "--out", "part", "--json").json["steps"] == 5
    assert cli("run", "--resume", "part", "--steps", 9, "--json").json["steps"] == 9
    cli("run", path, "--steps", 9, "--out", "whole")
    assert identical(tmp_path / "part", tmp_path / "whole")
    answer = cli("run", path, "--set", "train.best=train/loss")
    assert answer.code == 2 and "GF020" in answer.err and "no epochs" in answer.err


def test_a_log_is_kept_and_goes_on_with_the_run(cli, small, tmp_path):
    cli("run", small, "--epochs", 1, "--log", "tensorboard", "--out", "run")
    assert cli("run", "--resume", "run", "--epochs", 2).code == 0
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2
    answer = cli("run", small, "--log", "wandb")
    assert answer.code == 2 and "tensorboard, mlflow" in answer.err


def test_folds(cli, small, tmp_path):
    answer = cli("run", small, "--folds", 3, "--epochs", 1, "--out", "all")
    assert answer.code == 0 and "fold 3/3" in answer.err
    assert "validation/accuracy" in answer.out and "3 folds" in answer.out
    found = cli("run", "--resume", "all", "--json").json
    assert [fold["epochs"] for fold in found["folds"]] == [1, 1, 1]
    assert found["metrics"]["test/loss"]["mean"] > 0
    extended = cli("run", "--resume", "all", "--epochs", 2, "--json").json
    assert extended["epochs"] == [2, 2, 2]
    assert cli("run", "--resume", "all/fold-2", "--epochs", 3, "--json").json["epochs"] == 3
    assert "GF033" in cli("run", small, "--folds", 1).err


def test_the_kept_graph_is_the_one_that_ran(cli, small, tmp_path):
    cli("run", small, "--steps", 1, "--set", "hidden=8", "--seed", 7, "--out", "run")
    model = gf.load(tmp_path / "run" / "graph.yaml")
    assert model.parameters["h.linear.weight"].shape == (8, 64)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (about["overrides"], about["seed"], about["dtype"]) == ({"hidden": "8"}, 7, "float32")


def test_the_seed_decides(cli, small, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        cli("run", small, "--epochs", 1, "--seed", seed, "--out", name)
    assert identical(tmp_path / "a", tmp_path / "b")
    assert not identical(tmp_path / "a", tmp_path / "c")


def test_dtype(cli, small, tmp_path):
    cli("run", small, "--steps", 2, "--dtype", "float64", "--out", "run")
    assert parameters(tmp_path / "run")["h.linear.weight"].dtype == np.float64
    cli("run", "--resume", "run", "--steps", 3)
    assert parameters(tmp_path / "run")["h.linear.weight"].dtype == np.float64


@pytest.mark.parametrize("steps", [1, 22, 23, 30])
def test_a_resumed_run_is_the_uninterrupted_one(cli, small, tmp_path, steps):
    whole = cli("run", small, "--out", "whole", "--json").json
    cli("run", small, "--steps", steps, "--out", "part")
    resumed = cli("run", "--resume", "part", "--epochs", 2, "--json").json
    assert (resumed["steps"], resumed["metrics"]) == (whole["steps"], whole["metrics"])
    assert identical(tmp_path / "whole", tmp_path / "part")
    metrics = [(tmp_path / run / "metrics.jsonl").read_text() for run in ("whole", "part")]
    assert metrics[0] == metrics[1]


def test_a_complete_run_can_be_extended(cli, small, tmp_path):
    cli("run", small, "--out", "run")
    again = cli("run", "--resume", "run", "--json")
    assert again.json["steps"] == 46 and "complete" in again.err
    assert cli("run", "--resume", "run", "--epochs", 3, "--json").json["steps"] == 69
    assert cli("run", "--resume", "run", "--json").json["epochs"] == 3
    cli("run", small, "--epochs", 3, "--out", "whole")
    assert identical(tmp_path / "run", tmp_path / "whole")


def test_a_run_without_a_checkpoint_begins_again(cli, small, tmp_path):
    cli("run", small, "--out", "whole")
    cli("run", small, "--out", "run")
    for file in (tmp_path / "run" / "checkpoints").iterdir():
        file.unlink()
    assert cli("run", "--resume", "run").code == 0
    assert identical(tmp_path / "run", tmp_path / "whole")
    metrics = [(tmp_path / run / "metrics.jsonl").read_text() for run in ("whole", "run")]
    assert metrics[0] == metrics[1]


def test_resuming_with_the_file(cli, small, tmp_path):
    cli("run", small, "--epochs", 1, "--set", "hidden=8", "--out", "run")
    assert cli("run", small, "--resume", "run", "--epochs", 2, "--json").json["steps"] == 46
    cli("run", small, "--epochs", 2, "--set", "hidden=8", "--out", "whole")
    assert identical(tmp_path / "run", tmp_path / "whole")
    other = cli("run", small, "--resume", "run", "--set", "hidden=4")
    assert other.code == 2 and "h.linear" in other.err


def test_data_beside_the_file_are_found_again(cli, tmp_path):
    folder = tmp_path / "lesson"
    folder.mkdir()
    (folder / "points.csv").write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(20)))
    (folder / "line.yaml").write_text(
        "graphflow: 1\nname: line\ninputs: {x: {shape: [B]}, y: {shape: [B]}}\n"
        "params: {w: {shape: scalar, init: zeros}}\nnodes: {loss: mean((w * x - y) ** 2)}\n"
        "data: {source: csv, path: points.csv, feed: {x: x, y: y}, batch: 5}\n"
        "train: {minimize: loss, optimizer: sgd(lr=1e-3), epochs: 2}\n"
    )
    assert cli("run", folder / "line.yaml", "--steps", 2, "--out", "run").code == 0
    assert cli("run", "--resume", "run", "--epochs", 2, "--json").json["steps"] == 8


def test_data_given_on_the_command_line(cli, tmp_path):
    path = tmp_path / "norm.yaml"
    path.write_text(
        "graphflow: 1\nname: norm\ninputs: {real: {shape: [B, 64]}}\n"
        "params: {w: {shape: [64], init: zeros}}\nnodes: {loss: mean((real - w) ** 2)}\n"
        "train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 3}\n"
    )
    bare = cli("run", path)
    assert bare.code == 2 and "GF078" in bare.err
    answer = cli(
        "run", path, "--set", "data.source=digits", "--set", "data.feed.real=pixels / 8 - 1",
        "--out", "run", "--json",
    )  # fmt: skip
    assert answer.json["steps"] == 3
    assert cli("run", "--resume", "run", "--steps", 5, "--json").json["steps"] == 5


def test_a_canned_graph_by_name(cli):
    assert cli("run", "mlp", "--steps", 2, "--json").json["run"].startswith("runs/mlp-")


def test_a_graph_that_is_not_trained(cli):
    answer = cli("run", "xyz")
    assert answer.code == 2 and "GF067" in answer.err and "help: add train:" in answer.err
    assert "graphflow step computes it" in answer.err


def test_numbers_that_json_lacks_are_null(cli, tmp_path):
    path = tmp_path / "huge.yaml"
    path.write_text(
        "graphflow: 1\nname: huge\ninputs: {x: {shape: [B, 2]}}\n"
        "params: {w: {shape: scalar, init: zeros}}\n"
        "nodes: {loss: mean((x - w) ** 2), inverse: 1 / (loss - loss)}\n"
        "data: {source: blobs, feed: {x: x}}\n"
        "train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 1, report: [inverse]}\n"
    )
    assert cli("run", path, "--json").json["metrics"]["train/inverse"] is None


def test_a_loss_that_is_not_finite_ends_the_run(cli, small):
    wild = ("run", small, "--set", "train.optimizer=sgd(lr=1e30)", "--epochs", 1)
    answer = cli(*wild)
    assert answer.code == 2 and "GF062" in answer.err and "--guard" in answer.err
    assert "first value that is not finite" in cli(*wild, "--guard").err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], "GF006", "missing argument"),
        (["FILE", "--backend", "abacus"], "GF069", "abacus"),
        (["FILE", "--dtype", "int"], "GF031", "float32"),
        (["FILE", "--memory", "1kB"], "GF060", "memory"),
        (["FILE", "--memory", "much"], "GF006", "4GB"),
        (["FILE", "--epochs", "-1"], "GF006", "--epochs"),
        (["FILE", "--set", "hidden"], "GF025", "name=value"),
        (["FILE", "--set", "hiden=3"], "GF020", "hidden"),
        (["FILE", "--set", "data.source=digit"], "GF070", "digits"),
        (["FILE", "--out", "done"], "GF064", "--resume done"),
        (["--resume", "nowhere"], "GF064", "nowhere"),
        (["--resume", "done", "--seed", "5"], "GF064", "seed 0, not 5"),
        (["--resume", "done", "--dtype", "float64"], "GF064", "float32"),
        (["--resume", "done", "--out", "x"], "GF006", "--out"),
        (["--resume", "done", "--set", "hidden=3"], "GF006", "FILE"),
    ],
)
def test_what_does_not_fit_is_refused(cli, small, arguments, code, words):
    if "done" in arguments:
        cli("run", small, "--steps", 1, "--out", "done")
    answer = cli("run", *(str(small) if a == "FILE" else a for a in arguments), "--json")
    assert answer.code == 2
    assert code in answer.err and words in answer.err
    assert [e["code"] for e in answer.json["errors"]] == [code]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seed": 0}', "nonsense"])
def test_a_damaged_record_of_a_run(cli, small, tmp_path, text):
    cli("run", small, "--steps", 1, "--out", "run")
    (tmp_path / "run" / "run.json").write_text(text)
    answer = cli("run", "--resume", "run")
    assert answer.code == 2 and "GF064" in answer.err and "run.json" in answer.err


def test_a_run_of_an_older_version_goes_on(cli, small, tmp_path):
    cli("run", small, "--steps", 1, "--out", "run")
    file = tmp_path / "run" / "run.json"
    about = json.loads(file.read_text())
    del about["log"]
    file.write_text(json.dumps(about))
    assert cli("run", "--resume", "run", "--steps", 2, "--json").json["steps"] == 2


def test_missing_values_that_are_fed_are_named(cli, tmp_path):
    np.savez(tmp_path / "gaps.npz", x=np.array([[1.0], [np.nan], [2.0]]), y=np.ones((3, 1)))
    (tmp_path / "gaps.yaml").write_text("""
graphflow: 1
name: gaps
inputs: {x: {shape: [B, 1]}, y: {shape: [B, 1]}}
nodes: {guess: "linear(x, 1)", loss: "mse_loss(guess, y)"}
data: {source: npz, path: gaps.npz, batch: 3}
train: {minimize: loss, optimizer: sgd(lr=0.1)}
""")
    answer = cli("run", tmp_path / "gaps.yaml")
    assert answer.code == 2 and "GF062" in answer.err
    assert "fed to 'x'" in answer.err and "fill_missing" in answer.err


def test_a_bucket_is_an_amount_of_memory(cli):
    refused = cli("run", "mlp", "--workers", "2", "--bucket", "much")
    assert refused.code == 2
    assert "GF006" in refused.err and "'much' is not an amount of memory" in refused.err
