"""A stepper made ready for a file: what is differentiated, and what is fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.api import Model
from graphflow.cli.feeding import Fed, own_feed
from graphflow.cli.survey import target, wanted
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import tensors
from graphflow.ops import OPS
from graphflow.ops.op import Array
from graphflow.runtime.compile import Mode
from graphflow.runtime.stepper import Stepper
from graphflow.spec.syntax import Name
from graphflow.training.checks import check_feed


def stepper_for(model: Model, of: str | None, given: Mapping[str, Array]) -> tuple[Stepper, str]:
    """A stepper over ``of`` and its gradients, and a line that says what it walks through.

    ``of`` is what the file's check differentiates, or its loss, unless told. The file's own feed
    serves where ``given`` does not; a check's parameters and mode are taken over with its feed.
    """
    of = of or _of_checks(model) or target(model)
    graph = model.compile(of).graph
    own = own_feed(model, graph) or Fed()
    values = {**own.values, **given}
    leaves = {node.name for node in graph.leaves("input")} & graph.needed_for(graph.outputs)
    missing = [name for name in graph.nodes if name in leaves and name not in values]
    if missing:
        offer = " ".join(f"--feed {name}=..." for name in missing)
        fail("GF065", f"nothing says what {', '.join(missing)} is",
             help=f"give {offer}, numbers or a file: {missing[0]}=@file.npy")  # fmt: skip
    mode: Mode = "train"
    if own.check is not None:
        mode = "eval" if own.check.mode == "eval" else "train"
        _take_parameters(model, own)
    sources = [own.source] * bool(own.source) + ["--feed"] * bool(given)
    fed = f", fed from {' and '.join(sources)}" if sources else ""
    stepper = _stepper(model, of, mode, values)
    return stepper, f"'{of}'{fed}{_flat(stepper.graph, of, wanted(model, of))}"


def _flat(graph: Graph, of: str, by: Sequence[str]) -> str:
    """A warning where no differentiable path leads from a value to what it depends on."""
    todo, seen, stops = [graph.resolve(of)], set[str](), dict[str, None]()
    while todo:
        node = graph.nodes[todo.pop()]
        if node.name in by:
            return ""
        if OPS[node.op].family not in ("leaf", "control", "derivative") and (
            OPS[node.op].vjp is None or not any(t.dtype.is_float for t in tensors(node.type))
        ):
            stops[node.op] = None
        else:
            todo += [name for name in node.inputs if name not in seen]
            seen.update(node.inputs)
    if not (by and stops):
        return ""
    return (f"\nits gradient is zero everywhere: {', '.join(stops)} hands none back, and no other "
            "path leads to parameters or real inputs")  # fmt: skip


def _of_checks(model: Model) -> str | None:
    """What the first check that has gradients differentiates."""
    found = (check.gradient_of for check in model.document.check)
    return next((expr.id for expr in found if isinstance(expr, Name)), None)


def _take_parameters(model: Model, fed: Fed) -> None:
    """Set the parameters and states that a check sets."""
    assert fed.check is not None
    for name, value in check_feed(model, replace(fed.check, feed=fed.check.params)).items():
        (model.state if name in model.state else model.parameters)[name] = value


def _stepper(model: Model, of: str, mode: Mode, values: Mapping[str, Array]) -> Stepper:
    """In float64, so that numbers look as they are written."""
    forward = model.compile(of, mode=mode, dtype="float64")
    result = forward.graph[of].tensor
    by = wanted(model, of) if result.dtype.is_float else ()
    if not by:
        return Stepper(forward, values)
    program = model.compile(of, by, mode=mode, dtype="float64")
    ones = None if result.shape == () else np.ones_like(forward(values).values[of])
    return Stepper(program, values, ones)
