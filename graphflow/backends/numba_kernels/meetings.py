"""Which pixels, and which taps of a kernel, the results of a convolution meet.

For pixels of a line that meet the same taps there is one list of where these lie and which weight
is theirs. The adjoint has other lists and is otherwise the same; stride, dilation and padding are a
matter of the lists alone.
"""

from __future__ import annotations

import numpy as np

from graphflow.backends.llvm.parts import threads
from graphflow.backends.llvm.words import Ints, apart
from graphflow.backends.numba_kernels.images import numbers
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows


def _some(pairs: Ints) -> int:
    """How many pairs there are before the first that is none."""
    count = 0
    while pairs[2 * count] >= 0:
        count += 1
    return count


@apart
def list_taps(rows: Ints, columns: Ints, channels: int, xs: Ints, size: Ints, taps: Ints) -> int:
    """Write which pixels some results meet, and with which weights, into ``taps``; how many."""
    _, of_channel, of_line, of_pixel = xs
    to_channel, to_line, to_pixel = size
    count, high, wide = 0, _some(rows), _some(columns)
    for c in range(channels):
        for r in range(high):
            for s in range(wide):
                at, tap = rows[2 * r] * of_line, rows[2 * r + 1] * to_line
                taps[2 * count] = c * of_channel + at + columns[2 * s] * of_pixel
                taps[2 * count + 1] = c * to_channel + tap + columns[2 * s + 1] * to_pixel
                count += 1
    return count


def meetings(result: Array, x: Array, windows: Windows, back: bool = False) -> tuple[Array, ...]:
    """Rows, columns and runs of a convolution of x, or with ``back`` of the adjoint of one.

    Runs are the first of some columns of the result that meet the same taps, how many these are,
    how far they are apart, and how far the columns of x that they meet are. Rows are for each row
    of the result pairs of a row of x that it meets and the row of the kernel; columns are the same
    for the first column of each run. Behind the last pair is -1.
    """
    rows, columns = (
        [_met(k, axis, x.shape[2 + axis], windows, back) for k in range(result.shape[2 + axis])]
        for axis in range(2)
    )
    by, step = (windows.stride[1], 1) if back else (1, windows.stride[1])
    runs: list[list[int]] = []
    latest: dict[int, list[int]] = {}
    for j, pairs in enumerate(columns):
        run = latest.get(j % by, [])
        if run and pairs == [(at + step * len(run), tap) for at, tap in columns[run[0]]]:
            run.append(j)
        else:
            latest[j % by] = [j]
            runs.append(latest[j % by])
    found = [(run[0], len(run), by, step) for run in runs]
    return _table(rows), _table([columns[run[0]] for run in runs]), np.array(found)


def _met(k: int, axis: int, size: int, windows: Windows, back: bool) -> list[tuple[int, int]]:
    """The elements along an axis that element k of a result meets, each with its tap."""
    kernel, stride, dilation, before = numbers(windows)[axis::2]
    found = []
    for tap in range(kernel):
        if back:
            at, rest = divmod(k + before - tap * dilation, stride)
        else:
            at, rest = k * stride + tap * dilation - before, 0
        if rest == 0 and 0 <= at < size:
            found.append((at, tap))
    return found


def _table(lists: list[list[tuple[int, int]]]) -> Array:
    """Lists of pairs as an array, filled up with -1."""
    table = np.full((len(lists), max(map(len, lists)) + 1, 2), -1)
    for row, pairs in zip(table, lists, strict=True):
        row[: len(pairs)] = np.reshape(pairs, (-1, 2))
    return table


def room_for_taps(met: tuple[Array, ...], channels: int) -> tuple[tuple[int, ...], int]:
    """How many pairs there are at most, how many runs, and what lists of taps hold."""
    rows, columns, runs = met
    most = rows.shape[1], columns.shape[1], len(runs)
    return most, threads() * 2 * channels * most[0] * most[1]
