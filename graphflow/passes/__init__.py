"""Rewriting graphs: every pass is a pure function from graph to graph."""

from graphflow.passes.fuse import fuse
from graphflow.passes.pipeline import PASSES, Pass, PassReport, optimise, stands_for, trace_passes
from graphflow.passes.sizes import Shown, shown_by, solve_sizes
from graphflow.passes.specialise import specialise

__all__ = [
    "PASSES",
    "Pass",
    "PassReport",
    "Shown",
    "fuse",
    "optimise",
    "shown_by",
    "solve_sizes",
    "specialise",
    "stands_for",
    "trace_passes",
]
