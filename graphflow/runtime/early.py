"""Values that are told while a plan still runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from graphflow.ops.op import Array


@dataclass(frozen=True)
class Early:
    """Values that are told as soon as all of them lie in memory, while what follows is still to be
    computed: ``tell`` is called with their arrays by name, and must have done with them when it
    returns.
    """

    names: tuple[str, ...]
    tell: Callable[[Mapping[str, Array]], object]


def told_by(
    early: Sequence[Early], outputs: Sequence[str], final: Sequence[str]
) -> tuple[list[Early], list[Early]]:
    """What a plan tells of ``early``, by the names that the ``outputs`` have there, and what only
    its end can tell: values that became one with an output that is given back.
    """
    known = dict(zip(outputs, final, strict=True))
    told = {name for each in early for name in each.names}
    given_back = {known[name] for name in known if name not in told}
    now, later = list[Early](), list[Early]()
    for each in early:
        names = {name: known[name] for name in each.names}
        if given_back.isdisjoint(names.values()):
            now.append(Early(tuple(names.values()), partial(_renamed, each, names)))
        else:
            later.append(each)
    return now, later


def _renamed(early: Early, names: Mapping[str, str], found: Mapping[str, Array]) -> None:
    """Tell values by their names in the symbolic graph."""
    early.tell({name: found[final] for name, final in names.items()})
