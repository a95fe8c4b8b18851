"""Forward and backward of one value: what is differentiated, by what, at which point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import tensors
from graphflow.model import Model
from graphflow.ops import OPS
from graphflow.ops.op import Array
from graphflow.runtime.compile import Mode
from graphflow.runtime.program import Program
from graphflow.view.feeding import (
    Fed,
    checked_target,
    needed_inputs,
    own_feed,
    studied_feed,
    take_parameters,
    wanted,
)


@dataclass(frozen=True)
class Chosen:
    """What a walk through forward and backward is about: ``of`` by ``by``, fed with ``values``.

    ``by`` is empty where nothing can be differentiated. ``source`` says where the values are from,
    ``warning`` what is wrong with that.
    """

    of: str
    by: tuple[str, ...]
    mode: Mode
    values: Mapping[str, Array]
    source: str
    seed: int
    warning: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)


def choose(model: Model, of: str | None = None, given: Mapping[str, Array] | None = None) -> Chosen:
    """``of`` is what the file's check differentiates, or its loss, unless told. The file's own feed
    serves where ``given`` does not; a check's parameters and mode are taken over with its feed.
    """
    of = of or checked_target(model)
    by = wanted(model, of)
    graph = model.compile(of).graph
    own = own_feed(model, graph) or Fed()
    values = {**own.values, **(given or {})}
    missing = [name for name in needed_inputs(graph) if name not in values]
    if missing:
        offer = " ".join(f"--feed {name}=..." for name in missing)
        fail("GF065", f"nothing says what {', '.join(missing)} is",
             help=f"give {offer}, numbers or a file: {missing[0]}=@file.npy")  # fmt: skip
    return _at(model, of, by, replace(own, values=values), "")


def choose_to_look(
    model: Model, of: str | None = None, sizes: Mapping[str, int] | None = None
) -> Chosen:
    """The same for whoever wants to look: random numbers, in such ``sizes``, serve where the file
    feeds nothing.
    """
    of = of or checked_target(model)
    by = wanted(model, of)
    return _at(model, of, by, *studied_feed(model, model.compile(of).graph, sizes))


def _at(model: Model, of: str, by: tuple[str, ...], fed: Fed, warning: str) -> Chosen:
    """The point that a feed says, a check's parameters taken over."""
    take_parameters(model, fed)
    mode: Mode = "eval" if fed.check is not None and fed.check.mode == "eval" else "train"
    seed = 0 if fed.check is None else fed.check.seed
    real = model.graph[of].tensor.dtype.is_float
    return Chosen(of, by if real else (), mode, fed.values, fed.source, seed, warning,
                  fed.sizes)  # fmt: skip


def compiled(
    model: Model, chosen: Chosen, dtype: str = "float64", seed: int | None = None
) -> tuple[Program, Array | None]:
    """The program, and the upstream gradient to begin with where ``of`` is not one number: ones.

    In float64 unless told, so that numbers look as they are written.
    """
    seed = chosen.seed if seed is None else seed
    forward = model.compile(chosen.of, mode=chosen.mode, dtype=dtype, seed=seed)
    if not chosen.by:
        return forward, None
    program = model.compile(chosen.of, chosen.by, mode=chosen.mode, dtype=dtype, seed=seed)
    if forward.graph[chosen.of].tensor.shape == ():
        return program, None
    return program, np.ones_like(forward(chosen.values).values[chosen.of])


def flat(graph: Graph, of: str, by: Sequence[str]) -> str:
    """A warning where no differentiable path leads from a value to what it depends on."""
    todo, seen, stops = [graph.resolve(of)], set[str](), dict[str, None]()
    while todo:
        node = graph.nodes[todo.pop()]
        if node.name in by:
            return ""
        op, real = OPS[node.op], any(t.dtype.is_float for t in tensors(node.type))
        structural = op.family in ("leaf", "control", "derivative") or node.op == "item"
        if not structural and (op.vjp is None or not real):
            stops[node.op] = None
        else:
            todo += [name for name in node.inputs if name not in seen]
            seen.update(node.inputs)
    if not (by and stops):
        return ""
    return (f"the gradient of '{of}' is zero everywhere: {', '.join(stops)} hands none back, and "
            "no other path leads to parameters or real inputs")  # fmt: skip
