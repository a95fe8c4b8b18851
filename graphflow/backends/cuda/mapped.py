"""Kernels without rows: a thread computes one point, or four neighbours, of all results."""

from __future__ import annotations

from graphflow.backends.cuda.arrays import Arrays, Walk
from graphflow.backends.cuda.writing import Kernel, Launch, Scope, counted

THREADS = 256
WIDTH = 4
"""Neighbours that a thread takes: 16 bytes of float32."""


def mapped(arrays: Arrays) -> tuple[str, Launch]:
    """The kernel of a node's results that have an element for each point."""
    kernel = Kernel(arrays, {})
    space = arrays.lowered.space
    results = [r for r in arrays.lowered.results if r.whole]
    columns = arrays.columns((r.scalar for r in results), {})
    columns += [arrays.written[r.part].strides for r in results]
    walk = Walk.over(range(len(space)), space, columns)
    width = width_of(walk)
    at, lines = walk.apart("i", "i", kernel.own)
    scope = Scope(kernel, at, walk.groups[-1][-1] if walk.groups else -1, width)
    for result in results:
        scope.store(arrays.written[result.part], scope.value(result.scalar))
    each = f"{width} * " if width > 1 else ""
    own = kernel.own
    body = [
        f"const {own} i = {each}(({own})blockIdx.x * {THREADS} + threadIdx.x);",
        f"if (i >= {walk.count}) return;",
        *lines,
        *scope.lines(),
    ]
    blocks = -(-walk.count // (width * THREADS))
    how = counted(walk.count, "point") + (", by fours" if width > 1 else "")
    return kernel.done("map", how, body, blocks, THREADS)


def width_of(walk: Walk) -> int:
    """How many neighbours a thread takes: four, where the fastest axis is made of fours."""
    return WIDTH if walk.sizes and walk.sizes[-1] % WIDTH == 0 else 1
