"""Exported training steps, run in onnxruntime beside our trainer."""

from __future__ import annotations

import numpy as np
import onnxruntime

import graphflow as gf
from graphflow.interop.onnx.writer.prepare import NEXT
from graphflow.ir.types import DType
from graphflow.ops.evaluate import run_node
from graphflow.passes import specialise
from graphflow.runtime.program import random_key
from graphflow.training.stepping import batch_sizes
from tests.interop.onnx.running import checked


class Exported:
    """One player's exported step, its values kept from step to step."""

    def __init__(self, model: gf.Model, player: str, trainer: gf.Trainer) -> None:
        self.trainer, self.step = trainer, trainer.players[player].step
        proto = checked(gf.to_onnx(model, training=True, player=player))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # it warns of every input that has a default
        self.session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
        self.outputs = [o.name for o in proto.graph.output]
        self.inputs = {i.name for i in proto.graph.input}

    def run(self, values, batch, key):
        """One step: ``values`` are brought up to date; all outputs by name."""
        feed = {n: v for n, v in {**values, **batch}.items() if n in self.inputs}
        sizes = batch_sizes(self.trainer.elaborated.graph, batch)
        concrete = specialise(self.step.graph, sizes, DType.FLOAT32, training=True)
        for node in concrete:
            if node.name in self.inputs - feed.keys() and node.op not in ("parameter", "state"):
                feed[node.name] = run_node(concrete[node.name], [key])
        found = dict(zip(self.outputs, self.session.run(self.outputs, feed), strict=True))
        values |= {n.removesuffix(NEXT): v for n, v in found.items() if n.endswith(NEXT)}
        return found


def compare(model, batches, states=()):
    """Every report and every new value, step by step."""
    trainer = model.trainer()
    exported = {name: Exported(model, name, trainer) for name in trainer.players}
    values, runs = dict(states), 0
    for batch in batches:
        reports = {}
        for turn in trainer.plan.turns:
            reports |= exported[turn.player].run(values, batch, random_key(trainer.seed, runs))
            runs += 1
        result = trainer.step(batch)
        for name, ours in result.values.items():
            np.testing.assert_allclose(reports[name], ours, rtol=1e-5, atol=1e-6)
        for name, value in values.items():
            ours = trainer.store.array(name)
            assert value.shape == ours.shape
            np.testing.assert_allclose(value, ours, rtol=2e-4, atol=2e-6, err_msg=name)
    return values
