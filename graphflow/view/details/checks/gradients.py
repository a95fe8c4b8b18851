"""The gradients of all nodes against differences, and the first node whose rule is wrong.

Two questions are asked. Of every node alone: does its derivative rule agree with differences of its
own forward, at the values that the walk put into it? So a wrong rule is found where it stands. And
of the whole chain: does the gradient by each parameter and input agree with differences of the
result?
"""

from __future__ import annotations

import time
from dataclasses import replace
from math import isfinite

import numpy as np

from graphflow.autodiff import GradientCheck
from graphflow.autodiff.structured import REVERSE_RULES
from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType, TupleType, tensors
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.op import OPS, Array
from graphflow.runtime.differences import STEPS, agrees_beside, best_checks, held_still
from graphflow.view.details.checks.report import Row, Section, Status, counted, verdict_of
from graphflow.view.details.gradients import GOOD, Point, gradient_check

TITLE = "Gradients"
SECONDS = 30.0
"""What takes longer is left out, and said to be."""
MOVED = ("parameter", "input", "state")
WHOLE = "whole gradient"
RULE = "own rule"


def gradients(point: Point, seconds: float = SECONDS) -> Section:
    """Check the rule of every node, then the gradient by every parameter and input."""
    until = time.monotonic() + seconds
    graph = point.graph
    active = _active(graph)
    rows: list[Row] = []
    for node in graph:
        by = [n for n in dict.fromkeys(node.inputs) if n in active]
        if node.op in ("item", *LEAVES) or not by or not _is_real(node):
            continue
        late = time.monotonic() > until
        rows.append(_late(graph, node, RULE) if late else _rule(point, node, by))
    for node in graph:
        if node.op in MOVED and node.tensor.dtype.is_float:
            late = time.monotonic() > until
            rows.append(_late(graph, node, WHOLE) if late else _whole(point, node))
    first = next((row.name for row in rows if row.failing), "")
    stops = sum(node.op == "stop_gradient" for node in graph)
    return Section("gradients", TITLE, verdict_of(tuple(rows)), _words(rows, first), tuple(rows),
                   first, note=held_still(stops))  # fmt: skip


def _words(rows: list[Row], first: str) -> str:
    counts = {status: sum(row.status == status for row in rows) for status in _TOLD}
    told = [f"{count} {_TOLD[status]}" for status, count in counts.items() if count]
    if first:
        return f"'{first}' is the first that is wrong. Of {len(rows)}: {', '.join(told)}."
    if not rows:
        return "Nothing here can be differentiated."
    return f"{counted(len(rows), 'derivative')} compared with differences: {', '.join(told)}."


_TOLD: dict[Status, str] = {
    "good": "agree", "held": "agree only with stop_gradient held still",
    "wrong": "disagree", "corner": "at a corner", "not finite": "not finite",
    "no derivative": "hand no gradient back", "not checked": "left out for lack of time",
}  # fmt: skip


def _active(graph: Graph) -> set[str]:
    """The real values that depend on a real leaf, with nothing between that holds them still."""
    active: set[str] = set()
    for node in graph:
        depends = node.op in MOVED or not active.isdisjoint(node.inputs)
        if depends and _is_real(node) and node.op != "stop_gradient":
            active.add(node.name)
    return active


def _is_real(node: Node) -> bool:
    return any(t.dtype.is_float for t in tensors(node.type))


def _rule(point: Point, node: Node, by: list[str]) -> Row:
    """One node on its own: its operands are leaves, its results summed with random weights."""
    if node.op == "stop_gradient":
        return _row(point.graph, node, RULE, "no derivative", "it lets no gradient back, as asked")
    if OPS[node.op].vjp is None and node.op not in REVERSE_RULES:
        return _row(point.graph, node, RULE, "no derivative", f"{node.op} has no derivative")
    graph, leaves = _alone(point, node)
    (of,) = graph.outputs
    try:
        checks = best_checks(graph, of, by, leaves)
    except GraphflowError as error:
        return _row(point.graph, node, RULE, "wrong", error.diagnostics[0].message)
    worst = max(checks, key=lambda c: c.error if isfinite(c.error) else np.inf)
    corner = not worst.passes(GOOD) and worst.at_kink
    corner = corner and agrees_beside(graph, of, worst.name, leaves)
    return _compared(point.graph, node, RULE, worst, corner, f"by {worst.name}")


def _alone(point: Point, node: Node) -> tuple[Graph, dict[str, Array]]:
    """A graph of one node, whose results are summed up with random weights, each element in
    proportion to its size; what is not finite is left out.
    """
    operands = list(dict.fromkeys(node.inputs))
    nodes = {
        name: Node("input", (), (), point.graph.nodes[name].type, name) for name in operands
    }  # fmt: skip
    builder = Builder(Graph({**nodes, node.name: node}))
    leaves = {name: np.asarray(point.values[name]) for name in operands}
    draw = np.random.default_rng(0)
    total: Value | None = None
    types, found = tensors(node.type), point.values[node.name]
    values = found if isinstance(found, tuple) else (found,)
    for index in _results(point.graph, node):
        type, part = types[index], builder.value(node.name)
        if isinstance(node.type, TupleType):
            part = builder.add("item", part, index=index)
        value = np.asarray(values[index])
        finite = builder.input(builder.unique("finite"), TensorType(DType.BOOL, type.shape))
        weights = builder.input(builder.unique("weights"), type)
        leaves[finite.name] = np.isfinite(value)
        size = np.where(leaves[finite.name], np.maximum(1.0, np.abs(value)), 1.0)
        leaves[weights.name] = draw.standard_normal(value.shape) / size
        term = F.sum(F.where(finite, part * weights, part.like(0)))
        total = term if total is None else total + term
    assert total is not None
    return builder.graph([total.name]), leaves


def _results(graph: Graph, node: Node) -> list[int]:
    """The real results of a node that anything reads: a loop stacks others for its backward."""
    types = tensors(node.type)
    if not isinstance(node.type, TupleType):
        return [0]
    read = {graph.nodes[name].attr("index") for name in graph.consumers[node.name]}
    return [i for i, type in enumerate(types) if i in read and type.dtype.is_float]


def _whole(point: Point, node: Node) -> Row:
    """The gradient of the result by a leaf, through the whole chain."""
    try:
        report = gradient_check(point, node.name, epsilons=STEPS, enough=True)
    except GraphflowError as error:
        return _row(point.graph, node, WHOLE, "no derivative", error.diagnostics[0].message)
    best = report.best
    check = GradientCheck(node.name, report.analytic, best.numeric, best.epsilon, 0.0, 0.0)
    corner = report.kink and report.good
    row = _compared(point.graph, node, WHOLE, check, corner, f"of {point.of}")
    if report.freed is None or row.status not in ("good", "corner"):
        return row
    words = f"{row.words} {report.held}; let go, differences give {report.freed:.6g}"
    return replace(row, status="held" if report.hidden else row.status, words=words)


def _compared(
    graph: Graph, node: Node, what: str, check: GradientCheck, corner: bool, which: str
) -> Row:
    status: Status = "good" if check.passes(GOOD) else "corner" if corner else "wrong"
    if not isfinite(check.analytic) or not isfinite(check.numeric):
        status = "not finite"
    words = {
        "good": "agrees",
        "corner": "a corner: the slopes on both sides differ; beside it they agree",
        "not finite": "the derivative is not finite here",
        "wrong": "disagrees with differences at every step size",
    }[status]
    return Row(
        node.name, f"{what} ({node.op})", status, f"{check.numeric:.6g}", f"{check.analytic:.6g}",
        check.error if isfinite(check.error) else None, GOOD, f"{words} ({which})",
        graph.origin(node.name).mark,
    )  # fmt: skip


def _late(graph: Graph, node: Node, what: str) -> Row:
    return _row(graph, node, what, "not checked", "left out for lack of time")


def _row(graph: Graph, node: Node, what: str, status: Status, words: str) -> Row:
    mark = graph.origin(node.name).mark
    return Row(node.name, f"{what} ({node.op})", status, "", "", None, None, words, mark)
