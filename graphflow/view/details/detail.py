"""All there is to say about one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import get_op
from graphflow.runtime.formula import symbol
from graphflow.runtime.loops import Within
from graphflow.schedule.updates import value_bytes
from graphflow.view.details.chains import chain_view
from graphflow.view.details.latex import in_names, substituted
from graphflow.view.details.sentences import about, sentence
from graphflow.view.details.values import shown, shown_all
from graphflow.view.recording.named import found
from graphflow.view.recording.recording import Recording
from graphflow.view.shown import ChainView, Detail, Shown
from graphflow.view.steps import drawn_id

EDITABLE = ("input", "parameter", "state")


def detail(
    recording: Recording, index: int, before: Recording | None = None, *, pictured: bool = True
) -> Detail:
    """What the step ``index`` did; ``before`` is the same walk without the last edit.

    Without ``pictured`` values have no pictures.
    """
    step, ran, scope = recording.step(index), recording.ran[index], recording.scope(index)
    earlier = earlier_values(before, step.turn, ran.within)
    told = node_detail(scope.graph, scope.values, step.node, earlier, pictured=pictured,
                       images=recording.images)  # fmt: skip
    return replace(
        told,
        index=index,
        seconds=ran.seconds,
        value=_identified(told.value, scope.graph, step.within),
        operands=_identified(told.operands, scope.graph, step.within),
    )


def _identified(parts: tuple[Shown, ...], graph: Graph, within: Within) -> tuple[Shown, ...]:
    """The same with their drawn ids; one of several results has none."""
    return tuple(
        replace(part, id=drawn_id(part.name, within)) if part.name in graph else part
        for part in parts
    )


def node_detail(
    graph: Graph,
    values: Mapping[str, Computed],
    name: str,
    earlier: Mapping[str, Computed] | None = None,
    *,
    pictured: bool = True,
    images: Mapping[str, tuple[int, int, int]] | None = None,
) -> Detail:
    """What a node of a concrete graph did, given the values of it and of what it reads."""
    node, origin = graph.nodes[name], graph.origin(name)
    types = [graph.nodes[operand].type for operand in node.inputs]
    flops = get_op(node.op).flops(node.type, *types, **node.attributes())
    assert isinstance(flops, int)
    was = earlier or {}
    chain = chain_view(graph, values, name, pictured=pictured)
    path = _path(name, *((chain.twin, chain.operand) if chain else node.inputs))
    return Detail(
        index=0,
        node=name,
        op=node.op,
        phase=origin.phase,
        about=about(node.op),
        sentence=sentence(graph, name),
        formula=_below(path, f"{symbol(name)} = {in_names(graph, name)}"),
        numbers=_below(path, substituted(graph, values, name)),
        value=shown_all(name, values[name], was.get(name), pictured=pictured),
        operands=tuple(
            part
            for operand in dict.fromkeys(node.inputs)
            for part in shown_all(
                operand,
                values[operand],
                was.get(operand),
                pictured=pictured,
                image=(images or {}).get(operand),
            )
        ),
        flops=flops,
        bytes=value_bytes(node.type),
        seconds=0.0,
        mark=origin.mark,
        source=origin.mark.text.strip() if origin.mark else "",
        chain=_shortened(chain, path) if chain else None,
        path=path,
    )


def earlier_values(
    before: Recording | None, turn: int, within: Within
) -> Mapping[str, Computed] | None:
    """The values of a scope in the same walk without the last edit, if it came so far."""
    if before is None or turn >= len(before.turns):
        return None
    scope = before.turns[turn].scopes.get(within)
    return scope.values if scope is not None else None


def _path(*names: str) -> str:
    """The blocks that all of these names stand in, as far as nothing of a name is lost."""
    paths = [name.split(".")[:-1] for name in names]
    common = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    if common and any(name == f"{'.'.join(common)}.grad" for name in names):
        common.pop()
    return ".".join(common)


def _below(path: str, latex: str) -> str:
    """LaTeX with names from a path on."""
    if not path:
        return latex
    start = symbol(f"{path}.").removesuffix("}")
    return latex.replace(start, r"\text{")


def _shortened(chain: ChainView, path: str) -> ChainView:
    return replace(
        chain,
        equation=_below(path, chain.equation),
        numbers=_below(path, chain.numbers),
        local_formula=_below(path, chain.local_formula),
        path=path,
    )


def shown_at(
    recording: Recording, id: str, index: int, slice: int = 0, before: Recording | None = None
) -> Shown:
    """The value at a drawn id as the step ``index`` leaves it; at -1, before the first step, that
    of a leaf.
    """
    within, node = found(recording, id, index)
    turn = recording.step(index).turn if index >= 0 else 0
    scope = recording.turns[turn].scopes[within]
    op = scope.graph.nodes[node].op
    if index < 0 and op not in LEAVES:
        fail("GF082", f"'{id}' has not run yet", help="go forward")
    value = scope.values[node] if index < 0 else recording.value(index, id)
    was = (earlier_values(before, turn, within) or {}).get(node)
    editable = not within and op in EDITABLE
    image = recording.images.get(node)
    told = shown(id, value, slice, before=was, editable=editable, image=image)
    return replace(told, id=id)
