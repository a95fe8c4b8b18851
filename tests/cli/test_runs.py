"""``graphflow runs``: listing, sorting and comparing what lies in run folders."""

from __future__ import annotations

import json

import pytest

import graphflow as gf


@pytest.fixture
def three(cli, small):
    """A short run, a longer and narrower one, and a cross-validation."""
    cli("run", small, "--epochs", 1, "--out", "runs/a")
    cli("run", small, "--set", "hidden=4", "--set", "train.best={metric: test/accuracy, mode: max}",
        "--out", "runs/b")  # fmt: skip
    cli("run", small, "--folds", 2, "--epochs", 1, "--out", "runs/c")
    return cli


def last(tmp_path, run):
    rows = (tmp_path / "runs" / run / "metrics.jsonl").read_text().splitlines()
    return json.loads(rows[-1])["metrics"]


def test_runs_are_listed_with_their_state_and_metrics(three, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    found = {row["run"]: row for row in three("runs", "--json").json["runs"]}
    assert list(found) == ["runs/a", "runs/b", "runs/c"]
    assert [row["state"] for row in found.values()] == ["complete"] * 3
    assert [(row["epochs"], row["steps"]) for row in found.values()] == [(1, 23), (2, 46), (2, 24)]
    assert found["runs/b"]["metrics"]["test/loss"] == last(tmp_path, "b")["test/loss"]
    assert found["runs/a"]["best"] == {
        "metric": "test/loss", "value": last(tmp_path, "a")["test/loss"], "epoch": 1,
    }  # fmt: skip
    assert found["runs/b"]["best"]["metric"] == "test/accuracy"
    summary = json.loads((tmp_path / "runs" / "c" / "summary.json").read_text())
    mean = summary["metrics"]["validation/loss"]["mean"]
    assert found["runs/c"]["metrics"]["validation/loss"] == mean
    shown = three("runs").out
    assert all(name in shown for name in ("state", "complete", "test/loss", "\n a ", "\n b "))
    folds = three("runs", "runs/c", "--json").json["runs"]
    assert [row["run"] for row in folds] == ["runs/c/fold-1", "runs/c/fold-2"]


def test_sorting_puts_the_best_first(three):
    runs = three("runs", "--json").json["runs"]
    for metric, best in (("test/loss", min), ("test/accuracy", max)):
        found = three("runs", "--sort", metric, "--json").json["runs"]
        assert found[0]["metrics"][metric] == best(run["metrics"][metric] for run in runs)
    assert three("runs", "--sort", "validation/loss", "--json").json["runs"][0]["run"] == "runs/c"
    by_steps = three("runs", "--sort", "steps", "--json").json["runs"]
    assert [run["steps"] for run in by_steps] == [23, 24, 46]
    slip = three("runs", "--sort", "test/los")
    assert slip.code == 2 and "did you mean 'test/loss'" in slip.err


def test_runs_are_compared(three, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    found = three("runs", "runs/a", "runs/b", "--json").json
    assert found["settings"]["set hidden"] == [None, "4"]
    assert found["settings"]["epochs"] == ["1", None] and "seed" not in found["settings"]
    assert found["metrics"]["test/loss"] == [last(tmp_path, r)["test/loss"] for r in "ab"]
    (lines,) = found["graphs"]
    assert "-    shape: [16, 64]" in lines and "+    shape: [4, 64]" in lines
    shown = three("runs", "runs/a", "runs/b")
    assert shown.code == 0 and "set hidden" in shown.out and "+    shape: [4, 64]" in shown.out
    assert "agree" in three("runs", "runs/a", "runs/a").out


def test_runs_that_did_not_end_say_so(cli, small, tmp_path):
    class Stop(gf.Callback):
        def on_step(self, progress, values):
            if progress.step == 5:
                progress.stop()

    gf.train(gf.load(small), out=tmp_path / "runs" / "a", callbacks=[Stop()])
    (run,) = cli("runs", "--json").json["runs"]
    assert (run["state"], run["steps"], run["metrics"]) == ("stopped", 5, {})
    for file in (tmp_path / "runs" / "a" / "checkpoints").iterdir():
        file.unlink()
    (run,) = cli("runs", "--json").json["runs"]
    assert (run["state"], run["steps"]) == ("unfinished", 0)
    cli("run", "--resume", "runs/a")
    assert cli("runs", "--json").json["runs"][0]["state"] == "complete"


def test_a_damaged_run_hides_no_other(three, tmp_path):
    (tmp_path / "runs" / "a" / "metrics.jsonl").write_text("[1, 2]\n")
    (tmp_path / "runs" / "c" / "run.json").write_text("null")
    found = {row["run"]: row["state"] for row in three("runs", "--json").json["runs"]}
    assert found == {"runs/a": "damaged", "runs/b": "complete", "runs/c": "damaged"}
    assert three("runs").code == 0 and three("runs").out.count("damaged") == 2
    for sort in ("test/loss", "started"):
        assert three("runs", "--sort", sort).code == 0
    alone = three("runs", "runs/a")
    assert alone.code == 2 and "GF064" in alone.err and "runs/a/metrics.jsonl" in alone.err
    assert "runs/c/run.json" in three("run", "--resume", "runs/c").err


def test_folders_without_runs(cli, tmp_path):
    assert cli("runs").code == 2
    (tmp_path / "runs").mkdir()
    answer = cli("runs")
    assert answer.code == 0 and "no runs in 'runs'" in answer.err
    assert cli("runs", "--json").json == {"runs": []}
    assert "GF064" in cli("runs", "runs", "elsewhere").err
    assert "GF064" in cli("runs", "--sort", "test/loss").err


def test_a_run_is_shown_stepped_through_and_exported_as_it_was_trained(cli, small, tmp_path):
    cli("run", small, "--epochs", 1, "--out", "run")
    assert cli("show", "run").code == 0
    stepped, fresh = cli("step", "run", "--all"), cli("step", small, "--all")
    assert stepped.code == fresh.code == 0
    assert stepped.out != fresh.out and len(stepped.out) > 1000
    assert cli("export", "run", "--to", "safetensors").code == 0
    assert cli("check", "run").code == 0
    assert "GF006" in cli("show", "run", "--set", "hidden=3").err
    again = cli("run", "run")
    assert again.code == 2 and "--resume run" in again.err
