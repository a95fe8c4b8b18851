"""Loops and branches: scan, while, cond (rule 7). Their bodies become regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.types import TensorType
from graphflow.ops.builder import Value
from graphflow.spec.document import Branch, Cond, NodeDecl, Scan, While
from graphflow.spec.elaborate import static
from graphflow.spec.elaborate.bound import Bound, Parts, Poisoned, describe
from graphflow.spec.elaborate.nodes import Nodes
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.regions import Region
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Expr

MAX_STEPS = 10_000
MOST_STEPS = 1_000_000


class Loops(Nodes):
    """Elaborates control structures."""

    def loop(self, decl: NodeDecl, scope: Scope, place: Place) -> Bound:
        body = decl.body
        if isinstance(body, Scan):
            return self.scan(body, scope, place)
        if isinstance(body, While):
            return self.while_loop(body, scope, place)
        assert isinstance(body, Cond)
        return self.cond(body, scope, place)

    @contextmanager
    def region(self, turn: bool = False) -> Iterator[Region]:
        """New nodes go into a fresh region inside this block."""
        region = Region(turn)
        self.regions.append(region)
        try:
            yield region
        finally:
            self.regions.pop()
        self.section.include(region.open[0])

    def inside(self, node: Value, **regions: Region) -> None:
        """Note what happened in the regions of a control operator, by the attribute of each."""
        graphs = node.node.attributes()
        found = self.section.regions[node.name] = {}
        for key, region in regions.items():
            graph = graphs[key]
            assert isinstance(graph, Graph)
            found[key] = region.section(graph)

    def values(self, exprs: Mapping[str, Expr], scope: Scope, place: Place) -> dict[str, Value]:
        """Named expressions as tensors; each at a place of its own."""
        found = {}
        for name, expr in exprs.items():
            value = self.evaluate(expr, scope, Slot(place.child(f"{name}.start")))
            found[name] = self.tensor(value, expr.mark)
        return found

    def scan(self, body: Scan, scope: Scope, place: Place) -> Bound:
        carry = self.values(body.carry, scope, place)
        over = self.values(body.over, scope, place)
        length = self.scan_length(body, over, scope)
        backwards = body.reverse
        if not isinstance(backwards, bool):
            backwards = static.truth(self.static(backwards, scope, "'reverse'"), backwards.mark)
        with self.region(turn=True) as region:
            inner, names = Scope(scope), []
            for name, value in (*carry.items(), *over.items()):
                type = value.tensor if name in carry else value.tensor.with_shape(value.shape[1:])
                leaf = region.builder.input(f"{place.path}.{name}", type)
                names.append(leaf.name)
                inner.declare(name, leaf, body.mark)
                inner.names[leaf.name] = leaf
            after = self.turn(body, carry, inner, place)
            collected = [self.collected(n, inner, place, body.mark) for n in body.collect]
            graph = region.close(names, [v.name for v in (*after, *collected)])
        sequences = list(over.values())
        if region.rng is not None:
            keys = self.emit("rng_split", [self.key()], place.child("keys"), body.mark, n=length)
            sequences.append(keys)
        captured = [self.local(v) for v in region.outside]
        result = self.emit(
            "scan", [*carry.values(), *sequences, *captured], place, body.mark,
            body=graph, carries=len(carry), sequences=len(sequences), length=length,
            reverse=backwards,
        )  # fmt: skip
        self.inside(result, body=region)
        return self.loop_parts(result, list(carry), list(body.collect), place, body.mark)

    def scan_length(self, body: Scan, over: Mapping[str, Value], scope: Scope) -> int | Symbolic:
        """The number of turns: ``steps``, or the length of axis 0 of every sequence."""
        if body.steps is not None:
            steps = self.static(body.steps, scope, "'steps'")
            if isinstance(steps, bool) or not isinstance(steps, int | Symbolic):
                fail("GF033", f"'steps' is a whole number, not {describe(steps)}", body.steps.mark)
            return steps
        for name, value in over.items():
            if not value.shape:
                fail("GF030", f"scan reads '{name}' along axis 0, but it is one number",
                     body.over[name].mark)  # fmt: skip
        lengths = {name: value.shape[0] for name, value in over.items()}
        first, *others = lengths.values()
        if any(length != first for length in others):
            shown = ", ".join(f"{n} has {d}" for n, d in lengths.items())
            fail("GF030", f"the sequences of a scan differ in length: {shown}", body.mark)
        return first

    def turn(
        self, body: Scan | While, carry: Mapping[str, Value], scope: Scope, place: Place
    ) -> list[Value]:
        """One turn: its lines, then what is carried on. Every error in it is found."""
        before = len(self.errors)
        self.lines(body.nodes, scope, place)
        after = []
        for name, value in carry.items():
            try:
                after.append(self.carried(name, body.next[name], scope, place, value.tensor))
            except GraphflowError as error:
                self.report(error)
            except Poisoned:
                continue
        if len(self.errors) > before or len(after) < len(carry):
            raise Poisoned(place.path)
        return after

    def lines(self, nodes: Sequence[NodeDecl], scope: Scope, place: Place) -> None:
        """The lines of a region."""
        for decl in nodes:
            whole = "." in decl.names[0]  # as graphflow expand writes them
            self.node(decl, scope, Place(decl.names[0]) if whole else place.child(decl.names[0]))

    def carried(self, name: str, expr: Expr, scope: Scope, place: Place, type: TensorType) -> Value:
        """The next value of a carried name: the same type as before."""
        after = place.child(f"{name}.next")
        value = self.evaluate(expr, scope, Slot(after))
        tensor = self.local(self.tensor(value, expr.mark, type.dtype))
        if tensor.shape != type.shape:
            fail("GF034", f"'{name}' enters a turn as {type} but leaves it as {tensor.type}",
                 expr.mark, help="'next' must have the shape of 'carry'")  # fmt: skip
        origin = Origin(self.origin_mark(expr.mark), self.node_path, self.phase)
        with tensor.builder.within(after.path, origin):
            return tensor.cast(type.dtype)

    def collected(self, name: str, scope: Scope, place: Place, mark: Mark) -> Value:
        """A value of the body that is stacked over the turns."""
        if not scope.get(name)[0] and scope.get(f"{place.path}.{name}")[0]:
            name = f"{place.path}.{name}"
        return self.local(self.tensor(scope.lookup(name, mark), mark))

    def loop_parts(
        self, result: Value, carries: list[str], collect: list[str], place: Place, mark: Mark
    ) -> Parts:
        """``name.h_next`` is stacked over time, ``name.final.h`` the last carried value."""
        final = {
            n: self.emit("item", [result], place.child(f"final.{n}"), mark, index=i)
            for i, n in enumerate(carries)
        }
        stacked: dict[str, Bound] = {
            n: self.emit("item", [result], place.child(n), mark, index=len(carries) + i)
            for i, n in enumerate(collect)
        }
        return Parts(place.path, {**stacked, "final": Parts(f"{place.path}.final", dict(final))})

    def while_loop(self, body: While, scope: Scope, place: Place) -> Bound:
        carry = self.values(body.carry, scope, place)
        limit = MAX_STEPS
        if body.max_steps is not None:
            found = self.static(body.max_steps, scope, "'max_steps'")
            if isinstance(found, bool) or not isinstance(found, int):
                fail("GF033", f"'max_steps' is a whole number, not {describe(found)}",
                     body.max_steps.mark)  # fmt: skip
            if found > MOST_STEPS:
                fail("GF004", f"'max_steps' is at most {MOST_STEPS:,}", body.max_steps.mark)
            limit = found
        with self.region() as condition:
            inner, first = self.carry_scope(condition, carry, scope, place, body.mark)
            test = self.evaluate(body.condition, inner, Slot(place.child("condition")))
            tested = self.local(self.tensor(test, body.condition.mark))
        with self.region() as region:
            inner, names = self.carry_scope(region, carry, scope, place, body.mark)
            after = self.turn(body, carry, inner, place)
        captured = self.shared_captures([condition, region])
        result = self.emit(
            "while_loop", [*carry.values(), *captured], place, body.mark,
            condition=condition.close(first, [tested.name]),
            body=region.close(names, [v.name for v in after]),
            carries=len(carry), max_steps=limit,
        )  # fmt: skip
        self.inside(result, condition=condition, body=region)
        parts = self.loop_parts(result, list(carry), [], place, body.mark)
        final = parts.parts["final"]
        assert isinstance(final, Parts)
        for name, value in final.parts.items():
            self.alias(f"{place.path}.{name}", value)
        return Parts(place.path, {**final.parts, **parts.parts})

    def carry_scope(
        self, region: Region, carry: Mapping[str, Value], scope: Scope, place: Place, mark: Mark
    ) -> tuple[Scope, list[str]]:
        """A scope whose carried names are inputs of the region."""
        inner, names = Scope(scope), []
        for name, value in carry.items():
            leaf = region.builder.input(f"{place.path}.{name}", value.tensor)
            names.append(leaf.name)
            inner.declare(name, leaf, mark)
            inner.names[leaf.name] = leaf
        return inner, names

    def shared_captures(self, regions: Sequence[Region]) -> list[Value]:
        """Regions of one operator take the same captured operands, in one order."""
        outside: dict[str, Value] = {}
        for region in regions:
            outside.update({v.name: v for v in region.outside})
        for region in regions:
            region.captured = {n: region.capture(v).name for n, v in outside.items()}
        return [self.local(v) for v in outside.values()]

    def cond(self, body: Cond, scope: Scope, place: Place) -> Bound:
        """``cond:`` picks a branch while running; both must give the same type."""
        value = self.evaluate(body.if_, scope, Slot(place.child("condition")))
        condition = self.tensor(value, body.if_.mark)
        branches, results = [], []
        for name, branch in (("then", body.then), ("orelse", body.else_)):
            with self.region() as region:
                results.append(self.branch(branch, Scope(scope), place.child(name)))
            branches.append(region)
        captured = self.shared_captures(branches)
        then, orelse = (r.close([], [v.name]) for r, v in zip(branches, results, strict=True))
        node = self.emit(
            "cond", [condition, *captured], place.child("cond"), body.mark, then=then, orelse=orelse
        )
        self.inside(node, then=branches[0], orelse=branches[1])
        return self.emit("item", [node], place, body.mark, index=0)

    def branch(self, branch: Branch, scope: Scope, place: Place) -> Value:
        before = len(self.errors)
        self.lines(branch.nodes, scope, place)
        if len(self.errors) > before:
            raise Poisoned(place.path)
        value = self.tensor(self.evaluate(branch.out, scope, Slot(place)), branch.mark)
        return self.local(value)
