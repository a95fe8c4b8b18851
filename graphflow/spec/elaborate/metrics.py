"""What an epoch measured, as a value that schedules read: ``epoch_metric('test/loss')``.

The value is a state, one for each metric, which the loop sets at the end of every epoch.
"""

from __future__ import annotations

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Value
from graphflow.spec.elaborate.binding import Arguments, bind
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.leaves import Initial, Leaf
from graphflow.spec.elaborate.session import READER
from graphflow.spec.syntax import Number

METRICS = "train.metrics."
"""Under which path the states stand that hold metrics."""
LOSS = "loss"


def epoch_metric(elaborator: Elaborator, arguments: Arguments) -> Value:
    """The last epoch's value of a metric, such as ``test/loss``; nan before one has ended."""
    name = bind(READER, ["name"], arguments).get("name")
    mark = arguments.mark_of("name")
    if not isinstance(name, str):
        fail("GF033", f"a metric is named by a text such as 'test/loss', not {describe(name)}",
             mark)  # fmt: skip
    train = elaborator.document.train
    known = list(dict.fromkeys([LOSS, *(train.report if train is not None else ())]))
    part, _, value = name.partition("/")
    if not part or value not in known:
        names = [f"{part or 'test'}/{each}" for each in known]
        fail("GF042", f"no epoch has a metric '{name}'", mark,
             help=did_you_mean(name, names) or "a metric is a part of the data and what train "
             f"reports: {', '.join(names)}")  # fmt: skip
    path = METRICS + name
    if path in elaborator.leaves:
        return elaborator.root.builder.value(path)
    start = Initial(Number(float("nan"), mark), elaborator.scope, "in_out")
    return elaborator.make_leaf("state", Leaf(path, TensorType(DType.FLOAT), start, mark))
