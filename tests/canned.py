"""The canned graphs as parameters of tests: a few of every kind at once, all of them as slow tests.

``pytest -m "" -k NAME`` runs every test of one graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest

from graphflow.gallery import list_graphs

CHOSEN = {
    "sigmoid_neuron", "coin_toss", "linear_regression_scratch", "softmax_regression", "mlp",
    "mlp_math", "momentum_2d", "airfoil", "lenet_sigmoid", "lstm", "gan", "q_learning",
}  # fmt: skip
"""What differs in kind: loops, states, draws, players, data, runs, layers, formulas."""
HEAVY = {"gpt", "resnet18", "seq2seq", "style_transfer", "transformer", "translator"}
"""Graphs of hundreds of nodes."""


def few() -> list[str]:
    """The chosen graphs, and the shortest file of every topic."""
    light = [entry for entry in list_graphs() if entry.name not in HEAVY]
    by_topic = groupby(light, key=lambda entry: entry.topic)
    shortest = {min(e, key=lambda entry: entry.path.stat().st_size).name for _, e in by_topic}
    return sorted(CHOSEN | shortest)


def graphs(quick: Iterable[str] = ()) -> list[object]:
    """All canned graphs; those that are not among ``quick``, or the few, are slow."""
    names, chosen = [entry.name for entry in list_graphs()], set(quick or few())
    marks = {name: () if name in chosen else pytest.mark.slow for name in names}
    return [pytest.param(name, marks=marks[name]) for name in names]
