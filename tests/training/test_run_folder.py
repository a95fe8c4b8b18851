"""Run folders: checkpoints that survive a kill, metrics read back."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.files import append_row, read_rows, write_atomically
from graphflow.run_entries import entry
from graphflow.training.learned import Learned
from graphflow.training.run_folder import Checkpoint, RunFolder
from graphflow.training.run_settings import RunSettings

LINE = """
graphflow: 1
name: line
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes:
  f: linear(x, 1)
  loss: mse_loss(f, y)
data: {source: synthetic_regression, n: 200, batch: 20, split: {train: 0.8, test: 0.2}}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 3}
"""

WRITER = """
import sys, numpy as np
from pathlib import Path
from graphflow.training.learned import Learned
from graphflow.training.run_folder import Checkpoint, RunFolder
from graphflow.training.run_settings import RunSettings
run = RunFolder(Path(sys.argv[1]))
for step in range(1, 10**6):
    run.save(step, Checkpoint({"w": np.full(200_000, step)}, {"step": step}))
    print(step, flush=True)
"""


def test_kill_during_a_checkpoint_never_loses_the_previous_one(tmp_path: Path):
    for wait in (0.05, 0.11, 0.17):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        finished = [1, *(int(row) for row in process.stdout.read().split())]
        process.wait()
        found = RunFolder(tmp_path).latest()
        step = found.progress["step"]
        assert isinstance(step, int) and step >= max(finished)
        assert (found.arrays["w"] == step).all()
        for _, file in list(RunFolder(tmp_path).checkpoints()):
            file.unlink()


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path):
    run = RunFolder(tmp_path)
    for step in (1, 2):
        run.save(step, Checkpoint({"w": np.arange(3) + step}, {"step": step}))
    (tmp_path / "checkpoints" / "step-00000002.safetensors").write_bytes(b"garbage")
    assert run.latest().progress["step"] == 1


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "f"
    write_atomically(file, b"old")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_line_left_unfinished_is_dropped_by_the_next_one(tmp_path: Path):
    file = tmp_path / "rows.jsonl"
    for torn in ("", '{"n": 7', '{"n": 0}\n{"n"'):
        file.write_text(torn)
        append_row(file, {"n": 1})
        assert [row["n"] for row in read_rows(file)] == [0, 1][-file.read_text().count("\n") :]
    file.write_text('{"n": 0}\n[1, 2\n')
    with pytest.raises(gf.GraphflowError, match=r"rows\.jsonl' cannot be read"):
        read_rows(file)


def test_the_metrics_of_a_run_are_read_as_rows(tmp_path: Path):
    gf.train(gf.loads(LINE), out=tmp_path / "run")
    file = tmp_path / "run" / "metrics.jsonl"
    with file.open("a") as log:
        log.write('{"epoch": 4, "st')  # a run killed while it wrote
    rows = RunFolder(tmp_path / "run").metrics()
    assert [(row.epoch, row.step) for row in rows] == [(1, 8), (2, 16), (3, 24)]
    assert all(set(row.metrics) == {"train/loss", "test/loss"} for row in rows)
    file.write_text("nonsense\n")
    with pytest.raises(gf.GraphflowError, match=r"metrics\.jsonl"):
        RunFolder(tmp_path / "run").metrics()


HOLDER = """
import sys, time
from pathlib import Path
from graphflow.training.run_folder import RunFolder
run = RunFolder(Path(sys.argv[1]))
run.hold()
print(run.in_use(), flush=True)
time.sleep(60)
"""


def test_a_run_at_work_is_not_resumed_and_one_that_was_killed_is_at_once(tmp_path: Path):
    folder = tmp_path / "run"
    gf.train(gf.loads(LINE), out=folder, epochs=1)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "True\n"
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert entry(folder).state == "running"
    with pytest.raises(gf.GraphflowError, match=r"GF064.*another process runs"):
        gf.resume(folder, epochs=2)
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert entry(folder).state == "complete"
    assert gf.resume(folder, epochs=2).progress.epoch == 2


def test_a_run_is_held_while_it_trains_and_no_longer(tmp_path: Path):
    folder, states = tmp_path / "run", []

    class Look(gf.Callback):
        def on_epoch(self, progress: object, metrics: object) -> None:
            states.append(entry(folder).state)
            with pytest.raises(gf.GraphflowError, match="another process runs"):
                gf.resume(folder)

    gf.train(gf.loads(LINE), out=folder, callbacks=[Look()], epochs=2)
    assert states == ["running", "running"]
    assert not RunFolder(folder).in_use()


def test_folds_at_work_are_not_resumed(tmp_path: Path):
    refused: list[str] = []

    class Again(gf.Callback):
        def on_end(self, outcome: object) -> None:
            assert entry(tmp_path / "folds").state == "running"
            with pytest.raises(gf.GraphflowError, match="another process runs"):
                gf.cross_validate(tmp_path / "folds")
            refused.append("")

    gf.cross_validate(gf.loads(LINE), 2, epochs=1, out=tmp_path / "folds", callbacks=[Again()])
    assert len(refused) == 2 and not RunFolder(tmp_path / "folds").in_use()


def test_a_torn_last_row_is_gone_after_a_resume(tmp_path: Path):
    gf.train(gf.loads(LINE), out=tmp_path, epochs=1)
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:20])
    gf.resume(tmp_path, epochs=3)
    assert [row.epoch for row in RunFolder(tmp_path).metrics()] == [2, 3]


@pytest.mark.parametrize(
    "content",
    ["[]", "null", "{", '{"seed": 1}', '{"overrides": [], "seed": 1}', '{"overrides": {"h": 4}}',
     *(f'{{"overrides": {{}}, {wrong}}}' for wrong in ('"seed": "abc"', '"log": 3', '"dtype": 4',
                                                       '"folder": null', '"epochs": -1'))],
)  # fmt: skip
def test_a_damaged_description_is_refused_by_name(content: str, tmp_path: Path):
    (tmp_path / "graph.yaml").write_text(LINE)
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(gf.GraphflowError, match=r"GF064.*run\.json'") as refused:
        gf.resume(tmp_path)
    assert "object has no" not in str(refused.value)


def test_each_field_of_settings_is_kept_and_read_again(tmp_path: Path):
    settings = RunSettings("a.yaml", "/x", {"h": "4"}, 3, "float64", "numpy", 2, 5, ("mlflow",))
    again = RunSettings.from_json(json.loads(json.dumps(settings.to_json())))
    assert again.to_json() == settings.to_json()


def test_a_changed_byte_of_a_checkpoint_is_noticed(tmp_path: Path):
    run = RunFolder(tmp_path)
    arrays = {"w": np.arange(9.0), "n": np.array(3), "none": np.zeros((0, 2)), "b": np.array(True)}
    file = run.save(1, Checkpoint(arrays, {"step": 1}))
    assert sorted(run.latest().arrays) == sorted(arrays)
    whole = file.read_bytes()
    for place in (len(whole) - 20, whole.index(rb"\"step\": 1") + 10):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(gf.GraphflowError, match=r"GF064[^$]*it is not as it was written"):
            run.latest()


STANDARDIZED = LINE.replace("test: 0.2}}", "test: 0.2}, transforms: [standardize(x)]}")


@pytest.mark.parametrize(
    "content",
    ['[["standardize", {}]]', '[["standardize", {"x": {"mean": [0, 0], "std": [1, 1]}}]]'],
)
def test_a_run_does_not_go_on_with_other_transforms(content: str, tmp_path: Path):
    gf.train(gf.loads(STANDARDIZED), out=tmp_path, epochs=1)
    (tmp_path / "transforms.json").write_text(content)
    with pytest.raises(gf.GraphflowError, match=r"GF064.*transforms\.json' is not what the run"):
        gf.resume(tmp_path, epochs=2)


@pytest.mark.parametrize("content", ['[["standardize", []]]', "[[]]", "{}", "3", "["])
def test_what_are_no_transforms_is_said_in_plain_words(content: str, tmp_path: Path):
    (tmp_path / "transforms.json").write_text(content)
    named = r"GF064.*transforms\.json' cannot be read"
    with pytest.raises(gf.GraphflowError, match=named) as refused:
        Learned.kept(tmp_path)
    assert "object" not in str(refused.value)


def test_transforms_that_were_deleted_are_learned_again(tmp_path: Path):
    gf.train(gf.loads(STANDARDIZED), out=tmp_path, epochs=1)
    kept = (tmp_path / "transforms.json").read_bytes()
    (tmp_path / "transforms.json").unlink()
    gf.resume(tmp_path, epochs=2)
    assert (tmp_path / "transforms.json").read_bytes() == kept


@pytest.mark.parametrize("write", [write_atomically, lambda file, _: append_row(file, {})])
def test_what_cannot_be_written_is_named(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = tmp_path / "run.json"
    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(OSError, match="No space left") as failed:
        write(file, b"{}")
    assert failed.value.filename == str(file)
