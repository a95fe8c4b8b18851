"""What to feed a file with when nobody trains it, and what of it to differentiate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.ir.dims import bind
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import TensorType, type_symbols
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.spec.document import CheckDecl
from graphflow.spec.elaborate import Elaborated
from graphflow.spec.syntax import Name
from graphflow.training.checks import check_feed
from graphflow.training.feed import Feed

ROWS = 4
"""Rows of data that are fed."""
RANDOM = "random numbers"
LARGEST = 1024
"""Of a size that can be wished for."""


@dataclass(frozen=True)
class Fed:
    """Values by input, where they are from, and the check they are from. ``sizes`` are those that
    nothing but a reader's wish decides.
    """

    values: Mapping[str, Array] = field(default_factory=dict)
    source: str = ""
    check: CheckDecl | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


def own_feed(model: Model, graph: Graph) -> Fed | None:
    """What the file itself offers for the inputs that ``graph`` needs; None if that is not all. A
    check offers nothing where a size is set that it was not written for.
    """
    wanted = set(needed_inputs(graph))
    for entry in model.document.check:
        if wanted <= entry.feed.keys() and _fits(model, entry):
            source = "a check's feed" if entry.feed else "a check's params" * bool(entry.params)
            return Fed(check_feed(model, entry), source, entry)
    return _data_feed(model, wanted)


def usual_feed(model: Model, graph: Graph) -> Fed:
    """Values as they come in use, data before a check's, whose round numbers lie at the corners of
    functions, and random ones where there are neither.
    """
    try:
        data = _data_feed(model, set(needed_inputs(graph)))
    except GraphflowError as error:
        if not is_away(model, error):
            raise
        data = None
    return data or own_feed(model, graph) or Fed(random_numbers(graph), RANDOM)


def _data_feed(model: Model, wanted: Collection[str]) -> Fed | None:
    """The first rows of the file's data, if these are all that is wanted."""
    if model.elaborated.data is None:
        return None
    values, _ = next(iter(Feed(few_rows(model), model.folder, seed=0).training(0)))
    return Fed(values, "data") if set(wanted) <= values.keys() else None


def unfit(model: Model) -> str:
    """What is to be said where a check was left aside for its sizes."""
    aside = any(not _fits(model, entry) for entry in model.document.check)
    return "the file's checks are written for other sizes" if aside else ""


def _fits(model: Model, entry: CheckDecl) -> bool:
    """Whether what a check feeds and sets has the sizes that the model has now."""
    given = check_feed(model, replace(entry, feed={**entry.params, **entry.feed}))
    known = {name: model.graph[name].type for name in given if name in model.graph}
    return all(
        isinstance(type, TensorType) and type.admits(given[name].shape)
        for name, type in known.items()
    )


def studied_feed(
    model: Model, graph: Graph, sizes: Mapping[str, int] | None = None
) -> tuple[Fed, str]:
    """What ``graph`` is fed so that it can be looked at, and a warning: random numbers where the
    file offers nothing, or where its published data are not on this machine. ``sizes`` are those
    that are wished for what is open then.
    """
    plan = model.elaborated.data
    why = "nothing says what they are: a check with a feed does, or a data: section"
    try:
        own = own_feed(model, graph)
    except GraphflowError as error:
        if plan is None or not is_away(model, error):
            raise
        own, why = None, f"their data are not on this machine: graphflow fetch {plan.source}"
    if own is not None:
        return own, ""
    why = unfit(model) or why
    names = needed_inputs(graph)
    chosen = _chosen_sizes(graph, sizes or {}) if names else {}
    found = {n: v for n, v in random_numbers(graph, chosen).items() if n in names}
    warning = f"random numbers are fed to {', '.join(names)}: {why}" if names else ""
    return Fed(found, RANDOM if names else "", sizes=chosen), warning


def _chosen_sizes(graph: Graph, wished: Mapping[str, int]) -> dict[str, int]:
    """The open sizes, as far as they are wished for as wished."""
    found = free_sizes(graph)
    for name, size in wished.items():
        if name not in found or not 1 <= size <= LARGEST:
            fail("GF033", f"no size of an input can be {name} = {size}",
                 help=f"from 1 to {LARGEST:,} can be: {', '.join(found) or 'none'}")  # fmt: skip
    return {**found, **wished}


def is_away(model: Model, error: GraphflowError) -> bool:
    """Whether what went wrong is that published data are not on this machine."""
    plan = model.elaborated.data
    published = plan is not None and "path" not in plan.options
    return published and all(d.code == "GF072" for d in error.diagnostics)


def free_sizes(graph: Graph) -> dict[str, int]:
    """The sizes of inputs that the file leaves open, each with a number of its own: small ones, so
    that values can be read.
    """
    types = [node.tensor for node in graph.leaves("input")]
    symbols = sorted({symbol for type in types for symbol in type_symbols(type)})
    return {name: 2 + i for i, name in enumerate(symbols)}


def random_numbers(graph: Graph, sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
    """Normal numbers; positions and labels are 0 or 1, which every table has."""
    generator = np.random.default_rng(0)
    inputs = {node.name: node.tensor for node in graph.leaves("input")}
    sizes = free_sizes(graph) if sizes is None else sizes
    found: dict[str, Array] = {}
    for name, type in inputs.items():
        shape = tuple(int(bind(d, sizes)) for d in type.shape)  # type: ignore[arg-type]
        real = type.dtype.is_float
        found[name] = generator.normal(size=shape) if real else generator.integers(0, 2, shape)
    return found


def few_rows(model: Model) -> Elaborated:
    """The same file with batches of a few rows, unless an input has all rows of a batch."""
    plan = model.elaborated.data
    inputs = [leaf.tensor.shape for leaf in model.graph.leaves("input")]
    if plan is None or any(shape[:1] == (plan.batch,) for shape in inputs):
        return model.elaborated
    return replace(model.elaborated, data=replace(plan, batch=min(plan.batch, ROWS)))


def needed_inputs(graph: Graph) -> list[str]:
    """The inputs that the outputs of a graph depend on."""
    needed = graph.needed_for(graph.outputs)
    return [node.name for node in graph.leaves("input") if node.name in needed]


def take_parameters(model: Model, fed: Fed) -> None:
    """Set the parameters and states that the check sets which a feed is from, if any."""
    if fed.check is None:
        return
    for name, value in check_feed(model, replace(fed.check, feed=fed.check.params)).items():
        (model.state if name in model.state else model.parameters)[name] = value


def target(model: Model) -> str:
    """What is differentiated unless told: what training minimizes (first player's), else the node
    ``loss``, else the first output.
    """
    training, graph = model.elaborated.training, model.graph
    if training is not None:
        return training.objectives[0].loss
    if "loss" in graph:
        return "loss"
    return (*graph.outputs, *ends(graph), *graph.nodes)[0]


def checked_target(model: Model) -> str:
    """What the first check that has gradients differentiates, else :func:`target`."""
    found = (check.gradient_of for check in model.document.check)
    named = next((expr.id for expr in found if isinstance(expr, Name)), None)
    return named or target(model)


def wanted(model: Model, of: str) -> tuple[str, ...]:
    """What a value is differentiated by, as far as it depends on it: the parameters of the player
    that minimizes it, else all, or the real inputs of a graph without any; and the inputs that a
    check differentiates it by. Where that is nothing, the real inputs that have a default.
    """
    graph, training = model.graph, model.elaborated.training
    if of not in graph:
        fail("GF020", f"no node is called '{of}'",
             help=did_you_mean(of, [*graph.nodes, *graph.aliases]))  # fmt: skip
    needed = graph.needed_for([of])
    players = training.objectives if training is not None else ()
    names = [p for player in players if player.loss == graph.resolve(of) for p in player.params]
    names = names or list(model.elaborated.parameters)
    parameters = [name for name in names if name in needed]
    inputs = [name for name in _real_inputs(model) if name in needed]
    fed = [] if parameters else [name for name in inputs if graph.nodes[name].op == "input"]
    checked = _checked_by(model, of)
    found = (*parameters, *(name for name in inputs if name in fed or name in checked))
    return found or tuple(inputs)


def _real_inputs(model: Model) -> list[str]:
    """The nodes of the inputs that can be differentiated by: one that has a default is a node that
    a feed may replace.
    """
    graph = model.graph
    found = (graph[name] for name in model.document.inputs if name in graph)
    return [node.name for node in found if node.tensor.dtype.is_float]


def _checked_by(model: Model, of: str) -> set[str]:
    """The nodes that the checks differentiate a value by."""
    graph, found = model.graph, set[str]()
    for check in model.document.check:
        expr = check.gradient_of
        if isinstance(expr, Name) and expr.id in graph and graph[expr.id] is graph[of]:
            found |= {graph.resolve(name) for name in check.gradients if name in graph}
    return found


def ends(graph: Graph) -> list[str]:
    """The values that nothing reads, without those that only become a state's next value."""
    updates = set(graph.updates.values())
    return [
        node.name
        for node in graph
        if not graph.consumers[node.name] and node.op not in LEAVES and node.name not in updates
    ]
