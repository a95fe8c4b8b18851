"""graphflow: models that read like a page of mathematics, and show every step of their gradients.

>>> import graphflow as gf
>>> model = gf.loads("{graphflow: 1, name: square, inputs: {x: scalar}, nodes: {y: x * x}}")
>>> float(model.compile(of="y", wrt="x")({"x": 3}).gradients["x"])
6.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from graphflow.version import __version__ as __version__

if TYPE_CHECKING:
    from graphflow.api import load, load_run, loads
    from graphflow.cross_validation import CrossValidation, cross_validate
    from graphflow.diagnostics import Diagnostic, GraphflowError
    from graphflow.figures import figures_of
    from graphflow.generation import Generated, generate
    from graphflow.interop.onnx import from_onnx, to_onnx
    from graphflow.ir.graph import Graph, Node
    from graphflow.learning_rates import LearningRates, find_learning_rate
    from graphflow.model import Model
    from graphflow.ops import register
    from graphflow.runs import resume, run, train
    from graphflow.runtime.program import Program
    from graphflow.runtime.result import Result
    from graphflow.runtime.stepper import Stepper
    from graphflow.spec.elaborate.plugins import register_blocks
    from graphflow.training import Iteration, Trainer
    from graphflow.training.callbacks import Callback
    from graphflow.training.progress import Outcome
    from graphflow.tuning import Tuned, tune

_HOMES = {
    "Callback": "graphflow.training.callbacks",
    "CrossValidation": "graphflow.cross_validation",
    "Diagnostic": "graphflow.diagnostics",
    "Generated": "graphflow.generation",
    "Graph": "graphflow.ir.graph",
    "GraphflowError": "graphflow.diagnostics",
    "Iteration": "graphflow.training",
    "LearningRates": "graphflow.learning_rates",
    "Model": "graphflow.model",
    "Node": "graphflow.ir.graph",
    "Outcome": "graphflow.training.progress",
    "Program": "graphflow.runtime.program",
    "Result": "graphflow.runtime.result",
    "Stepper": "graphflow.runtime.stepper",
    "Trainer": "graphflow.training",
    "Tuned": "graphflow.tuning",
    "cross_validate": "graphflow.cross_validation",
    "figures_of": "graphflow.figures",
    "find_learning_rate": "graphflow.learning_rates",
    "from_onnx": "graphflow.interop.onnx",
    "generate": "graphflow.generation",
    "load": "graphflow.api",
    "load_run": "graphflow.api",
    "loads": "graphflow.api",
    "register": "graphflow.ops",
    "register_blocks": "graphflow.spec.elaborate.plugins",
    "run": "graphflow.runs",
    "to_onnx": "graphflow.interop.onnx",
    "resume": "graphflow.runs",
    "train": "graphflow.runs",
    "tune": "graphflow.tuning",
}

__all__ = [
    "Callback",
    "CrossValidation",
    "Diagnostic",
    "Generated",
    "Graph",
    "GraphflowError",
    "Iteration",
    "LearningRates",
    "Model",
    "Node",
    "Outcome",
    "Program",
    "Result",
    "Stepper",
    "Trainer",
    "Tuned",
    "cross_validate",
    "figures_of",
    "find_learning_rate",
    "from_onnx",
    "generate",
    "load",
    "load_run",
    "loads",
    "register",
    "register_blocks",
    "resume",
    "run",
    "to_onnx",
    "train",
    "tune",
]


def __getattr__(name: str) -> object:
    """Modules load when they are first used: ``import graphflow`` itself is light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graphflow' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
