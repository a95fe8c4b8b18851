"""Attributes of the wrong kind are refused with a diagnostic, never with another exception."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.ir.dims import symbol
from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from tests.ops.sampling import Case, cases

JUNK = (None, True, -7, 3, 1.5, "junk", (), (1,), (1, "a"), ((1, 2), 3), (-1, -1), symbol("S"))
CASES = [case for case in cases() if case.op.attributes and case.op.family not in ("core",)]


def tries(case: Case) -> list[dict[str, object]]:
    """The sample's attributes with one at a time replaced by junk."""
    kinds = {name: p.default for name, p in case.op.attributes.items()}
    wanted = [n for n, default in kinds.items() if n not in ("stream", "dtype")]
    return [{**case.sample.attrs, name: junk} for name in wanted for junk in JUNK]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_junk_is_refused_or_runs(case: Case) -> None:
    for attrs in tries(case):
        changed = Case(case.op, case.number, type(case.sample)(case.sample.inputs, attrs))
        try:
            graph, _ = changed.graph(DType.FLOAT64)
        except GraphflowError:
            continue
        if "S" in str(graph.nodes):
            continue  # a size that is not known yet
        with np.errstate(all="ignore"):
            evaluate(graph, case.arrays)
