"""The fast plan of a concrete graph: optimised, for a set of kernels, within a budget of memory."""

from __future__ import annotations

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


def fast_plan(graph: Graph, kernels: KernelSet) -> Plan:
    """The plan of a specialised graph as it is run by a set of kernels."""
    return _laid_out(optimise(graph), kernels)


def budgeted_plan(graph: Graph, kernels: KernelSet, memory: int) -> Budgeted:
    """The same plan, whose backward computes again what it must to need ``memory`` bytes at most;
    where that cannot be had, one that needs as little as was found.
    """
    fast = optimise(graph)
    kept = _laid_out(fast, kernels)
    fit = fit_memory(fast, memory, lambda graph: _laid_out(graph, kernels).peak_bytes)
    plan = _laid_out(fit.graph, kernels) if fit.again else kept
    return Budgeted(plan, memory, kept.peak_bytes, fit.extra_flops, fit.again)


def _laid_out(fast: Graph, kernels: KernelSet) -> Plan:
    if kernels.adds:
        fast = verified(add_products(fast).graph, "add_products")
    if kernels.panels is not None:
        fast = verified(panel_products(fast, kernels.panels).graph, "panel_products")
    if kernels.fuses is not None:
        fast = fuse(fast, kernels.fuses)
    return make_plan(fast, orders=kernels.orders)
