"""``graphflow show``: what is in a file, without running it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table
from graphflow.cli.source import (
    AsJson,
    File,
    MaxNodes,
    Sets,
    assignments,
    open_model,
    sizes_given,
)
from graphflow.diagnostics import Mark

if TYPE_CHECKING:
    from graphflow.cli.survey import Survey
    from graphflow.ir.graph import Graph

NAME = "show"
LARGEST = 10
WIDEST = 60


def command(
    file: File,
    sets: Sets = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(metavar="B=32", help="The size of a symbol. Repeatable."),
    ] = None,
    backward: Annotated[
        bool, typer.Option("--backward", help="With the gradients of the loss, in training mode.")
    ] = False,
    of: Annotated[
        str | None, typer.Option(metavar="NODE", help="What --backward differentiates.")
    ] = None,
    schedule: Annotated[
        bool, typer.Option("--schedule", help="The order in which the fast plan runs.")
    ] = False,
    kernels: Annotated[
        str, typer.Option(help="The fast plan for these: numpy, numba or onednn.")
    ] = "numpy",
    backend: Annotated[
        str, typer.Option(help="The fast plan of numpy, or of cupy; no GPU need be there.")
    ] = "numpy",
    memory: Annotated[
        bool,
        typer.Option("--memory", help="The largest values; what train.memory costs."),
    ] = False,
    pipeline: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, help="The stages of run --pipeline K (experiment)."),
    ] = None,
    micro_batches: Annotated[
        int | None, typer.Option(metavar="M", min=1, help="Of a batch in a pipeline, else 4 K.")
    ] = None,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Show nodes with shapes, parameters, FLOPs, bytes and peak memory. Nothing is allocated."""
    from graphflow.cli.budgets import budgets, budgets_json, print_budgets
    from graphflow.cli.stages import print_stages, staged, stages_json
    from graphflow.cli.survey import survey

    model, given = open_model(file, assignments(sets), max_nodes), sizes_given(sizes)
    found = survey(model, given, backward or of is not None, of, kernels, backend)
    bounded = budgets(model, given, kernels, backend) if memory else {}
    cut = staged(model, given, pipeline, micro_batches)
    if as_json:
        more = {"budgets": budgets_json(bounded)} | ({"pipeline": stages_json(cut)} if cut else {})
        print_json(_json(found, schedule, memory) | more)
        return GOOD
    print(model.name)
    _print_parameters(found)
    _print_nodes(found)
    if schedule:
        _print_schedule(found)
    if memory:
        _print_memory(found)
        print_budgets(bounded)
    if cut:
        print_stages(cut)
    _print_totals(found)
    return GOOD


def _print_parameters(found: Survey) -> None:
    if found.parameters:
        print_table(
            ("parameter", "shape", ">count", ">fan in", ">fan out", "starts as"),
            [
                (p.name, _shape(p.shape), f"{p.count:,}", str(p.fan_in), str(p.fan_out),
                 p.init if p.trainable else f"{p.init} (frozen)")
                for p in found.parameters
            ],
        )  # fmt: skip


def _print_nodes(found: Survey) -> None:
    print_table(
        ("node", "op", "operands", "type", ">line"),
        [(n.name, n.op, cut(", ".join(n.inputs)), cut(str(n.type)), _line(found.graph, n.name))
         for n in found.graph],
    )  # fmt: skip


def cut(text: str) -> str:
    """A text of at most :data:`WIDEST` characters: ``--json`` has it whole."""
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _print_schedule(found: Survey) -> None:
    print_table(
        (">step", "phase", "node", "op", "type", "kernel", "stands for"),
        [[cut(str(value)) for value in row] for row in _schedule(found)],
    )


def _print_memory(found: Survey) -> None:
    from graphflow.runtime.device import shown_bytes

    print_table(
        ("largest values", ">bytes", "type", ">from step", ">to step"),
        [(name, shown_bytes(size), str(found.plan.graph[name].type), first, last)
         for name, size, first, last in _largest(found)],
    )  # fmt: skip


def _print_totals(found: Survey) -> None:
    from graphflow.runtime.device import shown_bytes

    rows = [
        ("parameters", f"{found.parameter_count:,}", shown_bytes(found.parameter_bytes)),
        ("nodes", f"{len(found.graph):,}", f"{len(found.plan.graph):,} in the fast plan"),
        ("operations", f"{found.flops:,}", "floating point, one run"),
        ("peak memory", shown_bytes(found.plan.peak_bytes), "of these nodes, planned, float32"),
        ("", shown_bytes(found.unplanned_bytes), "if no value shared memory"),
    ]
    if found.scale is not None:
        rule = f"{found.scale.rule}: {found.scale.rows:,} rows for {found.scale.base:,}"
        rows.append(("learning rates", f"x {found.scale.factor:g}", rule))
    print_table(("total", ">", ""), rows)
    if found.sizes:
        shown = ", ".join(f"{name} = {size}" for name, size in found.sizes.items())
        print(f"with {shown}; choose others with --sizes {next(iter(found.sizes))}=...")


def _json(found: Survey, schedule: bool, memory: bool) -> dict[str, object]:
    """The same as data."""
    answer: dict[str, object] = {
        "parameters": found.parameter_count,
        "nodes": len(found.graph),
        "flops": found.flops,
        "parameter_bytes": found.parameter_bytes,
        "peak_bytes": found.plan.peak_bytes,
        "unplanned_bytes": found.unplanned_bytes,
        "sizes": dict(found.sizes),
        "parameter_list": [
            {
                "name": p.name, "shape": _sizes(p.shape), "count": p.count,
                "fan_in": _size(p.fan_in), "fan_out": _size(p.fan_out), "init": p.init,
                "trainable": p.trainable,
            }
            for p in found.parameters
        ],
        "node_list": [
            {
                "name": n.name, "op": n.op, "operands": list(n.inputs), "type": str(n.type),
                "phase": found.graph.origin(n.name).phase,
                "line": mark.line if (mark := found.graph.origin(n.name).mark) else None,
            }
            for n in found.graph
        ],
    }  # fmt: skip
    if found.scale is not None:
        answer["scale_lr"] = {**asdict(found.scale), "factor": found.scale.factor}
    if schedule:
        columns = ("step", "phase", "node", "op", "type", "kernel", "stands_for")
        answer["schedule"] = [dict(zip(columns, row, strict=True)) for row in _schedule(found)]
    if memory:
        answer["largest"] = [{"name": row[0], "bytes": row[1]} for row in _largest(found)]
    return answer


def _schedule(found: Survey) -> list[tuple[int | str, ...]]:
    """(step, phase, node, op, type, kernel, plain nodes it stands for) in the fast plan's order."""
    graph = found.plan.graph
    rows: list[tuple[int | str, ...]] = []
    for step, name in enumerate(found.plan.order):
        node = graph.nodes[name]
        others = ", ".join(n for n in found.stands_for[name] if n != name)
        phase, by = graph.origin(name).phase, found.computed_by.get(name, "")
        rows.append((step, phase, name, node.op, str(node.type), by, others))
    return rows


def _largest(found: Survey) -> list[tuple[str, int, str, str]]:
    """(name, bytes, first and last step) of the largest values; leaves are always there."""
    lives = found.plan.lifetimes
    return [
        (name, size, str(lives[name].first), str(lives[name].last))
        if name in lives
        else (name, size, "always", "")
        for name, size in found.plan.largest(LARGEST)
    ]


def _shape(shape: tuple[object, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _sizes(shape: tuple[object, ...]) -> list[object]:
    return [_size(d) for d in shape]


def _size(dim: object) -> int | str:
    """A size as JSON: a number, or the text of an expression in symbols."""
    return dim if isinstance(dim, int) else str(dim)


def _line(graph: Graph, name: str) -> str:
    mark: Mark | None = graph.origin(name).mark
    return str(mark.line) if mark else ""
