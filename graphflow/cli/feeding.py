"""What to feed a file with when nobody trains it: its first fitting check, a few rows of its data,
or numbers given on the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from graphflow.api import Model
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.spec.document import CheckDecl
from graphflow.training.checks import check_feed
from graphflow.training.feed import Feed

ROWS = 4
"""Rows of data that are fed."""


@dataclass(frozen=True)
class Fed:
    """Values by input, where they are from, and the check they are from."""

    values: Mapping[str, Array] = field(default_factory=dict)
    source: str = ""
    check: CheckDecl | None = None


def own_feed(model: Model, graph: Graph) -> Fed | None:
    """What the file itself offers for the inputs that ``graph`` needs; None if that is not all."""
    needed = graph.needed_for(graph.outputs)
    wanted = {node.name for node in graph.leaves("input")} & needed
    for entry in model.document.check:
        if wanted <= entry.feed.keys():
            return Fed(check_feed(model, entry), "a check's feed", entry)
    plan = model.elaborated.data
    if plan is not None:
        few = replace(model.elaborated, data=replace(plan, batch=min(plan.batch, ROWS)))
        values, _ = next(iter(Feed(few, model.folder, seed=0).training(0)))
        if wanted <= values.keys():
            return Fed(values, "data")
    return None


def given_feed(texts: Sequence[str] | None) -> dict[str, Array]:
    """``x=1`` or ``x=[[1, 2]]`` as arrays by name.

    >>> given_feed(["x=[1, 2]"])
    {'x': array([1, 2])}
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        try:
            array = np.array(json.loads(value))
        except ValueError:
            equals = ""
        if not equals or array.dtype.kind not in "biuf":
            fail("GF006", f"'{text}' feeds no numbers", help="such as --feed x=1 or 'x=[[1, 2]]'")
        found[name.strip()] = array
    return found
