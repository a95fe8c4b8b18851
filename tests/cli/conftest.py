from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphflow.cli import main

SMALL = """\
graphflow: 1
name: a small net with dropout
let: {hidden: 16}
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes:
  h: dropout(linear(x, hidden, activation=relu), 0.3)
  logits: linear(h, 10)
  loss: cross_entropy(logits, y)
  accuracy: mean(argmax(logits, axis=1) == y)
outputs: [logits]
data: {source: digits, feed: {x: pixels / 16, y: label}, split: {train: 0.8, test: 0.2}, batch: 64}
train: {minimize: loss, optimizer: adam(lr=1e-2), epochs: 2, report: [loss, accuracy]}
"""


@dataclass(frozen=True)
class Answer:
    """What one command line gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The last line of stdout as JSON."""
        return json.loads(self.out.splitlines()[-1])


Cli = Callable[..., Answer]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, out, err)

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file that trains in a fraction of a second."""
    path = tmp_path / "small net.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def walk(cli, monkeypatch):
    """The blocks of output that commands give, one for each step shown."""

    def run(commands, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{c}\n" for c in commands)))
        return cli("step", *arguments)

    return run
