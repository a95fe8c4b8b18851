"""Problems with data are placed at the option they are problems with."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError

FILE = """graphflow: 1
name: a fit
inputs: {{x: {{shape: [B]}}}}
params: {{w: {{shape: [], init: ones}}}}
nodes: {{loss: mean((x - w) ** 2)}}
data:
  source: {source}
  {option}
  feed:
    x: '{column}'
train: {{minimize: loss, optimizer: sgd(0.1), epochs: 1}}
"""


def marked(source: str, option: str, column: str = "x") -> str:
    """The marked text of the first diagnostic."""
    text = FILE.format(source=source, option=option, column=column)
    with pytest.raises(GraphflowError) as caught:
        gf.train(gf.loads(text))
    mark = caught.value.diagnostics[0].mark
    assert mark is not None
    return mark.text.strip()


@pytest.mark.parametrize("source", ["csv", "npz", "text"])
def test_a_missing_file_is_placed_at_its_path(source):
    assert marked(source, "path: none.csv") == "path: none.csv"


@pytest.mark.parametrize("shares", ["train: 0.8, test: 0.3", "train: 1, test: 1e-9"])
def test_a_wrong_split_is_placed_at_the_split(shares):
    option = f"split: {{{shares}}}"
    assert marked("moons", option, "x[:, 0]") == option
