"""Kernels without rows: a thread computes one point, or some neighbours, of all results."""

from __future__ import annotations

from graphflow.backends.cuda.arrays import Arrays, Walk
from graphflow.backends.cuda.writing import Kernel, Launch, Scope, counted

THREADS = 256
BYTES, MOST = 16, 4
"""What a thread reads of an array at once, at most, and how many points it computes."""


def mapped(arrays: Arrays) -> tuple[str, Launch]:
    """The kernel of a node's results that have an element for each point."""
    kernel = Kernel(arrays, {})
    space = arrays.lowered.space
    results = [r for r in arrays.lowered.results if r.whole]
    columns = arrays.columns((r.scalar for r in results), {})
    columns += [arrays.written[r.part].strides for r in results]
    walk = Walk.over(range(len(space)), space, columns)
    width = width_of(walk, arrays)
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
    how = counted(walk.count, "point") + (f", {width} a thread" if width > 1 else "")
    return kernel.done("map", how, body, blocks, THREADS)


def width_of(walk: Walk, arrays: Arrays) -> int:
    """How many neighbours a thread takes: 16 bytes of the widest numbers, where the fastest axis is
    made of as many.
    """
    if not walk.groups:
        return 1
    axis, views = walk.groups[-1][-1], (*arrays.uses.values(), *arrays.written.values())
    sizes = [view.dtype.itemsize for view in views if view.strides[axis]]
    width = min(MOST, BYTES // max(sizes, default=1))
    while walk.sizes[-1] % width:
        width //= 2
    return width
