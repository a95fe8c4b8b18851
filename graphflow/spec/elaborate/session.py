"""What one elaboration knows: the graph under construction, leaves, regions, errors found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeVar

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, Note, fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr, Origin, Phase
from graphflow.ir.types import TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import BlockDecl, Document
from graphflow.spec.elaborate.bound import Bound, Function, Poisoned
from graphflow.spec.elaborate.calltree import OpenCall, Opened
from graphflow.spec.elaborate.leaves import Leaf
from graphflow.spec.elaborate.places import Place
from graphflow.spec.elaborate.regions import Region
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.values import Value as Tree

T = TypeVar("T")
NODE_LIMIT = 100_000
DEPTH_LIMIT = 50
COUNTERS = {"step": "train.step", "epoch": "train.epoch"}
"""What schedules count by, and the states that hold it where a file's own nodes read it."""
READER = "epoch_metric"
"""What schedules call to read a metric: a function that training alone offers."""


@dataclass
class Module:
    """One file's names: its blocks, the files it uses, and whether it is our library."""

    blocks: Mapping[str, BlockDecl]
    let: Scope
    uses: Mapping[str, Module] = field(default_factory=dict)
    called: frozenset[str] = frozenset()
    library: bool = False
    tree: Tree | None = None
    """What the file holds, where another one uses it."""


class Session:
    """The state of one elaboration. Higher layers add expressions, calls, blocks, loops."""

    def __init__(self, document: Document, module: Module, library: Module) -> None:
        self.document, self.module, self.library = document, module, library
        self.root = Region()
        self.regions = [self.root]
        self.errors: list[Diagnostic] = []
        self.leaves: dict[str, Leaf] = {}
        self.updates: dict[str, Value] = {}
        self.vectors: dict[str, Callable[[Value, Mark], None]] = {}
        """Where the new value goes of a vector that several leaves are joined to."""
        self.substitutes: dict[str, Value] = {}
        self.symbols: dict[str, Dim] = {}
        self.scope = Scope(module.let)
        """The names of the document's own sections."""
        self.fed: Mapping[str, TensorType] = {}
        """Inputs that an initial value may copy."""
        self.context: Mapping[str, Bound] = {}
        """Names that blocks called now see besides their own: fans, the step, the epoch."""
        self.max_nodes = NODE_LIMIT
        self.work = 0
        self.phase: Phase = "forward"
        self.counts = False
        """Whether expressions may read the step and the epoch: a document's nodes may."""
        self.node_path = ""
        self.calls: list[tuple[Function, Mark]] = []
        self.serial = count()
        nodes = (decl.names for decl in document.nodes)
        declared = (document.inputs, document.params, document.state, *nodes)
        self.key_name = "rng.key" if any("rng" in names for names in declared) else "rng"

    @contextmanager
    def at(
        self,
        path: str,
        *,
        context: Mapping[str, Bound] | None = None,
        phase: Phase | None = None,
    ) -> Iterator[None]:
        """New nodes belong to the line ``path`` (and to another context, phase) in this block."""
        saved = self.node_path, self.context, self.phase
        self.node_path = path
        self.context = self.context if context is None else context
        self.phase = phase or self.phase
        try:
            yield
        finally:
            self.node_path, self.context, self.phase = saved

    @property
    def builder(self) -> Builder:
        """Where new nodes go: the innermost region."""
        return self.regions[-1].builder

    def local(self, value: Value) -> Value:
        """``value`` as the innermost region sees it."""
        levels = [i for i, r in enumerate(self.regions) if r.builder is value.builder]
        if not levels:
            fail("GF026", f"'{value.name}' is not known before the first step",
                 help="an initial value may use sizes, inputs and other numbers; an initialiser "
                 "is given by name: weight_init=normal(std=0.1)")  # fmt: skip
        level = levels[0]
        for region in self.regions[level + 1 :]:
            value = region.capture(value)
        return value

    def key(self) -> Value:
        """The random key here."""
        if len(self.regions) == 1:
            return self.builder.rng(self.key_name)
        if not all(region.turn for region in self.regions[1:]):
            fail(
                "GF026",
                "random numbers cannot be drawn inside while: or cond:",
                help="draw them before, and use the result inside",
            )
        return self.regions[-1].key()

    def emit(
        self, op: str, inputs: Sequence[Value], place: Place, mark: Mark | None, **attrs: Attr
    ) -> Value:
        """Append a node; errors of its rule are placed at ``mark`` and name the operands."""
        if sum(len(r.builder.nodes) for r in self.regions) > self.max_nodes:
            fail("GF004", f"more than {self.max_nodes:,} nodes", mark,
                 help="load(..., max_nodes=...) or --max-nodes allows more")  # fmt: skip
        try:
            operands = [self.local(v) for v in inputs]
            with self.builder.within(
                place.path, Origin(self.origin_mark(mark), self.node_path, self.phase)
            ):
                return self.builder.add(op, *operands, name=place.path, **attrs)
        except GraphflowError as error:
            raise GraphflowError(
                *(self._placed(d, mark, inputs) for d in error.diagnostics)
            ) from None

    def _placed(
        self, diagnostic: Diagnostic, mark: Mark | None, inputs: Sequence[Value]
    ) -> Diagnostic:
        if diagnostic.mark is not None:
            return diagnostic
        notes = list(diagnostic.notes)
        for value in dict.fromkeys(inputs):
            origin = value.builder.origins.get(value.name, Origin())
            if value.node.op != "constant" and origin.mark != mark:
                notes.append(Note(f"'{value.name}' is {value.type}", origin.mark))
        return Diagnostic(diagnostic.code, diagnostic.message, mark, tuple(notes), diagnostic.help)

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run one part; keep its errors and go on."""
        try:
            return action()
        except GraphflowError as error:
            self.report(error)
        except Poisoned:
            pass
        return None

    def report(self, error: GraphflowError) -> None:
        """Keep the findings of one line, each place once, and go on with the next line."""
        seen = {(d.code, d.mark) for d in self.errors}
        for diagnostic in error.diagnostics:
            placed = self.seen_from_the_file(diagnostic)
            if (placed.code, placed.mark) not in seen:
                self.errors.append(placed)

    def seen_from_the_file(self, diagnostic: Diagnostic) -> Diagnostic:
        """An error inside a block with a note where the block is called.

        Inside the library it is placed at the user's own call: that is the line to mend.
        """
        if not self.calls:
            return diagnostic
        outside = [i for i, (function, _) in enumerate(self.calls) if function.library]
        if outside:
            function, mark = self.calls[outside[0]]
            notes = list(diagnostic.notes)
            if diagnostic.mark not in (None, mark):
                notes.append(Note(f"inside '{function.name}'", diagnostic.mark))
            return replace(diagnostic, mark=mark, notes=tuple(notes))
        function, mark = self.calls[-1]
        note = Note(f"'{function.name}' is called here", mark)
        return replace(diagnostic.at(mark), notes=(*diagnostic.notes, note))

    def known_call(self) -> tuple[Function, Mark]:
        """The innermost call under the name and at the place that its caller knows.

        Inside ``convolution``, all that the library's ``conv2d`` does, it is that of ``conv2d``.
        """
        index = len(self.calls) - 1
        while index and self.calls[index - 1][0].forwards:
            index -= 1
        return self.calls[index]

    def spend(self, mark: Mark | None, more: int = 0) -> None:
        """Count a call or a turn: as many as nodes at most, with ``more`` that are to follow."""
        self.work += 1
        if self.work > self.max_nodes + 1:
            raise Poisoned  # said once: everything else of such a file stays unread
        if self.work + more > self.max_nodes:
            self.work = self.max_nodes + 1
            fail("GF004", f"more than {self.max_nodes:,} calls of blocks and turns of repeats",
                 mark, help="--max-nodes, or load(..., max_nodes=...), allows more")  # fmt: skip

    @contextmanager
    def called(self, function: Function, mark: Mark) -> Iterator[None]:
        """One block inside another; endless recursion ends in a diagnostic."""
        if len(self.calls) >= DEPTH_LIMIT:
            fail("GF004", f"blocks call each other more than {DEPTH_LIMIT} deep", mark,
                 help="a block must not call itself")  # fmt: skip
        self.spend(mark)
        self.calls.append((function, mark))
        try:
            yield
        finally:
            self.calls.pop()

    @property
    def section(self) -> Opened:
        """Where what happens is noted: the innermost call of the innermost region."""
        return self.regions[-1].open[-1]

    @contextmanager
    def noted(self, function: Function, mark: Mark) -> Iterator[OpenCall]:
        """Note one call of a block and what happens in it."""
        region, outer = self.regions[-1], self.section
        nodes = region.builder.nodes
        call = OpenCall(len(nodes), function=function, mark=mark)
        region.open.append(call)
        try:
            yield call
        finally:
            region.open.pop()
        call.end = len(nodes)
        outer.inner.append(call)
        outer.include(call)

    def origin_mark(self, mark: Mark | None) -> Mark | None:
        """Where a node comes from as the user sees it: the call, for nodes of library blocks."""
        for function, called in self.calls:
            if function.library:
                return called
        return mark

    def make_leaf(self, op: str, leaf: Leaf, scope_mark: Mark | None = None) -> Value:
        """The parameter or state of this name: created once, shared by every later call."""
        if leaf.name in self.substitutes:
            self.section.replaced = True
            return self.substitutes[leaf.name]
        value = self._leaf(op, leaf, scope_mark)
        self.section.leaves[leaf.name] = value.node
        return value

    def _leaf(self, op: str, leaf: Leaf, scope_mark: Mark | None) -> Value:
        builder = self.root.builder
        known = self.leaves.get(leaf.name)
        if known is not None:
            if known.type != leaf.type:
                fail(
                    "GF030",
                    f"'{leaf.name}' is {known.type} but this call needs {leaf.type}",
                    scope_mark or leaf.mark,
                    help="every call of an instance shares one set of parameters; use a block "
                    "for layers of their own",
                )
            return builder.value(leaf.name)
        self.leaves[leaf.name] = leaf
        with builder.within("", Origin(self.origin_mark(leaf.mark), leaf.name)):
            return builder.leaf(op, leaf.name, leaf.type)
