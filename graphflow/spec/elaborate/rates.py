"""Other learning rates than a file writes: scaled with the batch, or those of a search for one."""

from __future__ import annotations

from dataclasses import replace

from graphflow.diagnostics import fail
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.grouping import RATE, argument_of, block_of, with_argument
from graphflow.spec.elaborate.objective import Group
from graphflow.spec.elaborate.scaling import RateScale
from graphflow.spec.elaborate.training import Training
from graphflow.spec.parser import parse
from graphflow.spec.syntax import Binary, Call, Expr, LibraryCall, Number


def with_rate(elaborator: Elaborator, training: Training, rate: str) -> Training:
    """The training whose optimizers all have the learning rate that an expression over ``step``
    gives. What a group says as ``lr_scale`` still multiplies it, and so does ``scale_lr``, from the
    first update on; a rate of its own is replaced.
    """
    document = elaborator.document.train
    scales = [group.lr_scale for group in (*document.groups,)] if document else []

    def changed(group: Group) -> Group:
        call = group.optimizer
        block = _with_a_rate(elaborator, call)
        value, before = parse(rate, call.mark), argument_of(call, block, RATE)
        if isinstance(before, Binary) and any(before.right is scale for scale in scales):
            value = replace(before, left=value)
        return replace(group, optimizer=with_argument(call, block, RATE, value))

    objectives = [
        replace(o, groups=tuple(changed(group) for group in o.groups),
                scale=None if o.scale is None else replace(o.scale, warmup=0))
        for o in training.objectives
    ]  # fmt: skip
    return replace(training, objectives=tuple(objectives))


def scaled(elaborator: Elaborator, call: Call, scale: RateScale | None) -> Call:
    """An optimizer's call with its rate multiplied: from 1 on in a warm-up, where there is one."""
    if scale is None:
        return call
    block, mark, factor = _with_a_rate(elaborator, call), call.mark, scale.factor
    rate = argument_of(call, block, RATE)
    if rate is None:
        return call  # what is missing is said when the call is made
    larger: Expr = Binary("*", rate, Number(factor, mark), mark)
    if scale.warmup and factor > 1:
        steps, start = Number(scale.warmup, mark), Number(1 / factor, mark)
        larger = LibraryCall("warmup", (larger, steps, start), (), mark)
    return with_argument(call, block, RATE, larger)


def _with_a_rate(elaborator: Elaborator, call: Call) -> BlockDecl:
    """The block of an optimizer that has a learning rate."""
    block = block_of(elaborator, call, elaborator.scope)
    if RATE not in [argument.name for argument in block.args]:
        fail("GF042", f"'{call.function}' has no learning rate '{RATE}'", call.mark,
             help="such as sgd(lr=0.1)")  # fmt: skip
    return block
