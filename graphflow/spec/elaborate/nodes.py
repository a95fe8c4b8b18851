"""Lines of a ``nodes:`` section: formulas, checked values, unpacking, pipelines (rules 1, 3)."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ops.builder import Value
from graphflow.spec.document import Annotated, Item, NodeDecl, Pipeline, Repeat
from graphflow.spec.elaborate.blocks import Blocks
from graphflow.spec.elaborate.bound import Bound, Function, Instance, Parts, Poisoned, describe
from graphflow.spec.elaborate.calls import is_operator
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.names import walk
from graphflow.spec.syntax import Call, Expr, Name, Number, Placeholder

TURNS_LIMIT = 1_000


class Nodes(Blocks):
    """Elaborates node declarations one after the other, going on after an error."""

    def loop(self, decl: NodeDecl, scope: Scope, place: Place) -> Bound:
        """A scan, while or cond; the layer above knows regions."""
        raise NotImplementedError

    def node(self, decl: NodeDecl, scope: Scope, place: Place) -> None:
        """Bind the names of one line. An error is kept, and the names are poisoned."""
        try:
            with self.at(place.path):
                for name in decl.names:
                    self.check_name(name, decl.mark, scope)
                value = self.body(decl, scope, place)
                values = self.unpacked(decl, value, place)
                for name, bound in zip(decl.names, values, strict=True):
                    scope.declare(name, bound, decl.mark)
                    self.section.name(name, bound)
        except (GraphflowError, Poisoned) as error:
            if isinstance(error, GraphflowError):
                placed = (d.at(decl.mark) for d in error.diagnostics)
                self.report(GraphflowError(*placed))
            for name in decl.names:
                scope.poison(name, decl.mark)

    def check_name(self, name: str, mark: Mark, scope: Scope) -> None:
        """A node may not take the name of an operator or of a block that its file calls."""
        if name in scope.names:
            return  # declared twice: Scope.declare says so
        module = scope.module or self.module
        called = name in self.library.blocks and name in module.called
        if name in module.blocks or called or is_operator(name):
            fail("GF024", f"'{name}' is the name of a function", mark,
                 help="choose another name for the node")  # fmt: skip

    def body(self, decl: NodeDecl, scope: Scope, place: Place) -> Bound:
        """The value of any kind of body."""
        body = decl.body
        if isinstance(body, Pipeline):
            return self.pipeline(decl.names[0], body, scope, place)
        if isinstance(body, Annotated):
            return self.annotated(body, scope, place)
        if isinstance(body, Expr):
            slot = Slot(place) if len(decl.names) == 1 else Slot(place.child("all"))
            value = self.evaluate(body, scope, slot)
            return self.visible(value, place, body.mark)
        return self.loop(decl, scope, place)

    def visible(self, value: Bound, place: Place, mark: Mark) -> Bound:
        """Functions are no values; everything else may be a node."""
        if isinstance(value, Function | Instance):
            fail("GF022", f"{describe(value)} is not called", mark,
                 help=f"write {value.name}(...)")  # fmt: skip
        return value

    def unpacked(self, decl: NodeDecl, value: Bound, place: Place) -> list[Bound]:
        """One bound per name of the line; several names unpack several results."""
        if len(decl.names) == 1:
            self.alias(place.path, value)
            return [value]
        head = place.path.removesuffix(decl.names[0])
        places = [Place(f"{head}{name}") for name in decl.names]
        values = self.results(value, places, decl.mark)
        for at, bound in zip(places, values, strict=True):
            self.alias(at.path, bound)
        return values

    def alias(self, path: str, value: Bound) -> None:
        """Let people use the name of the line for a node that is called something else."""
        taken = path in self.builder.nodes  # a node of that name, the line's own or an inner one
        if isinstance(value, Value) and value.builder is self.builder and not taken:
            self.builder.aliases.setdefault(path, value.name)

    def annotated(self, body: Annotated, scope: Scope, place: Place) -> Bound:
        """``{is: expression, shape: ..., dtype: ...}``: the annotation must hold."""
        value = self.tensor(self.evaluate(body.is_, scope, Slot(place)), body.mark)
        if body.shape is not None:
            shape = self.shape(body.shape, scope)
            if shape != value.shape:
                fail("GF032", f"the annotation says {_sizes(shape)} but the value is "
                     f"{_sizes(value.shape)}", body.mark)  # fmt: skip
        if body.dtype is not None and self.dtype(body.dtype, body.mark) is not value.dtype:
            fail(
                "GF032",
                f"the annotation says {body.dtype} but the value is {value.dtype}",
                body.mark,
            )
        return value

    # -- pipelines ---------------------------------------------------------------------------
    def pipeline(self, line: str, body: Pipeline, scope: Scope, place: Place) -> Bound:
        """``from: x`` flows ``through:`` one call after another."""
        value = self.evaluate(body.from_, scope, Slot(place, True))
        return self.through(line, body.through, value, scope, place)

    def through(
        self, line: str, items: Sequence[Item], value: Bound, scope: Scope, place: Place
    ) -> Bound:
        """The items of the pipeline of ``line``, one after another."""
        for item in items:
            if isinstance(item, Repeat):
                value = self.repeat(line, item, value, scope, place)
            else:
                value = self.item(item, value, scope, place)
                self.section.name(line, value)
        return value

    def item(self, item: Expr, value: Bound, scope: Scope, place: Place) -> Bound:
        """One call with the flowing value as first argument, or where ``_`` stands. Of several
        values ``out`` flows on.
        """
        inner = Scope(scope)
        inner.declare("_", value, item.mark)
        if isinstance(item, Name):
            item = Call(item.id, (), (), item.mark)
        slot = Slot(place.ordinal(_label(item)))
        if not any(isinstance(part, Placeholder) for part in walk(item)):
            if not isinstance(item, Call):
                fail("GF022", "an item of a pipeline is a call, or uses '_' for the value "
                     "that flows", item.mark)  # fmt: skip
            inner.piped = item, value
        with self.at(slot.place.path):
            result = self.evaluate(item, inner, slot)
        if isinstance(result, Parts):
            result = result.parts.get("out", result)
        self.alias(slot.place.path, result)
        return result

    def repeat(self, line: str, item: Repeat, value: Bound, scope: Scope, place: Place) -> Bound:
        """Turns of a repetition: fresh parameters each, or the first's with ``share``."""
        first = place.next_turn
        every = self.turns(item, scope)
        each = 1 + sum(map(_least_turns, item.through))
        for number, names in enumerate(every):
            self.spend(item.mark, more=(len(every) - number) * each - 1)
            turn = Scope(scope)
            for name, bound in names.items():
                turn.declare(name, bound, item.mark)
            turns = place.turn(item.share, first)
            value = self.through(line, item.through, value, turn, turns)
        return value

    def turns(self, item: Repeat, scope: Scope) -> list[dict[str, Bound]]:
        """What each turn sees: its index, or its row of values."""
        if item.repeat is not None:
            times = self.static(item.repeat.times, scope, "the number of turns")
            if isinstance(times, bool) or not isinstance(times, int) or times < 0:
                fail("GF033", f"the number of turns is a whole number, not {describe(times)}",
                     item.repeat.times.mark)  # fmt: skip
            if times > TURNS_LIMIT:
                fail(
                    "GF004",
                    f"repeat {times}: at most {TURNS_LIMIT:,} turns",
                    item.repeat.times.mark,
                )
            index = item.repeat.index
            return [{} if index is None else {index: i} for i in range(times)]
        assert item.for_ is not None
        rows = self.static(item.for_.values, scope, "the values of 'for'")
        if not isinstance(rows, tuple) or len(rows) > TURNS_LIMIT:
            fail("GF033", "'for' needs a list of values", item.for_.values.mark)
        names = item.for_.names
        if len(names) == 1:
            return [{names[0]: row} for row in rows]
        for row in rows:
            if not isinstance(row, tuple) or len(row) != len(names):
                fail("GF033", f"each row needs {len(names)} values: {', '.join(names)}",
                     item.for_.values.mark)  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in rows]  # type: ignore[arg-type]


def _least_turns(item: Item) -> int:
    """How many turns an item makes at least: as far as its numbers are written out."""
    if not isinstance(item, Repeat) or item.repeat is None:
        return 0
    times = item.repeat.times
    count = times.value if isinstance(times, Number) and isinstance(times.value, int) else 0
    return max(count, 0) * (1 + sum(map(_least_turns, item.through)))


def _label(item: Expr) -> str:
    """How a pipeline's item is called in paths."""
    if isinstance(item, Call):
        return item.function.rpartition(".")[2]
    return "step"


def _sizes(shape: Sequence[object]) -> str:
    return f"[{', '.join(map(str, shape))}]"
