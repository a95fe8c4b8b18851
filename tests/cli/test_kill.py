"""A run that is killed again and again ends in the same bits as one that nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphflow as gf
from graphflow.training.run_folder import RunFolder

FILE = """
graphflow: 1
name: everything that could go wrong
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes:
  h:
    from: x
    through:
      - linear(48, activation=relu)
      - batch_norm
      - dropout(0.4)
      - linear(48, activation=relu)
      - batch_norm
      - dropout(0.4)
  logits: linear(h, 10)
  loss: cross_entropy(logits, y)
  accuracy: mean(argmax(logits, axis=1) == y)
outputs: [logits]
data:
  source: digits
  feed: {x: pixels / 16, y: label}
  split: {train: 0.6, test: 0.4}
  batch: 10
train:
  minimize: loss
  optimizer: adam(lr=exponential_lr(2e-3, 0.9995))
  accumulate: 2
  clip_norm: 1.0
  average: ema(decay=0.98)
  history: [accuracy]
  epochs: 60
  report: [loss, accuracy]
  best: {metric: test/accuracy, mode: max}
  early_stopping: {metric: test/loss, patience: 15, restore_best: true}
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
GRAPHFLOW = [sys.executable, "-c", "from graphflow.cli import main; main()", "run"]


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GRAPHFLOW, *map(str, arguments)], cwd=folder, env=ENVIRONMENT, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err


def newest(run: Path) -> int:
    return max((step for step, _ in RunFolder(run).checkpoints()), default=-1)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_ten_kills_at_random_moments_change_nothing(tmp_path: Path, how: signal.Signals):
    file, part, whole = (tmp_path / name for name in ("net.yaml", "part", "whole"))
    file.write_text(FILE)
    finished(start(tmp_path, file, "--out", whole))
    moments, reached = random.Random(int(how)), []
    for kill in range(10):
        begin = (file, "--out", part) if not (part / "graph.yaml").exists() else ("--resume", part)
        before = newest(part)
        process = start(tmp_path, *begin, "--save-every", "0.02")
        if kill % 2:  # any moment at all, or one at which it is known to train
            time.sleep(moments.uniform(0, 2.5))
        else:
            while newest(part) <= before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.5))
        process.send_signal(how)
        process.communicate(timeout=60)
        assert process.returncode != 0, "it was over before it could be killed"
        reached.append(newest(part))
    assert len(set(reached)) > 4, "it was killed at different steps"
    finished(start(tmp_path, "--resume", part))
    for name in (f"step-{newest(whole):08d}.safetensors", "best.safetensors"):
        one, other = (load_file(run / "checkpoints" / name) for run in (part, whole))
        assert one.keys() == other.keys()
        assert all(one[leaf].tobytes() == other[leaf].tobytes() for leaf in one)
    assert (part / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    histories = [RunFolder(run).history("accuracy") for run in (part, whole)]
    assert all(np.array_equal(a, b) for a, b in zip(*histories, strict=True))
    results = [gf.load_run(run) for run in (part, whole)]
    for name in results[0].parameters:
        assert np.array_equal(results[0].parameters[name], results[1].parameters[name])
