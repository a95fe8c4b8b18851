"""Examples that are run when a page is made: text in the language, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphflow.api import loads
from graphflow.ir.types import TupleType, tensors
from graphflow.model import Model
from graphflow.ops.builder import frozen
from graphflow.ops.op import Array, Op, Sample
from graphflow.spec.document import BlockDecl
from graphflow.spec.expand import LEADING, literal
from graphflow.spec.syntax import Call
from graphflow.spec.unparse import unparse

HEAD = "graphflow: 1\nname: example\n"
SHOWN = 24
"""Entries of a result that are shown; of a larger one its shape."""
WRITTEN = 16
"""Entries of an operand that are written out; larger ones are fed."""


@dataclass(frozen=True)
class Example:
    """Lines of a file, and the lines that tell what they give."""

    text: str
    result: str


def operator_example(op: Op) -> Example | None:
    """The first of an operator's examples that can be written down, run."""
    if op.example:
        return run_lines(op.example)
    for sample in op.samples():
        if all(isinstance(x, np.ndarray) and 0 < x.size <= WRITTEN for x in sample.inputs):
            return run_call(call_of(op, sample))
    return next((_fed(op, sample) for sample in op.samples()), None)


def block_example(name: str, family: str, block: BlockDecl) -> Example | None:
    """A block's own example, run: an optimizer takes steps, a learning rate is followed."""
    example = block.example
    if example is None:
        return None
    call = unparse(example)
    if not isinstance(example, Call) or example.function != name:
        return run_call(call)
    if family == "averages":
        return run_average(call)
    if block.updates and not block.outputs:
        return run_optimizer(call)
    if len(block.outputs) > 1:
        return run_parts(call, block.outputs)
    return RUNNERS.get(family, run_call)(call)


def call_of(op: Op, sample: Sample) -> str:
    """The call of a sample as a file writes it, operands written out; a random key is implied."""
    given = sample.inputs[1:] if op.random else sample.inputs
    return _call(op, sample, [_table(np.asarray(x)) for x in given])


def run_call(call: str) -> Example:
    """One expression and its value, or its values in turn."""
    names = ["y"]
    type = loads(f"{HEAD}nodes:\n  y: {_quoted(call)}\n").graph["y"].type
    if isinstance(type, TupleType):
        names = [f"y{i}" for i in range(len(type.items))]
    model = loads(f"{HEAD}nodes:\n  {', '.join(names)}: {_quoted(call)}\n")
    return Example(call, "\n".join(_values(model, names)))


def run_parts(call: str, parts: Sequence[str]) -> Example:
    """A call that gives several values, each by its name."""
    names = [f"y.{part}" for part in parts]
    model = loads(f"{HEAD}nodes:\n  y: {_quoted(call)}\noutputs: [{', '.join(names)}]\n")
    rows = zip(parts, _values(model, names), strict=True)
    return Example(call, "\n".join(f"{part}: {value}" for part, value in rows))


def run_initialiser(call: str) -> Example:
    """The first value of a parameter (3, 4)."""
    parameter = f"{{shape: [3, 4], init: {_quoted(call)}}}"
    model = loads(f"{HEAD}params: {{w: {parameter}}}\nnodes: {{y: w}}\n")
    return Example(f"w: {{shape: [3, 4], init: {call}}}", shown(model.parameters["w"]))


def run_optimizer(call: str) -> Example:
    """Three steps down x^2 / 2 from x = 1."""
    values = ", ".join(f"{x:.6g}" for x in _descent("x ** 2 / 2", call, 3))
    return Example(f"{{minimize: x ** 2 / 2, optimizer: {call}}}", f"x = 1, {values}")


def run_schedule(call: str) -> Example:
    """The values of the first six steps: how far sgd goes down a slope of one."""
    places = [1.0, *_descent("x", f"sgd(lr={call})", 6)]
    rates = ", ".join(f"{a - b:.4g}" for a, b in pairwise(places))
    return Example(f"sgd(lr={call})", rates)


def run_average(call: str) -> Example:
    """The average after each of three steps from x = 1 to 0.5, 0.25 and 0.125."""
    found = _descent("x ** 2 / 2", "sgd(lr=0.5)", 3, f", average: {_quoted(call)}")
    values = ", ".join(f"{x:.6g}" for x in found)
    return Example(f"{{minimize: x ** 2 / 2, optimizer: sgd(lr=0.5), average: {call}}}",
                   f"x = 1, 0.5, 0.25, 0.125; its average {values}")  # fmt: skip


def _descent(loss: str, optimizer: str, steps: int, more: str = "") -> list[float]:
    """Where x, or its average, is after each step from 1 on. Every step is an epoch."""
    model = loads(
        f"{HEAD}params: {{x: {{shape: scalar, init: full(value=1.0)}}}}\nnodes: {{loss: {loss}}}\n"
        f"train: {{minimize: loss, epochs: 1, optimizer: {_quoted(optimizer)}{more}}}\n"
    )
    trainer = model.trainer(dtype="float64")
    found = []
    for epoch in range(steps):
        trainer.start_epoch(epoch)
        loss_before = float(trainer.step({})["loss"])
        trainer.end_epoch({"train/loss": loss_before})
        found.append(float(trainer.store.array(trainer.averages.get("x", "x"))))
    return found


RUNNERS = {"initialisers": run_initialiser, "schedules": run_schedule, "cycles": run_schedule}
"""How examples of a family are run that are no values by themselves."""


def run_lines(lines: str) -> Example:
    """Sections of a file, and its outputs."""
    model = loads(HEAD + lines)
    return Example(lines, "\n".join(_values(model, model.document.outputs)))


def _fed(op: Op, sample: Sample) -> Example:
    """A sample with operands too large to be written: shapes in, shapes out."""
    names = [f"x{i}" for i in range(len(sample.inputs))] if len(sample.inputs) > 1 else ["x"]
    lines, call = [], _call(op, sample, names)
    arrays = [x if isinstance(x, np.ndarray) else np.zeros(x[0]) for x in sample.inputs]
    for name, array in zip(names, arrays, strict=True):
        kind = "" if array.dtype.kind == "f" else f", dtype: {array.dtype.name}"
        lines.append(f"  {name}: {{shape: {list(array.shape)}{kind}}}")
    text = "inputs:\n" + "\n".join(lines) + f"\nnodes:\n  y: {_quoted(call)}\n"
    graph = loads(HEAD + text).graph
    return Example(text, ", ".join(str(list(t.shape)) for t in tensors(graph["y"].type)))


def _call(op: Op, sample: Sample, operands: Sequence[str]) -> str:
    named = [name for name in op.operands if name != "rng"]
    given = list(operands)
    if named and named[-1].startswith("*") and op.name not in LEADING:
        fixed = len(named) - 1
        given = [*given[:fixed], f"[{', '.join(given[fixed:])}]"]
    first = [literal(sample.attrs[k]) for k in LEADING.get(op.name, ())]
    rest = [
        f"{k}={literal(frozen(v))}"
        for k, v in sample.attrs.items()
        if k not in LEADING.get(op.name, ())
    ]
    return f"{op.name}({', '.join([*first, *given, *rest])})"


def _values(model: Model, names: Sequence[str]) -> list[str]:
    values = model.compile(keep=names)({}).values
    return [shown(values[name]) for name in names]


def _table(array: Array) -> str:
    return literal(frozen(array.tolist()))


def _quoted(call: str) -> str:
    return f"'{call.replace(chr(39), chr(39) * 2)}'"


def shown(value: Array) -> str:
    """A small array in full with four digits, a large one by its shape.

    >>> shown(np.array([[1.0, 2.5], [1 / 3, 4.0]]))
    '[[1, 2.5], [0.3333, 4]]'
    """
    if value.size > SHOWN:
        return f"shape {list(value.shape)}"
    return _text(value.tolist())


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()
