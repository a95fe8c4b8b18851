"""A worker's end of the connection, without a process."""

from __future__ import annotations

import errno
import io
import json
import os

import pytest

from graphflow.tuning.worker import Job, Line, Reporter, train

LINE = """
graphflow: 1
name: line
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes: {loss: "mse_loss(linear(x, 1), y)"}
data: {source: synthetic_regression, n: 40, batch: 20, split: {train: 0.8, test: 0.2}}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1}
"""
JOB = Job(0, "folder", "source", "file", {}, "float32", until=4, known=1)


@pytest.mark.parametrize("incoming", ["", '{"stop": true}\n{"go": true}\n'])
def test_a_line_that_has_ended_gives_nothing_however_often_it_is_asked(incoming):
    line = Line.of(io.StringIO(incoming), io.StringIO())
    assert line.receive() is None and line.receive() is None
    assert line.stopping.is_set()


def test_an_epoch_is_told_once_and_the_answer_ends_the_trial():
    reading, writing = os.pipe()
    with os.fdopen(reading) as incoming, os.fdopen(writing, "w") as answers:
        told = io.StringIO()
        reporter = Reporter(Line.of(incoming, told), JOB)
        reporter.tell(1, {"test/loss": 3.0})  # known already
        answers.write('{"go": true}\n{"go": false}\n')
        answers.flush()
        reporter.tell(2, {"test/loss": 2.0})
        assert not reporter.dropped
        reporter.tell(2, {"test/loss": 2.0})
        reporter.tell(3, {"test/loss": 1.0})
        assert reporter.dropped
        reporter.tell(4, {"test/loss": 0.0})
    assert told.getvalue().splitlines() == [
        '{"trial": 0, "epoch": 2, "metrics": {"test/loss": 2.0}}',
        '{"trial": 0, "epoch": 3, "metrics": {"test/loss": 1.0}}',
    ]


def test_nobody_there_to_read_is_a_reason_to_stop():
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    reading, writing = os.pipe()
    with os.fdopen(reading) as incoming, os.fdopen(writing, "w"):
        line = Line.of(incoming, Closed())
        line.send({"trial": 0})
        assert line.stopping.is_set()


def test_a_full_disk_fails_the_trial_and_names_the_file_that_was_written(tmp_path, monkeypatch):
    def full(file, *parts):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

    (tmp_path / "net.yaml").write_text(LINE)
    job = Job(0, str(tmp_path / "run"), str(tmp_path / "net.yaml"), str(tmp_path / "net.yaml"), {},
              "float32", until=1)  # fmt: skip
    monkeypatch.setattr("graphflow.training.run_folder.write_atomically", full)
    reading, writing = os.pipe()
    with os.fdopen(reading) as incoming, os.fdopen(writing, "w"):
        line = Line.of(incoming, told := io.StringIO())
        train(line, job)
        monkeypatch.undo()
        line.inbox.put({"go": True})
        train(line, job)  # what the first has left is no run
    first, *_, last = map(json.loads, told.getvalue().splitlines())
    file = tmp_path / "run" / "run.json"
    assert first["message"] == f"GF007: '{file}': No space left on device"
    assert first["ended"] == "failed" and last == {"trial": 0, "ended": "reached", "message": ""}
