"""From a document to a graph: names resolved, blocks instantiated, shapes inferred.

One elaboration serves every mode, number type and size: the graph is symbolic, its float type is
open, and ``a if training else b`` stays a choice until a program is compiled. All errors of a file
are found in one go.

What makes the graph is one class in layers, each adding one construct: session -> expressions ->
calls -> blocks -> nodes -> loops -> initial -> elaborator. Every other section is a function that
takes the :class:`Elaborator` and gives a frozen plan, in a module of its own: training (grouping,
freezing, clipping, averaging, stopping, history; their update blocks: optimising, joint), feeding
(transforms), run, tuning, generate, figures. ``elaborated`` reads the sections in this order:
constants, declarations, nodes, updates, outputs, layers' files; train, data, run, tune, generate,
figures; first values; at last each optimizer is tried. modules finds the blocks of other files.
"""

from __future__ import annotations

from pathlib import Path

from graphflow.spec.document import Document
from graphflow.spec.elaborate.averaging import AVERAGES
from graphflow.spec.elaborate.elaborated import Elaborated, elaborated
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.feeding import DataPlan
from graphflow.spec.elaborate.generate import Axes, GenerationPlan
from graphflow.spec.elaborate.history import HistoryPlan
from graphflow.spec.elaborate.metrics import METRICS
from graphflow.spec.elaborate.modules import library_module, module_of
from graphflow.spec.elaborate.objective import Group, Objective, OptimizerUpdates
from graphflow.spec.elaborate.run import Run
from graphflow.spec.elaborate.session import COUNTERS, NODE_LIMIT
from graphflow.spec.elaborate.stopping import EarlyStopping, Goal
from graphflow.spec.elaborate.training import Training, TurnPlan
from graphflow.spec.elaborate.tuning import Dimension, SchedulerPlan, TunePlan

__all__ = [
    "AVERAGES",
    "COUNTERS",
    "METRICS",
    "Axes",
    "DataPlan",
    "Dimension",
    "EarlyStopping",
    "Elaborated",
    "GenerationPlan",
    "Goal",
    "Group",
    "HistoryPlan",
    "Objective",
    "OptimizerUpdates",
    "Run",
    "SchedulerPlan",
    "Training",
    "TunePlan",
    "TurnPlan",
    "elaborate",
    "library_module",
]


def elaborate(
    document: Document, folder: Path | None = None, max_nodes: int = NODE_LIMIT
) -> Elaborated:
    """The graph of a document. ``folder`` is where ``use:`` looks for files.

    Raises one GraphflowError with every error of the file; more than ``max_nodes`` nodes are one.
    """
    elaborator = Elaborator(document, module_of(document, folder), library_module())
    elaborator.max_nodes = max_nodes
    return elaborated(elaborator)
