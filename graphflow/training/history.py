"""The history of a run: values of named nodes, step by step.

Row k belongs to the k-th step, counted from 0: parameters and states as they are after k steps,
and what the step computes from them. After the last step n, parameters and states have one more
row, their values at the end. So a trajectory has its start (step 0) and its end (step n), and
values of one step belong together: f[k] is f at x[k].

In a run's folder a history is two files that only grow, ``history/leaves.npy`` (parameters and
states) and ``history/nodes.npy``: arrays of records, one a step, which ``numpy.load`` reads too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.ops.op import Array
from graphflow.runtime.device import shown_bytes
from graphflow.spec.elaborate import HistoryPlan

STEP = "#step"
"""The field of a record that holds its step: no node can be called that."""
LIMIT = 10**9
"""Bytes that a history may take."""
BUFFER = 2**16
"""Bytes that wait in memory before they are written."""
FILES = ("leaves.npy", "nodes.npy")


class Series(NamedTuple):
    """A node's values: ``steps`` has shape (n,), ``values`` (n, *shape)."""

    steps: Array
    values: Array


class Records:
    """Records of one row a step, in a file that grows or, without one, in memory."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.record = None if file is None else _header(file)[0]
        self.waiting = bytearray()
        self.settled = True

    @property
    def names(self) -> list[str]:
        """Whose values the records hold."""
        return [] if self.record is None else [n for n in self.record.names or () if n != STEP]

    def add(self, step: int, values: Mapping[str, Array]) -> None:
        """Append a row. All rows have the names, shapes and number types of the first."""
        record = record_of(values)
        if self.record is None:
            self.record = record
        if record != self.record:
            _changed(self.record, record, step)
        row = [np.int64(step).tobytes(), *(value.tobytes() for value in values.values())]
        self.waiting += b"".join(row)
        if len(self.waiting) > BUFFER:
            self._write()

    def flush(self) -> None:
        """Write what waits, onto the disk itself: a checkpoint is going to rely on it."""
        self._write()
        if self.file is not None and not self.settled:
            with self.file.open("r+b") as stream:
                os.fsync(stream.fileno())
            self.settled = True

    def _write(self) -> None:
        if self.file is None or self.record is None or not self.waiting:
            return
        self.file.parent.mkdir(exist_ok=True)
        rows = len(self.stored())
        with self.file.open("r+b" if rows else "wb") as stream:
            head = _head(self.record, rows + len(self.waiting) // self.record.itemsize)
            stream.write(head)
            stream.seek(len(head) + rows * self.record.itemsize)
            stream.write(self.waiting)
        self.waiting.clear()
        self.settled = False

    def keep_before(self, step: int) -> None:
        """Drop the rows of ``step`` and later ones: they are made again."""
        kept = int(np.count_nonzero(self.read()[STEP] < step))
        stored = min(kept, len(self.stored()))
        if self.record is not None:
            self.waiting = self.waiting[: (kept - stored) * self.record.itemsize]
        if self.file is not None and self.file.exists():
            _cut(self.file, stored)
        if not kept:
            self.record = None

    def read(self) -> Array:
        """All records."""
        if self.record is None:
            return np.zeros(0, [(STEP, np.int64)])
        return np.concatenate([self.stored(), np.frombuffer(bytes(self.waiting), self.record)])

    def stored(self) -> Array:
        """The records of the file; one that was cut off by a kill is left out."""
        record, offset = (None, 0) if self.file is None else _header(self.file)
        if self.file is None or record is None:
            return np.zeros(0, self.record)
        count = (self.file.stat().st_size - offset) // record.itemsize
        if not count:
            return np.zeros(0, record)
        return np.memmap(self.file, record, "r", offset, count)


class History(Mapping[str, Series]):
    """Series by name. ``history["x"].values`` has one row a step, ``.steps`` says which."""

    def __init__(self, *parts: Records) -> None:
        self.parts = parts

    def __getitem__(self, name: str) -> Series:
        for part in self.parts:
            if name in part.names:
                records = part.read()
                return Series(np.array(records[STEP]), np.array(records[name]))
        offer = f"there is one of {', '.join(self)}" if len(self) else "name it under 'history:'"
        fail("GF020", f"the run keeps no history of '{name}'",
             help=did_you_mean(str(name), list(self)) or offer)  # fmt: skip

    def __contains__(self, name: object) -> bool:
        return any(name in part.names for part in self.parts)

    def __iter__(self) -> Iterator[str]:
        return (name for part in self.parts for name in part.names)

    def __len__(self) -> int:
        return sum(len(part.names) for part in self.parts)

    def __repr__(self) -> str:
        return f"History({', '.join(self)})"


def stored_history(folder: Path) -> History:
    """The history that lies in a run's folder; nothing where it has none."""
    return History(*(Records(folder / "history" / name) for name in FILES))


class Recorder:
    """Keeps the history that a plan asks for, of a run of ``total`` steps (None: not known)."""

    def __init__(
        self, plan: HistoryPlan | None, graph: Graph, dtype: DType, total: int | None
    ) -> None:
        self.plan, self.total = plan, total
        self.leaves, self.nodes, self.next = Records(), Records(), 0
        types = [] if plan is None else [graph[node].tensor for node in plan.nodes.values()]
        if not any(map(type_symbols, types)):
            self._check(sum(_bytes(type, dtype) for type in types), 0)

    @property
    def history(self) -> History:
        """What has been kept so far."""
        return History(self.leaves, self.nodes)

    def begin(self, step: int, folder: Path | None) -> None:
        """Go on at ``step``, in a run's folder or in memory."""
        if folder is not None:
            self.leaves, self.nodes = (Records(folder / "history" / name) for name in FILES)
        self.next = step
        self.leaves.keep_before(step)
        self.nodes.keep_before(step)

    def add(self, step: int, leaves: Mapping[str, Array], nodes: Mapping[str, Array]) -> None:
        """Keep what a step used and computed, if it is one whose values are kept."""
        if self.plan is None or step % self.plan.every or step < self.next:
            return  # the further batches of one step add nothing
        self.next = step + 1
        self._check(sum(value.nbytes for value in (*leaves.values(), *nodes.values())), step)
        for table, values in ((self.leaves, leaves), (self.nodes, nodes)):
            if values:
                table.add(step, values)

    def end(self, step: int, leaves: Mapping[str, Array]) -> None:
        """Keep parameters and states as they are after the last step, and write everything. A step
        that was stopped between its batches has them already.
        """
        if leaves and step >= self.next:
            self.leaves.add(step, leaves)
        self.flush()

    def flush(self) -> None:
        """Write what waits, before a checkpoint relies on it."""
        self.leaves.flush()
        self.nodes.flush()

    def _check(self, each: int, step: int) -> None:
        """Refuse a history that would be too large."""
        if self.plan is None:
            return
        last = step if self.total is None else max(step, self.total)
        rows = 1 + last // self.plan.every
        if each * rows <= LIMIT:
            return
        shown = ", ".join(self.plan.nodes)
        every = -(-each * (last + 1) // LIMIT) + 1
        help = f"keep fewer steps: history: {{nodes: [{shown}], every: {every}}}"
        fail("GF004", f"the history of {shown} takes {shown_bytes(each)} in each of {rows} steps; "
             f"it may take {shown_bytes(LIMIT)} in all", self.plan.mark,
             help=help if each * 2 <= LIMIT else "keep a mean or a part of it")  # fmt: skip


def _bytes(type: TensorType, dtype: DType) -> int:
    """The memory of a value whose sizes are known."""
    sizes = [size for size in type.shape if isinstance(size, int)]
    kind = dtype if type.dtype is DType.FLOAT else type.dtype
    return prod(sizes) * np.dtype(kind.value).itemsize


def record_of(values: Mapping[str, Array]) -> np.dtype[np.void]:
    """The record of one step: its number, then each value."""
    fields = [(name, value.dtype, value.shape) for name, value in values.items()]
    return np.dtype([(STEP, np.int64), *fields])


def _head(record: np.dtype[np.void], rows: int) -> bytes:
    """The head of an .npy file. NumPy leaves room in it, so that it stays as long as rows grow."""
    out = BytesIO()
    descr = np.lib.format.dtype_to_descr(record)
    about = {"descr": descr, "fortran_order": False, "shape": (rows,)}
    np.lib.format.write_array_header_2_0(out, about)
    return out.getvalue()


def _header(file: Path) -> tuple[np.dtype[np.void] | None, int]:
    """The records' type and where the first one begins; None where a kill left no whole head."""
    if not file.exists():
        return None, 0
    with file.open("rb") as stream:
        try:
            np.lib.format.read_magic(stream)
            _, _, record = np.lib.format.read_array_header_2_0(stream)
        except ValueError:
            return None, 0
        return record, stream.tell()


def _cut(file: Path, rows: int) -> None:
    """Shorten a file to its first rows."""
    record, offset = _header(file)
    if record is None or not rows:
        file.unlink()
        return
    with file.open("r+b") as stream:
        stream.truncate(offset + rows * record.itemsize)
        stream.write(_head(record, rows))


def _changed(before: np.dtype[np.void], now: np.dtype[np.void], step: int) -> NoReturn:
    """Refuse a row that is not like the rows before it."""
    if before.names != now.names:
        kept, asked = (", ".join((record.names or ())[1:]) for record in (before, now))
        fail("GF064", f"the run's history holds {kept}, the file now asks for {asked}",
             help="leave 'history:' as it was, or begin a new run")  # fmt: skip
    name = next(n for n in now.names or () if before[n] != now[n])
    was, found = (f"{record[name].base}{list(record[name].shape)}" for record in (before, now))
    fail("GF030", f"'{name}' is {found} in step {step + 1} and {was} before: a history needs one "
         "shape", help="drop_last: true under 'data' keeps batches of one size; or keep a mean in "
         "its place")  # fmt: skip
