"""``graphflow show --memory`` where memory is bounded: what is computed again, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from graphflow.backends.sets import kernel_set, kernels_named, known_backend
from graphflow.cli.output import print_table
from graphflow.cli.survey import chosen_sizes
from graphflow.model import Model
from graphflow.ops.control import graph_flops
from graphflow.runtime.device import shown_bytes
from graphflow.runtime.device_plan import device_layout
from graphflow.runtime.planning import Budgeted, Layout, budgeted_plan, laid_out
from graphflow.training.budget import described

LARGEST = 10


def budgets(
    model: Model, sizes: Mapping[str, int], kernels: str, backend: str
) -> dict[str, Budgeted]:
    """For each player the plan of its step within ``memory`` of the file's ``train:`` section, by
    kernels here or on a device; none where it has none. Nothing is run.
    """
    training = model.elaborated.training
    if training is None or training.memory is None:
        return {}
    chosen, found = kernel_set(kernels_named(kernels)), dict[str, Budgeted]()
    on_device = known_backend(backend) == "cupy"
    layout: Layout = device_layout if on_device else partial(laid_out, kernels=chosen)
    for name, player in model.trainer().players.items():
        graph = player.compiler.graph
        concrete = player.compiler.concrete(chosen_sizes(model, graph, sizes))
        found[name or "step"] = budgeted_plan(concrete, layout, training.memory)
    return found


def print_budgets(found: Mapping[str, Budgeted]) -> None:
    """A table of the plans, and one of the largest values that are computed again."""
    for name, each in found.items():
        peak, share = each.plan.peak_bytes, _share(each)
        verdict = "fits" if peak <= each.memory else f"does not fit: memory: {peak} would do"
        print_table((f"memory of a {name}" if name == "step" else f"memory of {name}", ">", ""), [
            ("budget", shown_bytes(each.memory), verdict),
            ("peak", shown_bytes(peak), "leaves, gradients and the optimizer's states included"),
            ("without a budget", shown_bytes(each.kept_bytes), ""),
            ("computed again", f"{len(each.again):,}", "forward values, for backward"),
            ("more operations", f"{each.extra_flops:,}", f"{share:.1%} of those without"),
        ])  # fmt: skip
        if each.again:
            print_table(("largest computed again", "op", "type"), [
                (name, each.plan.graph[name].op, str(each.plan.graph[name].type))
                for name in _largest(each)
            ])  # fmt: skip


def budgets_json(found: Mapping[str, Budgeted]) -> dict[str, object]:
    """The same as data: what a run's ``memory.json`` holds."""
    return {name: described(each) for name, each in found.items()}


def _share(each: Budgeted) -> float:
    total = graph_flops(each.plan.graph)
    assert isinstance(total, int)
    return each.extra_flops / max(1, total - each.extra_flops)


def _largest(each: Budgeted) -> list[str]:
    sizes = dict(each.plan.largest(len(each.plan.graph)))
    known = [name for name in dict.fromkeys(each.again) if name in sizes]
    return sorted(known, key=lambda name: -sizes[name])[:LARGEST]
