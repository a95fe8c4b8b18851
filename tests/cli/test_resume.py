"""``graphflow run --resume`` where data, checkpoints or the end of training are in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphflow.training.run_folder import RunFolder
from tests.training.test_data_identity import TABLE, write


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write(tmp_path, 40)
    file = tmp_path / "table.yaml"
    file.write_text(TABLE)
    return file


def test_naming_the_file_goes_on_with_data_as_they_are_now(cli, table: Path, tmp_path: Path):
    assert cli("run", table, "--out", "run").code == 0
    write(tmp_path, 33)
    refused = cli("run", "--resume", "run", "--epochs", 2)
    assert refused.code == 2 and "graphflow run FILE --resume run" in refused.err
    assert cli("run", table, "--resume", "run", "--epochs", 2).code == 0
    assert cli("run", "--resume", "run", "--epochs", 3).code == 0


def test_the_command_tells_of_them(cli, table: Path, tmp_path: Path):
    cli("run", table, "--out", "run")
    for _, file in RunFolder(tmp_path / "run").checkpoints():
        file.unlink()
    assert "no checkpoint: the run begins anew" in cli("run", "--resume", "run").err


def test_a_run_that_was_stopped_early_says_what_extends_it(cli, table: Path):
    stopping = ("--set", "train.early_stopping={metric: test/loss, patience: 2, min_delta: 1e9}")
    cli("run", table, "--out", "run", "--epochs", 9, *stopping)
    again = cli("run", "--resume", "run", "--epochs", 20)
    assert "stopped early" in again.err
    assert "FILE --resume run --set train.early_stopping.patience=N" in again.err
    more = stopping[1].replace("patience: 2", "patience: 4")
    found = cli("run", table, "--resume", "run", "--set", more, "--json").json
    assert found["epochs"] == 5 and found["stopped_early"]
