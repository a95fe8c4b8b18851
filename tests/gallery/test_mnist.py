"""Nets that read MNIST: the rows of graphs/RESULTS.md, each held to the bound that stands there."""

from __future__ import annotations

import re

import pytest

import graphflow as gf
from graphflow.gallery import root
from tests.gallery.training import GRAPHS, needs_data

COMMAND = re.compile(r"`(?P<name>\w+)(?P<sets>( --set \S+)*)( --epochs \d+)?`")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (root() / "RESULTS.md").read_text("utf-8").splitlines()
    if line.startswith("| 20")
]


def trained(command: str) -> tuple[str, dict[str, str]]:
    """The graph and the overrides of a command."""
    match = COMMAND.fullmatch(command)
    assert match is not None, command
    sets = match["sets"].split(" --set ")[1:]
    pairs = (item.partition("=") for item in sets)
    return match["name"], {key: value for key, _, value in pairs}


def test_every_net_of_the_table_has_the_parameters_that_it_says():
    assert len(ROWS) == 5
    for _, _, parameters, command, *_ in ROWS:
        name, sets = trained(command)
        model = gf.load(GRAPHS[name], {"data.source": "mnist", **sets})
        assert f"{sum(p.size for p in model.parameters.values()):,}" == parameters


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[3].strip("`"))
def test_a_net_reads_as_many_digits_as_the_table_promises(row):
    _, _, _, command, epochs, seed, *_, bound = row
    name, sets = trained(command)
    parts = {"train": 8000, "test": 2000}
    model = gf.load(GRAPHS[name], {"data.source": "mnist", "data.split": parts, **sets})
    result = gf.train(model, epochs=int(epochs), seed=int(seed))
    assert result.metrics["test/accuracy"] >= float(bound)
