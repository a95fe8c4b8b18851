"""Golden values: running the ``check:`` entries of a file (rule 14).

Every entry feeds a graph and compares values, gradients and updated leaves with numbers from an
independent source, in float64 unless the entry is loose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graphflow.backends.sets import BackendName
from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, did_you_mean, fail, placed
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array
from graphflow.passes.specialise import specialise
from graphflow.runtime.compile import Mode
from graphflow.runtime.program import Program
from graphflow.runtime.store import LeafView, Store
from graphflow.spec.document import CheckDecl, Document
from graphflow.spec.elaborate import Elaborated
from graphflow.spec.kinds import mark_of
from graphflow.spec.leaves import Numbers
from graphflow.spec.syntax import Expr, Name
from graphflow.training.iteration import Iteration
from graphflow.training.trainer import Trainer

RTOL, ATOL = 1e-6, 1e-9
WHOLE = 8
"""Numbers of an array up to which all are shown."""


class Checked(Protocol):
    """What a check needs of a model."""

    elaborated: Elaborated
    graph: Graph
    store: Store

    @property
    def document(self) -> Document: ...

    @property
    def parameters(self) -> LeafView: ...

    @property
    def state(self) -> LeafView: ...

    def compile(
        self, of: str | None = None, wrt: Sequence[str] | None = None, *, mode: Mode, dtype: str,
        keep: Sequence[str], seed: int, backend: BackendName,
    ) -> Program: ...  # fmt: skip

    def stepping(self, *, dtype: str, seed: int, backend: BackendName) -> Trainer | Iteration: ...


@dataclass(frozen=True, eq=False)
class CheckResult:
    """One compared name of one entry: ``kind`` is value, gradient or updated."""

    about: str
    kind: str
    name: str
    expected: Array
    got: Array
    passed: bool
    mark: Mark

    @property
    def error(self) -> float:
        """The largest absolute difference."""
        if self.expected.shape != self.got.shape:
            return float("inf")
        return float(np.max(np.abs(self.expected - self.got), initial=0.0))

    def message(self) -> str:
        """A line that says what differs."""
        if self.expected.shape != self.got.shape:
            shapes = f"the shape {list(self.expected.shape)}, got {list(self.got.shape)}"
            return f"{self.kind} of '{self.name}': expected {shapes}"
        close = self.error <= 1e-3 * float(np.max(np.abs(self.expected), initial=1e-3))
        hint = "; 'tolerance:' allows for digits left out" if close else ""
        return (
            f"{self.kind} of '{self.name}': expected {_shown(self.expected)}, "
            f"got {_shown(self.got)} (off by {self.error:.3g}{self._place()}{hint})"
        )

    def _place(self) -> str:
        """Where an array that is not shown whole differs most, with both numbers."""
        if self.expected.size <= WHOLE:
            return ""
        gaps = np.abs(np.subtract(self.expected, self.got, dtype=np.float64))
        worst = np.unravel_index(np.argmax(gaps), gaps.shape)  # the first nan, if there is one
        shown = ", ".join(str(int(i)) for i in worst)
        return f" at [{shown}]: expected {self.expected[worst]:.8g}, got {self.got[worst]:.8g}"


def run_checks(model: Checked, backend: BackendName = "numpy") -> list[CheckResult]:
    """Run every ``check:`` entry. Parameters and states are left as they were."""
    results: list[CheckResult] = []
    for entry in model.document.check:
        with model.store.preserved(), placed(entry.mark):
            results += _run(model, entry, backend)
    return results


def check_feed(model: Checked, entry: CheckDecl) -> dict[str, Array]:
    """What an entry feeds, as arrays."""
    return {name: _array(model, value) for name, value in entry.feed.items()}


def _run(model: Checked, entry: CheckDecl, backend: BackendName) -> list[CheckResult]:
    for name, value in entry.params.items():
        with placed(mark_of(entry.params, name, entry.mark)):
            view = model.state if name in model.state else model.parameters
            view[name] = _array(model, value)
    _names_exist(model, entry)
    feed = check_feed(model, entry)
    results: list[CheckResult] = []
    if entry.expect or entry.gradients:
        results += _values_and_gradients(model, entry, feed, backend)
    if entry.updated:
        results += _updated(model, entry, feed, backend)
    return results


def _names_exist(model: Checked, entry: CheckDecl) -> None:
    """Every name of an entry is a node, or for ``updated:`` a parameter or state."""
    graph = model.graph
    nodes = [*graph.nodes, *graph.aliases]
    found = []
    for section in (entry.feed, entry.expect, entry.gradients):
        for name in section:
            if name not in graph:
                found.append(_unknown("node", name, nodes, mark_of(section, name, entry.mark)))
    leaves = [*model.parameters, *model.state]
    for name in entry.updated:
        if name not in leaves:
            mark = mark_of(entry.updated, name, entry.mark)
            found.append(_unknown("parameter or state", name, leaves, mark))
    if found:
        raise GraphflowError(*found)


def _unknown(kind: str, name: str, known: Sequence[str], mark: Mark) -> Diagnostic:
    help = did_you_mean(name, known)
    return Diagnostic("GF020", f"no {kind} is called '{name}'", mark, help=help)


def _values_and_gradients(
    model: Checked, entry: CheckDecl, feed: Mapping[str, Array], backend: BackendName
) -> list[CheckResult]:
    of = _scalar_name(model, entry)
    names = list(entry.expect)
    program = model.compile(
        of if of is not None else names[0],
        list(entry.gradients) or None,
        mode="train" if entry.mode == "train" else "eval",
        dtype="float64", keep=names, seed=entry.seed, backend=backend,
    )  # fmt: skip
    result = program(feed)
    found = [_compare(entry, "value", n, v, result.values[n]) for n, v in entry.expect.items()]
    return found + [
        _compare(entry, "gradient", n, v, result.gradients[n]) for n, v in entry.gradients.items()
    ]


def _updated(
    model: Checked, entry: CheckDecl, feed: Mapping[str, Array], backend: BackendName
) -> list[CheckResult]:
    """Leaves after the steps of training, or of the file's run."""
    stepping = model.stepping(dtype="float64", seed=entry.seed, backend=backend)
    for _ in range(entry.steps):
        stepping.step(feed)
    return [
        _compare(entry, "updated", name, value, stepping.store.copied(name))
        for name, value in entry.updated.items()
    ]


def _scalar_name(model: Checked, entry: CheckDecl) -> str | None:
    """The node that ``gradient_of`` names: one number."""
    expr = entry.gradient_of
    if expr is None:
        return None
    if not isinstance(expr, Name):
        fail("GF090", "gradient_of names a node", expr.mark)
    if expr.id not in model.graph:
        nodes = [*model.graph.nodes, *model.graph.aliases]
        raise GraphflowError(_unknown("node", expr.id, nodes, expr.mark))
    type = model.graph[expr.id].tensor
    if type.shape != ():
        fail("GF090", f"gradient_of needs one number, but '{expr.id}' is {type}", expr.mark,
             help="name a node that reduces it with sum or mean")  # fmt: skip
    return expr.id


def _compare(entry: CheckDecl, kind: str, name: str, expected: Numbers, got: Array) -> CheckResult:
    tolerance = entry.tolerance
    rtol = RTOL if tolerance is None or tolerance.rtol is None else tolerance.rtol
    atol = ATOL if tolerance is None or tolerance.atol is None else tolerance.atol
    wanted = np.asarray(expected, dtype=np.float64)
    value = np.asarray(got, dtype=np.float64)
    passed = wanted.shape == value.shape and bool(
        np.allclose(value, wanted, rtol=rtol, atol=atol, equal_nan=True)
    )
    sections = {"value": entry.expect, "gradient": entry.gradients, "updated": entry.updated}
    mark = mark_of(sections[kind], name, entry.mark)
    return CheckResult(entry.about, kind, name, wanted, value, passed, mark)


def _array(model: Checked, value: Numbers | Expr) -> Array:
    """Numbers as written, or an expression over ``let`` and operators without tensors."""
    if isinstance(value, int | float | list):
        return np.asarray(value)
    graph = model.elaborated.value_graph(value)
    concrete = specialise(graph, {}, DType.FLOAT64, training=False)
    key = np.zeros(2, dtype=np.int64)
    found = evaluate(concrete, {leaf.name: key for leaf in concrete.leaves("rng")})
    return np.asarray(found[concrete.outputs[0]])


def _shown(value: Array) -> str:
    return np.array2string(value, precision=8, threshold=WHOLE)
