"""The fast plan of a concrete graph: optimised, for a set of kernels, within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphflow.backends.sets import KernelSet
from graphflow.ir.graph import Graph
from graphflow.passes import fuse, optimise
from graphflow.passes.add_products import add_products
from graphflow.passes.budget import fit_memory
from graphflow.passes.panels import panel_products
from graphflow.passes.verified import verified
from graphflow.schedule.plan import Plan, make_plan


@dataclass(frozen=True)
class Budgeted:
    """A plan within a budget, or the smallest that was found.

    ``kept_bytes`` is the peak of the plan that computes nothing again, ``extra_flops`` what is
    computed twice, and ``again`` names the forward values concerned, as backward needs them.
    """

    plan: Plan
    memory: int
    kept_bytes: int
    extra_flops: int
    again: tuple[str, ...]


Layout = Callable[[Graph], Plan]
"""How an optimised graph is laid out for what runs it."""


def fast_plan(graph: Graph, kernels: KernelSet) -> Plan:
    """The plan of a specialised graph as it is run by a set of kernels."""
    return laid_out(optimise(graph), kernels)


def budgeted_plan(graph: Graph, layout: Layout, memory: int) -> Budgeted:
    """The plan of a specialised graph whose backward computes again what it must to need ``memory``
    bytes at most; where that cannot be had, one that needs as little as was found.
    """
    fast = optimise(graph)
    kept = layout(fast)
    fit = fit_memory(fast, memory, lambda graph: layout(graph).peak_bytes)
    plan = layout(fit.graph) if fit.again else kept
    return Budgeted(plan, memory, kept.peak_bytes, fit.extra_flops, fit.again)


def laid_out(fast: Graph, kernels: KernelSet) -> Plan:
    """An optimised graph as it is run by a set of kernels."""
    if kernels.adds:
        fast = verified(add_products(fast).graph, "add_products")
    if kernels.panels is not None:
        fast = verified(panel_products(fast, kernels.panels).graph, "panel_products")
    if kernels.fuses is not None:
        fast = fuse(fast, kernels.fuses)
    return make_plan(fast, orders=kernels.orders)
