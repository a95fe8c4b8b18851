"""Blocks and instances: structures that own parameters and state (rules 4 and 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ir.graph import Origin
from graphflow.ir.types import DType, TensorType, dtype_named, dtype_names
from graphflow.ops.builder import F, Value
from graphflow.spec.document import BlockDecl, NodeDecl, ParamDecl, StateDecl
from graphflow.spec.elaborate import static
from graphflow.spec.elaborate.binding import Arguments, bind
from graphflow.spec.elaborate.bound import Bound, Function, Parts, Poison, Poisoned, describe
from graphflow.spec.elaborate.calls import Calls
from graphflow.spec.elaborate.calltree import OpenCall, tell_apart
from graphflow.spec.elaborate.leaves import Initial, Leaf
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import COUNTERS
from graphflow.spec.names import BY_NAME, listed
from graphflow.spec.syntax import Number

WORD = re.compile(r"\w*")
PLACE = re.compile(r"\{(\w+(?:!s)?)\}")


class Blocks(Calls):
    """Calls of blocks: each makes its nodes at a place of its own."""

    def node(self, decl: NodeDecl, scope: Scope, place: Place) -> None:
        """One line of a ``nodes:`` section; the layer above knows every kind of body."""
        raise NotImplementedError

    def call_block(self, function: Function, arguments: Arguments, slot: Slot) -> Bound:
        instance = function.instance
        if instance is None:
            assert function.block is not None and function.home is not None
            return self.instantiate(function, arguments, slot.claim(function.name))
        place = Place(slot.claim(instance.name).path, instance.name)
        given: dict[str, Bound] = {**instance.kwargs, **arguments.keywords}
        replaced = self.replaced_parameters(instance.name, given.pop("params", None), arguments)
        inputs = list(arguments.positional)
        keywords = self._instance_arguments(instance.function, instance.args, given)
        merged = Arguments(inputs, keywords, arguments.marks, arguments.mark)
        saved, self.substitutes = self.substitutes, self.substitutes | replaced
        try:
            return self.instantiate(instance.function, merged, place)
        finally:
            self.substitutes = saved

    def _instance_arguments(
        self, function: Function, args: Sequence[Bound], given: Mapping[str, Bound]
    ) -> dict[str, Bound]:
        """The arguments written where the instance was declared, by name."""
        assert function.block is not None
        names = [a.name for a in function.block.args]
        return {**dict(zip(names, args, strict=False)), **given}

    def replaced_parameters(
        self, owner: str, given: Bound, arguments: Arguments
    ) -> dict[str, Value]:
        """``net(x, params=fast)``: values that stand in for the instance's parameters."""
        if given is None:
            return {}
        names = self.owned_by(owner)
        mark = arguments.mark_of("params")
        values = given if isinstance(given, tuple) else (given,)
        if len(values) != len(names):
            fail(
                "GF022",
                f"'{owner}' has {len(names)} parameters, {len(values)} are given",
                mark,
                help=f"call {owner} once before; its parameters are {', '.join(names)}",
            )
        replaced = {n: self.tensor(v, mark) for n, v in zip(names, values, strict=True)}
        for name, value in replaced.items():
            if value.tensor != self.leaves[name].type:
                fail("GF030", f"'{name}' is {self.leaves[name].type}, not {value.tensor}", mark)
        return replaced

    def instantiate(self, function: Function, arguments: Arguments, place: Place) -> Bound:
        """One call of a block: bind arguments, make leaves, build nodes, read outputs."""
        block, home = function.block, function.home
        assert block is not None and home is not None
        with self.noted(function, arguments.mark) as call:
            scope = self.bind_block(function.name, block, home, arguments)
            call.aliases = tell_apart(block.inputs, scope.names, self.local, self.serial)
            call.arguments = dict(scope.names)
            call.result = self.built(call, block, scope, place)
        return call.result

    def built(self, call: OpenCall, block: BlockDecl, scope: Scope, place: Place) -> Bound:
        """The nodes of one call, its arguments bound; what it gives."""
        before = len(self.errors)
        result: Bound = None
        with self.called(call.function, call.mark):
            try:
                self.check_requirements(block, scope)
                place = self.unshared(block, place)
                call.path, call.owner = place.path, place.owner
                self.make_leaves(block, scope, place)
                for decl in block.nodes:
                    self.node(decl, scope, self.node_place(block, decl, place))
                self.block_updates(block, scope, place)
                result = self.outputs(block, scope, place)
            except GraphflowError as error:
                self.report(error)
        if len(self.errors) > before:
            raise Poisoned(call.function.name)
        return result

    def unshared(self, block: BlockDecl, place: Place) -> Place:
        """A place where the block's parameters and states are its own.

        ``b: twice(linear(x))`` has a layer at ``b.linear``, and the line inside ``twice`` that
        ends in ``linear(linear(x))``, at ``b``, has one, too: that is ``b.linear2``. Calls of one
        instance, and turns that share, have another owner than path, and mean to share.
        """
        owned = [*block.params, *block.state]

        def taken(path: str) -> bool:
            return any(f"{path}.{leaf}" in self.leaves for leaf in owned)

        if place.owner != place.path or not taken(place.path):
            return place
        name = self.known_call()[0].name
        nested = place.path.rpartition(".")[2] == name
        base = place.path if nested else f"{place.path}.{name}"
        paths = (f"{base}{n}" if n > 1 else base for n in count(1))
        return Place(next(path for path in paths if not taken(path)))

    def node_place(self, block: BlockDecl, decl: NodeDecl, place: Place) -> Place:
        """The single output of a block lives at the block's own path."""
        if len(block.outputs) == 1 and decl.names == block.outputs:
            return Place(place.path, place.owner)
        return place.child(decl.names[0])

    def bind_block(self, name: str, block: BlockDecl, home: Scope, arguments: Arguments) -> Scope:
        """The scope of one call: inputs and arguments, over ``let`` of the block's file."""
        names = [*block.inputs, *(a.name if a else BY_NAME for a in listed(block.args))]
        given = bind(name, names, arguments)
        scope = Scope(home)
        if self.context:
            scope.names.update(self.context)
            scope = Scope(scope)
        for required in block.inputs:
            if required not in given:
                fail("GF022", f"{name} needs '{required}'", arguments.mark,
                     help=f"its arguments are {name}({', '.join(names)})")  # fmt: skip
            value = given[required]
            if isinstance(value, Poison):
                raise Poisoned(required)
            if static.is_table(value):
                value = self.tensor(value, arguments.mark_of(required))
            scope.declare(required, value, None)
        for argument in block.args:
            if argument.name in given:
                scope.declare(argument.name, given[argument.name], arguments.mark_of(argument.name))
            elif argument.default is None:
                fail("GF022", f"{name} needs '{argument.name}'", arguments.mark,
                     help=f"its arguments are {name}({', '.join(names)})")  # fmt: skip
            else:
                slot = Slot(self.nowhere(), True)
                value = self.argument(argument.name, argument.default, scope, slot)
                scope.declare(argument.name, value, None)
        return scope

    def check_requirements(self, block: BlockDecl, scope: Scope) -> None:
        """The block's own static checks, with its own words."""
        for requirement in block.require:
            try:
                value = self.evaluate(requirement.that, scope, Slot(self.nowhere(), True))
                holds = static.truth(value, requirement.mark)
            except static.NotNumbers:
                holds = False
            if not holds:
                function, mark = self.known_call()
                fail("GF030", filled(requirement.message, function.name, scope.names), mark)

    # -- leaves ------------------------------------------------------------------------------
    def make_leaves(self, block: BlockDecl, scope: Scope, place: Place) -> None:
        """The block's parameters and states, at the place of its owner."""
        library = scope.module is not None and scope.module.library
        for name, decl in block.params.items():
            given = scope.names.get(name, True)
            if given is not True or not self.exists(decl, scope):
                scope.names[name] = None if given is False or given is True else given
                continue
            layout = "out_in" if library else "in_out"
            scope.names[name] = self.parameters(name, decl, scope, layout, place)
        for name, state in block.state.items():
            value = None
            if self.exists(state, scope):
                value = self.pending(self.state(place.child(name).owner, state, scope))
            scope.declare(name, value, state.mark)

    def exists(self, decl: ParamDecl | StateDecl, scope: Scope) -> bool:
        """Whether a parameter's or state's ``when:`` holds."""
        return decl.when is None or static.truth(self.static(decl.when, scope, "'when'"), decl.mark)

    def parameters(
        self, name: str, decl: ParamDecl, scope: Scope, layout: str, place: Place
    ) -> Bound:
        """What a declaration stands for: a parameter, or with ``for:`` the list of several."""
        if decl.name is None:
            return self.parameter(place.child(name).owner, decl, scope, layout)
        found: dict[str, Value] = {}
        for values in self.turns_of_counter(decl, scope):
            called = decl.name.format_map(values)
            if called in found:
                fail("GF024", f"'{called}' is declared twice", decl.mark)
            turn = Scope(scope)
            turn.names.update(values)
            owner = place.child(called).owner
            found[called] = self.parameter(owner, decl, turn, layout)
        return tuple(found.values())

    def turns_of_counter(self, decl: ParamDecl, scope: Scope) -> Iterator[dict[str, Bound]]:
        """The values of each turn of a parameter's ``for:``: numbers and words, fit for a name."""
        wheels = []
        for name, expr in decl.for_.items():
            values = self.static(expr, scope, "the values of 'for'")
            fits = isinstance(values, tuple) and all(WORD.fullmatch(str(v)) for v in values)
            if not isinstance(values, tuple) or not fits:
                fail("GF033", f"'{name}' takes a list of whole numbers or words, not "
                     f"{describe(values)}", expr.mark)  # fmt: skip
            wheels.append(values)
        return (dict(zip(decl.for_, turn, strict=True)) for turn in product(*wheels))

    def parameter(self, name: str, decl: ParamDecl, scope: Scope, layout: str) -> Value:
        """A parameter leaf."""
        shape = self.shape(decl.shape, scope, declare=scope.parent is None)
        trainable = decl.trainable
        if not isinstance(trainable, bool):
            trainable = static.truth(self.static(trainable, scope, "'trainable'"), decl.mark)
        initial = Initial(decl.init, scope, layout)
        type = TensorType(DType.FLOAT, shape)
        leaf = Leaf(name, type, initial, decl.mark, trainable, weights=decl.weights)
        return self.make_leaf("parameter", leaf)

    def state(self, name: str, decl: StateDecl, scope: Scope) -> Value:
        """A state leaf."""
        shape = self.shape(decl.shape, scope, declare=scope.parent is None)
        dtype = self.dtype(decl.dtype, decl.mark)
        initial = Initial(decl.init, scope, "in_out")
        type = TensorType(dtype, shape)
        leaf = Leaf(name, type, initial, decl.mark, reset=decl.reset, weights=decl.weights)
        return self.make_leaf("state", leaf)

    def dtype(self, name: str | None, mark: Mark) -> DType:
        """A declared number type; the program's float by default.

        ``float32`` is the float that programs have by default: declared, it follows the program,
        so that one file serves float32 and float64. ``cast(x, float32)`` is exactly that.
        """
        dtype = DType.FLOAT if name is None else dtype_named(name)
        if dtype is None:
            fail("GF031", f"unknown number type '{name}'", mark,
                 help=f"one of {', '.join(dtype_names())}")  # fmt: skip
        return DType.FLOAT if dtype is DType.FLOAT32 else dtype

    def pending(self, state: Value) -> Value:
        """A state as a later call in the same step sees it: already updated while training."""
        update = self.updates.get(state.name)
        if update is None:
            return state
        now = self.emit("by_mode", [update, state], Place(f"{state.name}.now"), None)
        self.section.pending[now.name] = state.name
        return now

    def block_updates(self, block: BlockDecl, scope: Scope, place: Place) -> None:
        """New values of the block's states, taken after a training step."""
        for name, expr in block.updates.items():
            leaf = place.child(name).owner
            target = scope.names.get(name)
            if name in block.inputs and isinstance(target, Value):
                leaf = target.name  # an optimizer sets the parameter it is given
            elif target is None:
                continue  # a state that these arguments do without
            value = self.tensor(
                self.evaluate(expr, scope, Slot(place.child(f"{name}.next"))), expr.mark
            )
            self.set_update(leaf, value, expr.mark)

    def set_update(self, leaf: str, value: Value, mark: Mark) -> None:
        """Record what a leaf becomes after the step; the types must agree."""
        if leaf in self.vectors:
            self.vectors[leaf](value, mark)
            return
        target = self.leaves[leaf].type
        if value.tensor != target:
            if value.shape != target.shape:
                fail("GF034", f"'{leaf}' is {target} but its update is {value.tensor}", mark)
            origin = Origin(self.origin_mark(mark), self.node_path, self.phase)
            with value.builder.within(f"{leaf}.next", origin):
                value = value.cast(target.dtype)
        self.updates[leaf] = value
        self.section.updates[leaf] = value.name

    def counter(self, name: str) -> Value | None:
        """``step`` and ``epoch`` where a file computes: states that training counts.

        Within a step it is the number of that step, from 1 on, and outside of training the number
        of the last one; with several players it counts steps of the last. Epochs count from 0.
        None where nothing is computed: in first values, say.
        """
        if name not in COUNTERS or not self.counts or self.regions[0] is not self.root:
            return None
        path, builder = COUNTERS[name], self.root.builder
        if path not in self.leaves:
            zero = Initial(Number(0, self.document.mark), self.scope, "in_out")
            leaf = Leaf(path, TensorType(DType.INT64), zero, self.document.mark)
            number = self.make_leaf("state", leaf)
            with builder.within(path, Origin(self.document.mark, path)):
                if name == "step":
                    self.updates[path] = number + 1
                    last = F.maximum(number, number.like(1))
                    number = F.by_mode(self.updates[path], last)
                builder.add("cast", number, dtype=DType.FLOAT, name=f"{path}.now")
        return builder.value(f"{path}.now")

    # -- results -----------------------------------------------------------------------------
    def outputs(self, block: BlockDecl, scope: Scope, place: Place) -> Bound:
        """What the call gives: one value, or parts."""
        values = {name: self._output(name, block, scope) for name in block.outputs}
        if not values:
            return None  # a block of updates gives nothing
        if len(values) == 1:
            (value,) = values.values()
            return value
        return Parts(place.path, values)

    def _output(self, name: str, block: BlockDecl, scope: Scope) -> Bound:
        known, value = scope.get(name)
        if not known:
            scope.lookup(name, block.mark)
        if isinstance(value, Poison):
            raise Poisoned(name)
        return value


def filled(message: str, block: str, names: Mapping[str, Bound]) -> str:
    """A requirement's message: ``{x}`` tells what x is, ``{x!s}`` says the word x without quotes,
    ``{block}`` names what was called.

    >>> names = {"layout": "(N, C, L)", "x": 3, "mode": "edge"}
    >>> filled("{block} pools {layout!s}, not {x}, with {mode}", "max_pool1d", names)
    "max_pool1d pools (N, C, L), not 3, with 'edge'"
    """
    shown = {"block": block}
    for name, value in names.items():
        shown[name] = describe(value)
        shown[f"{name}!s"] = value if isinstance(value, str) else shown[name]
    return PLACE.sub(lambda place: shown.get(place[1], place[0]), message)
