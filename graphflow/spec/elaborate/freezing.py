"""Groups that are frozen for a time: ``frozen: epoch < 3``.

While it holds, the parameters and all states of their optimizer stay as they are, their gradients
count as zero, and the updates that the optimizer counts stand still: as in PyTorch for a parameter
without a gradient. Schedules go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from graphflow.diagnostics import fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import F, Value
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.leaves import Initial, Leaf
from graphflow.spec.elaborate.objective import Group
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.updating import seeing_step
from graphflow.spec.syntax import Expr, Number

STEP = "step"


def rests(elaborator: Elaborator, frozen: Expr, path: str) -> Value:
    """Whether a group rests in this update: a condition over ``step`` and ``epoch``."""
    value = elaborator.evaluate(frozen, seeing_step(elaborator), Slot(Place(f"{path}.frozen")))
    if not isinstance(value, Value) or value.shape != () or value.dtype is not DType.BOOL:
        fail("GF013", f"'frozen' is true, false or a condition over epoch or step, not "
             f"{describe(value)}", frozen.mark, help="such as frozen: epoch < 3")  # fmt: skip
    return value


def unfrozen(
    gradients: Mapping[str, Value], groups: Sequence[Group], resting: Sequence[Value | None]
) -> dict[str, Value]:
    """The gradients, zero for groups that rest."""
    found = dict(gradients)
    for group, rest in zip(groups, resting, strict=True):
        for name in group.params if rest is not None else ():
            assert rest is not None
            found[name] = F.where(rest, found[name].like(0), found[name])
    return found


def held(elaborator: Elaborator, rest: Value, path: str, append: Callable[[], None]) -> None:
    """What ``append`` adds changes nothing while ``rest`` holds, and counts its own updates."""
    zero = Initial(Number(0, elaborator.document.mark), elaborator.scope, "in_out")
    mark = elaborator.document.mark
    count = elaborator.make_leaf("state", Leaf(path, TensorType(DType.INT64), zero, mark))
    before = dict(elaborator.updates)
    following = count + 1
    with elaborator.at(path, context={**elaborator.context, STEP: following.cast(DType.FLOAT)}):
        append()
    elaborator.updates[count.name] = following
    for leaf, value in elaborator.updates.items():
        if before.get(leaf) is not value:
            kept = elaborator.root.builder.value(leaf)
            elaborator.updates[leaf] = F.where(rest, kept, value)
