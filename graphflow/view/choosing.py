"""Forward and backward of one value: what is differentiated, by what, at which point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from graphflow.autodiff import cuts
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.compile import Mode
from graphflow.runtime.program import Program
from graphflow.view.feeding import (
    RANDOM,
    Fed,
    checked_target,
    needed_inputs,
    own_feed,
    studied_feed,
    take_parameters,
    unfit,
    wanted,
)


@dataclass(frozen=True)
class Chosen:
    """What a walk through forward and backward is about: ``of`` by ``by``, fed with ``values``.

    ``by`` is empty where nothing is differentiated, ``also`` holds the file's other outputs, which
    are walked with it. ``source`` says where the values are from, ``warning`` what is wrong with
    that.
    """

    of: str
    by: tuple[str, ...]
    also: tuple[str, ...]
    mode: Mode
    values: Mapping[str, Array]
    source: str
    seed: int
    warning: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)


def choose(model: Model, of: str | None = None, given: Mapping[str, Array] | None = None) -> Chosen:
    """``of`` is what the file's check differentiates, or its loss, unless told; untold, the file's
    other outputs are walked, too, where what is fed is enough for them. The file's own feed serves
    where ``given`` does not; a check's parameters and mode are taken over with its feed.
    """
    by = _by(model, of)
    for goals in _goals(model, of, by):
        graph = model.compile(goals[0], keep=goals[1:]).graph
        own = own_feed(model, graph) or Fed()
        values = {**own.values, **(given or {})}
        missing = [name for name in needed_inputs(graph) if name not in values]
        if not missing:
            return _at(model, goals, by, replace(own, values=values), "")
    offer = " ".join(f"--feed {name}=..." for name in missing)
    why = unfit(model)
    fail("GF065", f"nothing says what {', '.join(missing)} is{why and ': '}{why}",
         help=f"give {offer}, numbers or a file: {missing[0]}=@file.npy")  # fmt: skip


def choose_to_look(
    model: Model, of: str | None = None, sizes: Mapping[str, int] | None = None
) -> Chosen:
    """The same for whoever wants to look: random numbers, in such ``sizes``, serve where the file
    feeds nothing.
    """
    by = _by(model, of)
    for goals in _goals(model, of, by):
        graph = model.compile(goals[0], keep=goals[1:]).graph
        fed, warning = studied_feed(model, graph, sizes)
        if fed.source != RANDOM:
            break
    return _at(model, goals, by, fed, warning)


def _by(model: Model, told: str | None) -> tuple[str, ...]:
    """What the walk differentiates by: by nothing where the result is not real, and, untold, where
    it is an array, one of several results, or where a file without parameters gives gradients.
    """
    of = told or checked_target(model)
    by, result = wanted(model, of), model.graph[of].tensor
    if told is None:
        single = len(model.results) == 1 or result.shape == ()
        gives = not model.elaborated.parameters and _own_gradients(model)
        by = by if single and not gives else ()
    return by if result.dtype.is_float else ()


def _own_gradients(model: Model) -> bool:
    """Whether a result of the file is a gradient, or made of one."""
    graph = model.graph
    return any(graph.origin(name).phase != "forward" for name in graph.needed_for(model.results))


def _goals(model: Model, told: str | None, by: Sequence[str]) -> list[tuple[str, ...]]:
    """What may be walked, best first: all outputs, behind the one that is differentiated, or that
    one alone. Beside its gradients, gradients that the file computes itself are left out.
    """
    graph, of = model.graph, told or checked_target(model)
    if told is not None:
        return [(of,)]
    own = {name for name in graph.nodes if graph.origin(name).phase != "forward"} if by else set()
    on_the_way = graph.needed_for([of])
    also = [
        name
        for name in model.results
        if graph.resolve(name) not in on_the_way and own.isdisjoint(graph.needed_for([name]))
    ]
    return [(of, *also), (of,)]


def _at(
    model: Model, goals: tuple[str, ...], by: tuple[str, ...], fed: Fed, warning: str
) -> Chosen:
    """The point that a feed says, a check's parameters taken over."""
    take_parameters(model, fed)
    mode: Mode = "eval" if fed.check is not None and fed.check.mode == "eval" else "train"
    seed = 0 if fed.check is None else fed.check.seed
    of, *also = goals
    return Chosen(of, by, tuple(also), mode, fed.values, fed.source, seed, warning, fed.sizes)


def compiled(
    model: Model, chosen: Chosen, dtype: str = "float64", seed: int | None = None
) -> tuple[Program, Array | None]:
    """The program, and the upstream gradient to begin with where ``of`` is not one number: ones.

    In float64 unless told, so that numbers look as they are written.
    """
    seed = chosen.seed if seed is None else seed
    forward = model.compile(
        chosen.of, mode=chosen.mode, keep=chosen.also, dtype=dtype, seed=seed
    )
    if not chosen.by:
        return forward, None
    program = model.compile(
        chosen.of, chosen.by, mode=chosen.mode, keep=chosen.also, dtype=dtype, seed=seed
    )
    if forward.graph[chosen.of].tensor.shape == ():
        return program, None
    return program, np.ones_like(forward(chosen.values).values[chosen.of])


def flat(graph: Graph, of: str, by: Sequence[str]) -> str:
    """A warning where no differentiable path leads from a value to what it depends on."""
    behind, lost = graph.needed_for([of]), cuts(graph, of, by)
    if not lost or len(lost) < sum(name in behind for name in by):
        return ""
    stops = dict.fromkeys(op for cut in lost for _, op, _ in cut.at)
    return (f"the gradient of '{of}' is zero everywhere: {', '.join(stops)} hands none back, and "
            "no other path leads to parameters or real inputs")  # fmt: skip
