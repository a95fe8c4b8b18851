"""What a run that stops at a loss which is not finite says about its data."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphflow as gf

LINE = """
graphflow: 1
name: line
inputs: {x: [B], y: [B]}
params: {w: {shape: scalar, init: 1}}
nodes: {loss: "mean((w * x - y) ** 2)"}
data: {source: csv, path: rows.csv, feed: {x: x, y: y}, batch: 2}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1}
"""


@pytest.mark.parametrize(
    ("cell", "words"), [("inf", "holds infinite numbers"), ("", "values are missing")]
)
def test_infinite_numbers_are_not_missing_ones(tmp_path: Path, cell: str, words: str):
    (tmp_path / "line.yaml").write_text(LINE)
    (tmp_path / "rows.csv").write_text(f"x,y\n1.5,2\n{cell},3\n")
    with pytest.raises(gf.GraphflowError, match=words):
        gf.train(gf.load(tmp_path / "line.yaml"))
