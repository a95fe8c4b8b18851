"""The chain rule at one backward step, as it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from graphflow.ir.graph import Graph
from graphflow.ops.evaluate import Computed
from graphflow.runtime.chain import ChainRule, adds, chain_rule, contributions
from graphflow.runtime.formula import symbol
from graphflow.view.details.latex import (
    array_text,
    bar,
    local_derivative,
    rule,
    shape_text,
    slope,
    substituted,
)
from graphflow.view.details.values import shown
from graphflow.view.shown import ChainView, Shown

TERMS = 4
"""Terms of a sum over paths that are written out."""
Show = Callable[[str, Computed], Shown]
"""How a value is shown, under a name."""


def chain_view(
    graph: Graph, values: Mapping[str, Computed], name: str, *, pictured: bool = True
) -> ChainView | None:
    """How a backward node's value comes about; None where it is only a step on the way.

    A contribution is upstream gradient times local derivative. Where the local derivative is a
    matrix that nobody writes out, the operator's own rule is shown, and the shapes. A node that
    adds contributions shows the sum. Without ``pictured`` no pictures are made.
    """
    show = partial(shown, pictured=pictured)
    found = chain_rule(graph, values, name)
    if found is not None:
        return _product(graph, values, name, found, show)
    return _sum(graph, values, name, show)


def _product(
    graph: Graph, values: Mapping[str, Computed], name: str, found: ChainRule, show: Show
) -> ChainView:
    parts = contributions(graph, name)
    end = _end(graph, found.operand)
    via = rf"\Big|_{{{symbol(found.twin)}}}" if len(parts) > 1 else ""
    upstream = slope(end, found.twin)
    left = f"{slope(end, found.operand)}{via}"
    if found.local is None:
        formula = f"{bar(found.operand)}{via} = {rule(graph, name, found.upstream_name)}"
        equation = f"{left} = {upstream} {slope(found.twin, found.operand)}"
    else:
        local = local_derivative(graph, name, found.upstream_name)
        sign = r"\cdot" if found.contribution.ndim == 0 else r"\odot"
        formula = f"{slope(found.twin, found.operand)} = {local}"
        equation = f"{left} = {upstream} {sign} {slope(found.twin, found.operand)}"
    return ChainView(
        equation,
        _numbers(found),
        formula,
        show(found.upstream_name, found.upstream),
        None if found.local is None else show(f"∂{found.twin}/∂{found.operand}", found.local),
        show(name, found.contribution),
        None if found.total is None else show(f"{found.operand}.grad", found.total),
        parts,
        parts.index(name),
        "product" if found.local is not None else "rule",
        rf"{shape_text(found.upstream)} \to {shape_text(found.contribution)}",
        found.twin,
        found.operand,
    )


def _numbers(found: ChainRule) -> str:
    """The product in numbers; empty where they are too many."""
    if found.local is None:
        return ""
    texts = [array_text(v) for v in (found.upstream, found.local, found.contribution)]
    if any(text is None for text in texts):
        return ""
    upstream, local, result = (text[0] for text in texts if text is not None)
    sign = r"\cdot" if found.contribution.ndim == 0 else r"\odot"
    local = f"({local})" if local.startswith("-") else local
    return f"{upstream} {sign} {local} = {result}"


def _end(graph: Graph, operand: str) -> str:
    """What is differentiated: the value that most gradients of this graph are of."""
    own = [of for (of, by) in graph.gradients if by == operand]
    every = dict.fromkeys(of for of, _ in graph.gradients)
    return next(iter([*own, *every]), "L")


def _sum(graph: Graph, values: Mapping[str, Computed], name: str, show: Show) -> ChainView | None:
    """A step that adds two contributions, or what was added so far and one more."""
    node, operand = graph.nodes[name], graph.origin(name).twin
    if operand is None or not adds(graph, name, operand):
        return None
    first, second, total = (values[n] for n in (*node.inputs, name))
    if isinstance(first, tuple) or isinstance(second, tuple) or isinstance(total, tuple):
        return None
    parts = contributions(graph, name)
    part = parts.index(node.inputs[1])
    return ChainView(
        _over_paths(graph, operand, parts, part),
        substituted(graph, values, name).partition(" = ")[2],
        "",
        show(node.inputs[0], first),
        None,
        show(node.inputs[1], second),
        show(name, total),
        parts,
        part,
        "sum",
        shape_text(total),
        operand,
        operand,
    )


def _over_paths(graph: Graph, operand: str, parts: Sequence[str], part: int) -> str:
    """The derivative as the sum over the paths that have arrived, and of those still to come."""
    whole = slope(_end(graph, operand), operand)
    terms = [rf"{whole}\Big|_{{{symbol(_via(graph, name))}}}" for name in parts[: part + 1]]
    if len(terms) > TERMS:
        terms = [terms[0], r"\dots", *terms[2 - TERMS :]]
    rest = [] if part == len(parts) - 1 else [r"\dots"]
    return f"{whole} = {' + '.join([*terms, *rest])}"


def _via(graph: Graph, part: str) -> str:
    return graph.origin(part).twin or part
