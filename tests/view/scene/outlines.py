"""Outlines of canned graphs and of texts, with the graph that is stepped through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from graphflow.api import loads
from graphflow.ir.graph import Graph
from graphflow.model import Model
from graphflow.view.choosing import choose_to_look, compiled
from graphflow.view.opening import open_model
from graphflow.view.recording.limits import Limits
from graphflow.view.scene import Outline, outlined
from graphflow.view.workspace import Workspace

LAYERS = """
graphflow: 1
name: layers
inputs: {x: {shape: [4, 16]}}
blocks:
  layer:
    inputs: [x]
    nodes:
      q: linear(x, 16)
      k: linear(x, 16)
      v: linear(x, 16)
      a: softmax(q @ transpose(k)) @ v
      n: layer_norm(x + a)
      out: layer_norm(n + linear(relu(linear(n, 32)), 16))
    outputs: [out]
nodes:
  h: {from: x, through: [{repeat: DEPTH, through: [layer]}]}
  loss: mean(h ** 2)
outputs: [loss]
"""


@dataclass(frozen=True, eq=False)
class Case:
    """A graph with its backward nodes, and the outline of its forward nodes."""

    graph: Graph
    outline: Outline


@cache
def canned(name: str) -> Case:
    """A canned graph, forward and backward."""
    model = open_model(Workspace(graph=name), Limits().nodes)
    chosen = choose_to_look(model)
    program, cotangent = compiled(model, chosen, "float32", None)
    graph = program.prepared(chosen.values, cotangent).graph
    return Case(graph, outlined([graph], model.elaborated.calls, [chosen.of]))


@cache
def written(text: str, of: str = "loss") -> Case:
    """A file given as text, whose inputs are fed with ones; forward and backward."""
    model: Model = loads(text)
    wrt = list(model.elaborated.parameters) or [n.name for n in model.graph.leaves("input")]
    program = model.compile(of, wrt, mode="train")
    feed = {n.name: np.ones([int(d) for d in n.tensor.shape]) for n in model.graph.leaves("input")}
    graph = program.prepared(feed).graph
    return Case(graph, outlined([graph], model.elaborated.calls, [of]))


def layers(depth: int) -> str:
    """A file of so many equal layers, of some forty nodes each."""
    return LAYERS.replace("DEPTH", str(depth))
