"""Rewriting graphs: every pass is a pure function from graph to graph."""

from graphflow.passes.sizes import solve_sizes
from graphflow.passes.specialise import specialise

__all__ = ["solve_sizes", "specialise"]
