"""What tests of canned graphs share: where the files are, values of nodes, trainings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.gallery import list_graphs
from graphflow.training.feed import open_feed

GRAPHS = {entry.name: entry.path for entry in list_graphs()}
needs_data = pytest.mark.skipif(
    not os.environ.get("GRAPHFLOW_DATA"), reason="GRAPHFLOW_DATA names no folder with the data"
)


def losses(graph: str | Path, steps: int, **overrides: object) -> list[dict[str, float]]:
    """What the first steps of training report, for a canned graph or a file.

    A list of dictionaries, one a step: what `train: report:` names (the loss first), with
    `overrides` as `--set` gives them: losses("mlp", 20, **{"train.optimizer": "sgd(lr=1)"}).
    """
    path = GRAPHS[graph] if isinstance(graph, str) else graph
    model = gf.load(path, overrides)
    trainer = model.trainer()
    feed = open_feed(model.elaborated, path.parent, trainer.seed)
    found = []
    for epoch in range(steps):
        trainer.start_epoch(epoch)
        for fed, _ in feed.training(epoch):
            values = trainer.step(fed).values
            found.append({name: float(np.mean(value)) for name, value in values.items()})
            if len(found) == steps:
                return found
    raise AssertionError("no data")


def trained(name: str, **overrides: object) -> dict[str, float]:
    """The metrics that training a canned graph ends with."""
    return dict(gf.train(gf.load(GRAPHS[name], overrides)).metrics)


def values_of(
    graph: str | gf.Model, *nodes: str, dtype: str = "float32", **feed: object
) -> list[np.ndarray]:
    """Nodes of a canned graph or a model, on what is fed and otherwise on the inputs it has."""
    model = gf.load(GRAPHS[graph]) if isinstance(graph, str) else graph
    results = model.compile(of=nodes[0], keep=nodes, dtype=dtype)(feed)
    return [np.asarray(results.values[node]) for node in nodes]


def value_of(graph: str | gf.Model, node: str, **feed: object) -> np.ndarray:
    """One node, as ``values_of`` gives it."""
    return values_of(graph, node, **feed)[0]
