"""Another learning rate for every optimizer of a file: what a search for a rate trains with."""

from __future__ import annotations

from dataclasses import replace

from graphflow.diagnostics import fail
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.grouping import RATE, argument_of, block_of, with_argument
from graphflow.spec.elaborate.objective import Group
from graphflow.spec.elaborate.training import Training
from graphflow.spec.parser import parse
from graphflow.spec.syntax import Binary


def with_rate(elaborator: Elaborator, training: Training, rate: str) -> Training:
    """The training whose optimizers all have the learning rate that an expression over ``step``
    gives. What a group says as ``lr_scale`` still multiplies it; a rate of its own is replaced.
    """
    document = elaborator.document.train
    scales = [group.lr_scale for group in (*document.groups,)] if document else []

    def changed(group: Group) -> Group:
        call = group.optimizer
        block = block_of(elaborator, call, elaborator.scope)
        if RATE not in [argument.name for argument in block.args]:
            fail("GF042", f"'{call.function}' has no learning rate '{RATE}'", call.mark,
                 help="such as sgd(lr=0.1)")  # fmt: skip
        value, before = parse(rate, call.mark), argument_of(call, block, RATE)
        if isinstance(before, Binary) and any(before.right is scale for scale in scales):
            value = replace(before, left=value)
        return replace(group, optimizer=with_argument(call, block, RATE, value))

    objectives = [
        replace(o, groups=tuple(changed(group) for group in o.groups)) for o in training.objectives
    ]
    return replace(training, objectives=tuple(objectives))
