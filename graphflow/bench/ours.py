"""Our side of a measurement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from graphflow.api import load
from graphflow.bench.by import By
from graphflow.bench.rows import Row
from graphflow.model import Model
from graphflow.runtime.threads import blas_threads_for


def model(row: Row, batch: int | None = None) -> Model:
    """The model of a row, for another batch than the table's where one is given."""
    return load(row.path, {"batch": batch or row.batch} if row.fixed else {})


def prepared(row: Row, open_: ExitStack, by: By = "numba") -> Callable[[], object]:
    """What makes one step, on as many threads as a run would use while ``open_`` is open."""
    whole, feed = model(row), row.feed()
    trainer = whole.trainer(backend=by) if by == "cupy" else whole.trainer(kernels=by)
    open_.enter_context(blas_threads_for(trainer.graphs(feed)))
    return lambda: trainer.step(feed)
