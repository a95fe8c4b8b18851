"""``graphflow show --pipeline``: what each stage of a pipeline has, what passes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from graphflow.cli.output import print_table
from graphflow.cli.survey import chosen_sizes
from graphflow.diagnostics import fail
from graphflow.distributed.pipelined import micro_batches_of, refuse_what_needs_all
from graphflow.distributed.stages import Stages
from graphflow.files import Json
from graphflow.model import Model
from graphflow.passes.synchronise import rows_symbol
from graphflow.runtime.device import shown_bytes
from graphflow.training.step_graph import step_graph


@dataclass(frozen=True)
class Shown:
    """A step in stages, and into how many micro-batches of how many rows a batch is cut."""

    stages: Stages
    micro_batches: int
    rows: int


def staged(
    model: Model, sizes: Mapping[str, int], count: int | None, micro_batches: int | None
) -> Shown | None:
    """Cut the step of a model, for batches of these sizes, if stages are asked for. Nothing is run.
    """
    if count is None:
        if micro_batches is not None:
            fail("GF033", "micro-batches go through a pipeline, and there is none",
                 help="--pipeline K --micro-batches M")  # fmt: skip
        return None
    training = model.elaborated.training
    if training is None:
        fail("GF067", "there is nothing to cut into stages: the file has no 'train:' section",
             help="leave out --pipeline")  # fmt: skip
    step = step_graph(model.elaborated, training.objectives[0], True, training.precision)
    refuse_what_needs_all(step)
    known = chosen_sizes(model, step.graph, sizes)
    rows = rows_symbol(step.graph, [leaf.name for leaf in step.graph.leaves("input")], list(known))
    if rows is None:
        fail("GF044", "no size of the inputs counts rows, so a batch cannot be cut",
             help="write a symbol as the first size of inputs, x: [B, 784]")  # fmt: skip
    parts = max(1, min(micro_batches_of(count, micro_batches), known[rows]))
    each = -(-known[rows] // parts)
    return Shown(Stages.of(step, {**known, rows: each}, count), parts, each)


def print_stages(shown: Shown) -> None:
    """A table of the stages, and what a step waits for."""
    print_table(
        (">stage", ">nodes", ">parameters", ">kept", ">compute", ">to the next", ">back"),
        [(str(row.stage), f"{row.nodes:,}", shown_bytes(row.parameter_bytes),
          shown_bytes(row.kept_bytes), f"{row.compute:.0%}",
          "" if row.forward_bytes is None else shown_bytes(row.forward_bytes),
          "" if row.backward_bytes is None else shown_bytes(row.backward_bytes))
         for row in _rows(shown.stages)],
    )  # fmt: skip
    count, bubble = shown.stages.count, shown.stages.bubble(shown.micro_batches)
    print(f"{shown.micro_batches} micro-batches of {shown.rows} rows at most; bytes to the next "
          f"and back are those of one, float32; bubble (K - 1) / (M + K - 1) = {count - 1} / "
          f"{shown.micro_batches + count - 1} = {bubble:.0%}")  # fmt: skip


def stages_json(shown: Shown) -> dict[str, Json]:
    """The same as data."""
    return {"stages": [asdict(row) for row in _rows(shown.stages)],
            "micro_batches": shown.micro_batches, "rows": shown.rows,
            "bubble": shown.stages.bubble(shown.micro_batches)}  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """A stage; ``compute`` is its part of all, and the last passes nothing to a next one."""

    stage: int
    nodes: int
    parameter_bytes: int
    kept_bytes: int
    compute: float
    forward_bytes: int | None
    backward_bytes: int | None


def _rows(stages: Stages) -> list[_Row]:
    total = sum(stages.seconds)
    return [
        _Row(k, stages.nodes_of(k), *stages.bytes_kept(k), stages.seconds[k] / total,
             *(stages.bytes_over(k) if k + 1 < stages.count else (None, None)))
        for k in range(stages.count)
    ]  # fmt: skip
