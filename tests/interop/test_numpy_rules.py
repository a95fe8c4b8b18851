"""The table of NumPy expressions: complete, and every entry against the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from graphflow.interop.numpy_script import script  # noqa: F401 (all rules)
from graphflow.interop.numpy_script.functions import FUNCTIONS
from graphflow.interop.numpy_script.lines import CONTROL, Lines
from graphflow.interop.numpy_script.refused import REFUSED
from graphflow.interop.numpy_script.rules import RULES, rule
from graphflow.ir.graph import LEAVES
from graphflow.ir.types import DType
from graphflow.ops import OPS
from tests.ops.sampling import Case, cases

TOLERANCE = {DType.FLOAT32: 1e-5, DType.FLOAT64: 1e-12}


def test_every_primitive_is_written_or_refused_with_a_reason():
    concrete = {name for name, op in OPS.items() if not op.abstract} - LEAVES
    assert concrete - RULES.keys() - CONTROL - REFUSED.keys() == set()
    assert RULES.keys() & REFUSED.keys() == set()
    assert (RULES.keys() | CONTROL | REFUSED.keys()) - concrete == set()


def test_a_primitive_has_one_rule():
    with pytest.raises(ValueError, match="'exp' has two entries"):
        rule("exp")(lambda site: site.args[0])


def written(case: Case, dtype: DType, leaves: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of one operator's line."""
    graph, out = case.graph(dtype)
    lines = Lines(graph, {}, ())
    for node in graph:
        if node.op in LEAVES:
            lines.variable(node.name)
        else:
            lines.node(node)
    names = {**FUNCTIONS, **leaves, "np": np, "FLOAT": dtype.value}
    exec("\n".join(lines.rows), names)
    return several(eval(lines.value(out).text, names))


def several(value: object) -> tuple[np.ndarray, ...]:
    return tuple(map(np.asarray, value if isinstance(value, tuple | list) else (value,)))


def samples() -> Iterator[object]:
    for case in cases():
        if case.op.name in RULES and not case.op.random:
            for dtype in TOLERANCE:
                yield pytest.param(case, dtype, id=f"{case}-{dtype}")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("case", "dtype"), list(samples()))
def test_samples_agree_with_the_engine(case, dtype):
    leaves = case.leaves(dtype)
    ours = case.run(leaves, dtype)
    theirs = written(case, dtype, leaves)
    for value, expected in zip(theirs, ours, strict=True):
        assert value.shape == expected.shape and value.dtype == expected.dtype
        np.testing.assert_allclose(
            value, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], equal_nan=True
        )
