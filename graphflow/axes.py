"""The words at the axes of a matrix: tokens written out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.spec.figure_keys import Ref

LEADING = ("sample", "head")
"""What the two axes before a matrix count."""


def axis_words(
    graph: Graph, of: str, given: Ref | Sequence[str] | None, values: Array | None,
    tokenizer: Tokenizer | None, place: Sequence[int] = (),
) -> Sequence[str]:  # fmt: skip
    """The words at an axis of the matrix of a node ``of`` at ``place``: the words given, or what
    the ``values`` of a node of tokens or numbers stand for, a row a sample. GF030 where there is
    none for the sample.
    """
    if not isinstance(given, Ref):
        return given or ()
    assert values is not None
    row = values
    if values.ndim == 2:
        index, axis = place[0] if place else 0, _sample_axis(graph, of, given.name)
        if index >= values.shape[axis]:
            fail("GF030", f"'{given}' has no labels for sample {index}", given.mark)
        row = np.take(values, index, axis)
    if tokenizer is None:
        return [f"{v:.4g}" if isinstance(v, np.floating) else str(v) for v in row]
    return [tokenizer.token(int(v)) for v in row]


def _sample_axis(graph: Graph, of: str, given: str) -> int:
    """The axis of tokens that counts the same as the first of the matrices: texts are (T, B)."""
    samples = graph[of].tensor.shape[:1]
    shape = graph[given].tensor.shape
    return shape.index(samples[0]) if samples and samples[0] in shape else 0
